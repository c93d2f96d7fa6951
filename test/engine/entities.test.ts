import { describe, expect, test } from 'vitest';
import { count, distinct, lifetime, sum } from '../../src/define/index.ts';
import { patienceMs } from '../support/property.ts';
import { dayMs, recorded, retract, start } from './correcting.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

describe('an entity of which nothing is stored', () => {
  test('has empty windows: zeros for counts and sums, null for the rest', async () => {
    const engine = await scratch.open([everything], 'wall');
    const [vector] = await engine.read(everything, ['nobody']);
    expect(vector && valuesOf(vector)).toEqual({
      count1m: 0,
      count24h: 0,
      bigCount1h: 0,
      sum30d: 0,
      avg1h: null,
      min24h: null,
      max24h: null,
      stddev30d: null,
      fraudRate1d: null,
      shops24h: 0,
      lastAmount: null,
      lastAt: null,
    });
    expect(vector).toMatchObject({ id: 'nobody', validUntil: null, lastEventAt: null, eventSeq: 0 });
  });

  test.each(['wall', 'event'] as const)('gets no key by being read or refreshed, by the %s clock', async (clock) => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([everything], clock, prefix);
    await engine.read(everything, ['nobody', 'no one']);
    await engine.refresh(everything, ['nobody']);
    expect(await scratch.keys(prefix)).toEqual([]);
  });

  test('has a revision that grows, as its vector is of each moment anew', async () => {
    const engine = await scratch.open([everything], 'wall');
    const [first] = await engine.read(everything, ['nobody']);
    const [second] = await engine.read(everything, ['nobody']);
    expect(second?.revision).toBeGreaterThan(first?.revision ?? 0);
    expect(Number.isSafeInteger(second?.revision)).toBe(true);
    const [outcome] = await engine.record(payment, [pay({ userId: 'nobody' })]);
    expect(outcome?.vectors.get(everything)?.revision).toBeGreaterThan(second?.revision ?? 0);
  });
});

describe('many entities', { timeout: patienceMs }, () => {
  test('are read in the order asked, repeats and unknown ones too', async () => {
    const engine = await scratch.open([everything], 'wall');
    await engine.record(payment, [pay({ userId: 'a', amount: 1 }), pay({ userId: 'b', amount: 2 })]);
    const vectors = await engine.read(everything, ['b', 'x', 'a', 'b']);
    expect(
      vectors.map(({ id, view, values }) => [id, values[view.features.findIndex((f) => f.name === 'sum30d')]]),
    ).toEqual([
      ['b', 2],
      ['x', 0],
      ['a', 1],
      ['b', 2],
    ]);
    expect(await engine.read(everything, [])).toEqual([]);
  });

  test('with more events than one call folds again are all refreshed', async () => {
    const engine = await scratch.open([everything], 'wall');
    const ids = Array.from({ length: 12 }, (_, i) => `user ${i}`);
    for (const userId of ids) {
      const number = userId === 'user 5' ? 11_000 : 900;
      await engine.record(
        payment,
        Array.from({ length: number }, () => pay({ userId })),
      );
    }
    const vectors = await engine.refresh(everything, ids);
    expect(vectors.map(({ id, values }) => [id, values[1]])).toEqual(
      ids.map((id) => [id, id === 'user 5' ? 11_000 : 900]),
    );
    expect(vectors.map(({ eventSeq }) => eventSeq)).toEqual(vectors.map(({ values }) => values[1]));
  });

  test('of several views are fed by one event, and answered after the whole batch', async () => {
    const engine = await scratch.open([everything, takings], 'wall');
    const outcomes = await engine.record(payment, [
      pay({ userId: 'a', shopId: 'baker', amount: 1 }),
      pay({ userId: 'b', shopId: 'baker', amount: 2 }),
    ]);
    for (const { vectors } of outcomes) {
      const baker = vectors.get(takings);
      expect(baker && valuesOf(baker)).toEqual({ sum24h: 3, users24h: 2 });
    }
    expect(outcomes.map(({ vectors }) => vectors.get(everything)?.id)).toEqual(['a', 'b']);
  });
});

describe('the keys of an entity', () => {
  test('are named by prefix, version and view, and share its hash tag', async () => {
    const engine = await scratch.open([everything], 'wall');
    const { prefix } = engine.keys;
    await engine.record(payment, [pay({ userId: '{50%}' })]);
    expect(engine.keys.hash(everything, '{50%}')).toBe(`${prefix}:v1:everything:{%7B50%25%7D}`);
    expect(engine.keys.log(everything, '{50%}')).toBe(`${prefix}:log:v1:everything:{%7B50%25%7D}`);
    const keys = await scratch.keys(prefix);
    expect(keys).toEqual(
      expect.arrayContaining([engine.keys.hash(everything, '{50%}'), engine.keys.log(everything, '{50%}')]),
    );
    for (const key of keys) expect(key).toMatch(/^[^{}]*\{%7B50%25%7D\}$/);
  });

  const short = spending(
    { count1m: count({ window: '1m' }), shops1m: distinct('shopId', { window: '1m' }) },
    'short',
    '1h',
  );
  const historic = spending(
    { count1h: count({ window: '1h' }), shops1h: distinct('shopId', { window: '1h' }) },
    'historic',
    '7d',
  );
  const idle = spending(
    { total: sum('amount', { window: lifetime({ idle: '7d' }) }), count1m: count({ window: '1m' }) },
    'idle',
  );

  test.each([
    ['as long as ids are remembered, a day, when windows are shorter', short, dayMs],
    ['as long as the longest window', everything, 30 * dayMs],
    ['as long as their history beyond it', historic, 7 * dayMs],
    ['as long as the longest idle time', idle, 7 * dayMs],
  ])('live %s, and not much longer', async (_, view, atLeastMs) => {
    for (const clock of ['wall', 'event'] as const) {
      const prefix = scratch.prefix();
      const engine = await scratch.open([view], clock, prefix);
      await engine.record(payment, [pay({ paidAt: await scratch.now() })]);
      await engine.record(payment, [pay({ paidAt: await scratch.now() })]);
      // Last-seen times follow their own windows; see below.
      const keys = (await scratch.keys(prefix)).filter((key) => clock === 'event' || !key.includes(':seen:'));
      expect(keys.length).toBeGreaterThanOrEqual(2);
      for (const key of keys) {
        expect(await scratch.valkey.pttl(key)).toBeGreaterThan(atLeastMs - 60_000);
        expect(await scratch.valkey.pttl(key)).toBeLessThanOrEqual(atLeastMs * 1.2);
      }
    }
  });

  test('that hold last-seen times live as long as the history and the longest window that counts them', async () => {
    const hourMs = 3_600_000;
    const view = spending(
      { busy: count({ window: '30d' }), shops: distinct('shopId', { window: '1h' }) },
      'busy',
      '3h',
    );
    const prefix = scratch.prefix();
    const engine = await scratch.open([view], 'wall', prefix, scratch.valkey, { singles: 1 });
    for (const shopId of ['baker', 'grocer'])
      await engine.record(payment, [pay({ shopId, paidAt: await scratch.now() })]);
    const [seen] = (await scratch.keys(prefix)).filter((key) => key.includes(':seen:'));
    expect(await scratch.valkey.pttl(String(seen))).toBeGreaterThan(4 * hourMs - 60_000);
    expect(await scratch.valkey.pttl(String(seen))).toBeLessThanOrEqual(4 * hourMs * 1.2);
  });

  test.each([
    ['in the store', false],
    ['in the process', true],
  ])('live as long as their log under the event clock, recorded %s', async (_, rehearses) => {
    const view = spending(
      { count1s: count({ window: '1s' }), shops1s: distinct('shopId', { window: '1s' }) },
      'brief',
      '1s',
    );
    const prefix = scratch.prefix();
    const engine = await scratch.open([view], 'event', prefix, scratch.valkey, { singles: 16, rehearses });
    const log = engine.keys.log(view, 'ada');
    const expiries = async (keys: readonly string[]) =>
      new Set(await Promise.all(keys.map((key) => scratch.valkey.call('PEXPIRETIME', key))));
    // Slower than Valkey's clock goes on: what is true for a second of theirs is not to be forgotten in a second.
    const payments = Array.from({ length: 40 }, (_, i) =>
      pay({ paidAt: start + 20 * i, shopId: i < 3 ? 'baker' : 'grocer' }),
    );
    await recorded(engine, payments.slice(0, 30));
    expect((await retract(engine, payments[3])).status).toBe('RETRACTED');
    const keys = await scratch.keys(prefix);
    const kinds = ['corrections', 'ids', 'log', 'seen', 'v1'];
    expect(keys).toEqual(kinds.map((kind) => expect.stringContaining(`${prefix}:${kind}:`)));
    expect((await expiries(keys)).size).toBe(1);

    for (const next of payments.slice(30)) {
      // All but out of time, but for what is written next. (Last-seen times say themselves when theirs is up.)
      const due = keys.filter((key) => !key.includes(':seen:'));
      for (const key of due) await scratch.valkey.pexpire(key, 60_000);
      await scratch.setHeader(log, 'expiresAt', (await scratch.now()) + 60_000);
      await recorded(engine, [next]);
      expect((await expiries(due)).size).toBe(1);
      expect(await scratch.valkey.pttl(log)).toBeGreaterThan(dayMs - 60_000);
    }
  });
});
