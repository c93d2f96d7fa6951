import { describe, expect, inject, test } from 'vitest';
import { count, distinct, max } from '../../src/define/index.ts';
import type { Vector } from '../../src/engine/index.ts';
import { connect } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

describe('an engine', () => {
  // The library alone is removed: FUNCTION FLUSH would do the same to every other test that runs beside this one.
  test('loads its functions again when Valkey has forgotten them, and loses nothing', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) }, 'flushed_profile');
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay()]);

    await scratch.unload([profile]);
    const [outcome] = await engine.record(payment, [pay()]);
    expect(outcome?.status).toBe('RECORDED');

    await scratch.unload([profile]);
    const [[read], [refreshed]] = await Promise.all([engine.read(profile, ['ada']), engine.refresh(profile, ['ada'])]);
    expect(read && valuesOf(read)).toEqual({ count1h: 2 });
    expect(refreshed && valuesOf(refreshed)).toEqual({ count1h: 2 });
  });

  test('heals while many calls are under way', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) }, 'often_flushed_profile');
    const engine = await scratch.open([profile], 'wall');
    const calls = Array.from({ length: 60 }, async (_, i) => {
      if (i % 20 === 10) await scratch.unload([profile]);
      return engine.record(payment, [pay()]);
    });
    const outcomes = (await Promise.all(calls)).flat();
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'RECORDED'));
    const [vector] = await engine.read(profile, ['ada']);
    expect(vector?.eventSeq).toBe(60);
  });

  test('counts companions of a log that are missing', async () => {
    const profile = spending({ shops: distinct('shopId', { window: '1h' }) }, 'evicted_profile');
    const engine = await scratch.open([profile], 'wall', undefined, undefined, { singles: 1 });
    for (const shopId of ['put together', 'single']) await engine.record(payment, [pay({ shopId })]);
    expect(engine.lostCompanions).toBe(0);

    const stored = await scratch.keys(engine.keys.prefix);
    await scratch.valkey.del(stored.filter((key) => key.includes(':seen:')));
    const [vector] = await engine.refresh(profile, ['ada']);
    expect(vector && valuesOf(vector)).toEqual({ shops: 1 });
    expect(engine.lostCompanions).toBe(1);
  });

  test('counts them once, also when an event comes first', async () => {
    const profile = spending({ shops: distinct('shopId', { window: '1h' }) }, 'evicted_before_an_event');
    const engine = await scratch.open([profile], 'wall', undefined, undefined, { singles: 1 });
    for (const shopId of ['first', 'second']) await engine.record(payment, [pay({ shopId })]);
    const stored = await scratch.keys(engine.keys.prefix);
    await scratch.valkey.del(stored.filter((key) => key.includes(':seen:')));
    await engine.record(payment, [pay({ shopId: 'third' })]);
    await engine.refresh(profile, ['ada']);
    const [vector] = await engine.refresh(profile, ['ada']);
    expect(vector && valuesOf(vector)).toEqual({ shops: 2 });
    expect(engine.lostCompanions).toBe(1);
    for (const key of await scratch.keys(engine.keys.prefix)) expect(await scratch.valkey.pttl(key)).toBeGreaterThan(0);
  });

  test('counts them, and goes on, where they were a sample', async () => {
    const profile = spending({ shops: distinct('shopId', { window: '1h' }) }, 'evicted_sample');
    const limits = { singles: 4, values: 2 };
    const engine = await scratch.open([profile], 'event', undefined, undefined, limits);
    const start = Date.UTC(2024, 0, 1);
    const visit = (minute: number) => pay({ shopId: `shop ${minute}`, paidAt: start + 60_000 * minute });
    await engine.record(payment, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50].map(visit));
    const stored = await scratch.keys(engine.keys.prefix);
    await scratch.valkey.del(stored.filter((key) => key.includes(':seen:')));
    const moments = [start + 50 * 60_000];
    const [[told] = []] = await engine.past(profile, [{ id: 'ada', moments }]);
    expect(told?.certainties).toMatchObject([{ lower: 4, upper: 11, method: 'INTERPOLATED' }]);

    // By then some of the table's have left the window. What a single shows is not looked for in the table.
    const [outcome] = await engine.record(payment, [{ ...visit(65), shopId: 'shop 50' }]);
    expect(valuesOf(outcome?.vectors.get(profile) as Vector)).toEqual({ shops: 4 });
    expect(engine.lostCompanions).toBe(1);
  });

  test('builds nothing on last-seen times that outlived their log', async () => {
    const profile = spending({ shops: distinct('shopId', { window: '1h' }) }, 'evicted_log');
    const engine = await scratch.open([profile], 'wall', undefined, undefined, { singles: 1 });
    for (const shopId of ['a', 'b']) await engine.record(payment, [pay({ shopId })]);
    await scratch.valkey.del(engine.keys.log(profile, 'ada'));
    const [outcome] = await engine.record(payment, [pay({ shopId: 'c' })]);
    expect(valuesOf(outcome?.vectors.get(profile) as Vector)).toEqual({ shops: 1 });
    expect(engine.lostCompanions).toBe(2); // and the table of ids
  });

  test('lets an entity whose log cannot be used fail alone', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) }, 'spoilt_profile');
    const engine = await scratch.open([profile], 'wall');
    await scratch.valkey.lpush(engine.keys.log(profile, 'bob'), 'no log');
    const outcomes = await engine.record(
      payment,
      ['ada', 'bob', 'cyd'].map((userId) => pay({ userId })),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'UNAVAILABLE', 'RECORDED']);
    const found = await engine.readEach(profile, ['ada', 'bob', 'cyd']);
    expect(found.map((one) => (one instanceof Error ? one.name : valuesOf(one)))).toEqual([
      { count1h: 1 },
      'LogFaultError',
      { count1h: 1 },
    ]);
    await expect(engine.read(profile, ['ada', 'bob'])).rejects.toThrow('WRONGTYPE');
  });

  test('calls an event unavailable if one of its views is, and a retry finishes it', async () => {
    const engine = await scratch.open([everything, takings], 'wall');
    const log = engine.keys.log(takings, 'baker');
    await scratch.valkey.lpush(log, 'no log');
    const sent = pay();
    const [outcome] = await engine.record(payment, [sent]);
    expect(outcome).toMatchObject({ status: 'UNAVAILABLE', reason: expect.any(String), occurredAt: null });
    expect(outcome?.vectors.get(everything)?.eventSeq).toBe(1);

    await scratch.valkey.del(log);
    const [again] = await engine.record(payment, [sent]);
    expect(again?.status).toBe('RECORDED');
    expect([...(again?.vectors.values() ?? [])].map(({ eventSeq }) => eventSeq)).toEqual([1, 1]);
  });

  test.each([
    ['too short for a log', 'abc'],
    ['long enough', 'x'.repeat(1_000)],
  ])('does not take something else for an old log: %s', async (_, text) => {
    const profile = spending({ count1h: count({ window: '1h' }) }, 'mistaken_profile');
    const engine = await scratch.open([profile], 'wall');
    await scratch.valkey.set(engine.keys.log(profile, 'bob'), text);
    const [ada, bob] = await engine.readEach(profile, ['ada', 'bob']);
    expect([ada, bob].map((one) => one instanceof Error && one.name)).toEqual([false, 'LogFaultError']);
    const outcomes = await engine.record(payment, [pay(), pay({ userId: 'bob' })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'UNAVAILABLE']);
    expect(await scratch.valkey.get(engine.keys.log(profile, 'bob'))).toBe(text);
  });

  test.each([
    ['is cut off', (log: Buffer) => log.subarray(0, 66)],
    ['ends within a cell', (log: Buffer) => log.subarray(0, log.length - 5)],
    ['ends within a cell', (log: Buffer) => Buffer.concat([log, Buffer.alloc(5)])],
  ])('lets a log that %s fail alone', async (fault, spoil) => {
    const profile = spending({ count1h: count({ window: '1h' }) }, 'cut_profile');
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay(), pay({ userId: 'bob' })]);
    const key = engine.keys.log(profile, 'bob');
    await scratch.valkey.set(key, spoil((await scratch.valkey.getBuffer(key)) as Buffer));
    const found = await engine.readEach(profile, ['ada', 'bob', 'ada'], { refresh: true });
    expect(found.map((one) => (one instanceof Error ? one.message : valuesOf(one).count1h))).toEqual([
      1,
      expect.stringContaining(`this log ${fault}`),
      1,
    ]);
    const [, ada] = await engine.readEach(profile, ['bob', 'ada']);
    expect(ada).not.toBeInstanceOf(Error);
  });

  test('starts a lost log anew, with a hash that says nothing more than the new one and a revision that still grows', async () => {
    const profile = spending({
      count1h: count({ window: '1h' }),
      behind: max('amount', { window: '1h', delay: '1s' }),
    });
    const engine = await scratch.open([profile], 'wall');
    const [before] = await engine.record(payment, [pay({ paidAt: (await scratch.now()) - 60_000 })]);
    expect(await scratch.valkey.hgetall(engine.keys.hash(profile, 'ada'))).toMatchObject({ behind: '10' });

    await scratch.valkey.del(engine.keys.log(profile, 'ada'));
    const [after] = await engine.record(payment, [pay()]);
    const vector = after?.vectors.get(profile);
    expect(vector && valuesOf(vector)).toEqual({ count1h: 1, behind: null });
    expect(vector?.revision).toBeGreaterThan(before?.vectors.get(profile)?.revision ?? Number.POSITIVE_INFINITY);
    const hash = await scratch.valkey.hgetall(engine.keys.hash(profile, 'ada'));
    expect(hash).toMatchObject({ count_1h: '1', _event_seq: '1', _revision: `${vector?.revision}` });
    expect(hash).not.toHaveProperty('behind');
  });

  test('leaves no hash that nobody can vouch for, once a reader finds its log lost', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) });
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay()]);
    await scratch.valkey.del(engine.keys.log(profile, 'ada'));
    const [vector] = await engine.read(profile, ['ada']);
    expect(vector && valuesOf(vector)).toEqual({ count1h: 0 });
    expect(await scratch.valkey.exists(engine.keys.hash(profile, 'ada'))).toBe(0);
    expect(engine.lostCompanions).toBe(1);
  });

  test('serves what another process recorded before it started', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) });
    const prefix = scratch.prefix();
    const [outcome] = await (await scratch.open([profile], 'wall', prefix)).record(payment, [pay()]);
    const [vector] = await (await scratch.open([profile], 'wall', prefix)).read(profile, ['ada']);
    expect(vector).toEqual(outcome?.vectors.get(profile));
  });
});

describe('while Valkey is away', () => {
  test('events are unavailable but not rejected, and reads say so too', async () => {
    const profile = spending({ count1h: count({ window: '1h' }) });
    const valkey = connect(singleAddress(inject('valkeyUrl')));
    const prefix = scratch.prefix();
    const engine = await scratch.open([profile], 'wall', prefix, valkey);
    valkey.disconnect();

    const outcomes = await engine.record(payment, [pay(), pay({ userId: '' })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['UNAVAILABLE', 'REJECTED']);
    expect(outcomes[0]).toMatchObject({ reason: expect.any(String), occurredAt: null });
    const unavailable = { name: 'UnavailableError', code: 'UNAVAILABLE' };
    await expect(engine.read(profile, ['ada'])).rejects.toMatchObject(unavailable);
    await expect(engine.refresh(profile, ['ada'])).rejects.toMatchObject(unavailable);
    await expect(scratch.open([profile], 'wall', prefix, valkey)).rejects.toMatchObject(unavailable);
  });
});
