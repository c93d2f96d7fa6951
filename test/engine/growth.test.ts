import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  avg,
  count,
  distinct,
  last,
  lifetime,
  share,
  sum,
  type View,
  type Where,
} from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { until } from '../support/until.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const dayMs = 86_400_000;
const big: Where = { amount: { gte: 100 } };
const old = { count1h: count({ window: '1h' }), max: last('amount', { window: '1h' }) };
const more: { [name: string]: Aggregation } = {
  sumBehind: sum('amount', { window: '1h', delay: '1s' }),
  count24h: count({ window: '24h' }),
  ...old,
  bigCount: count({ window: '1h', where: big }),
  fraudRate: share('fraud', { window: '1h' }),
  shops: distinct('shopId', { window: '1h' }),
  sum1h: sum('amount', { window: '1h' }),
  lastAt: last('paidAt', { window: '1h' }),
  average: avg('amount', { window: lifetime({ idle: '24h' }) }),
};

/** Two events of ada under the old definition, and an engine of the definition that has grown. */
async function grown(features = more) {
  const prefix = scratch.prefix();
  const before = await scratch.open([spending(old)], 'wall', prefix);
  const paidAt = (await scratch.now()) - 60_000;
  const early = [pay({ amount: 500, fraud: true, paidAt }), pay({ amount: 7, shopId: 'smith', paidAt: paidAt + 1 })];
  await before.record(payment, early);
  await until(async () => (await scratch.now()) > (await ada(before)).completeSince);
  const after = await scratch.open([spending(features)], 'wall', prefix);
  return { before, after, early, paidAt, prefix };
}

async function ada(engine: Engine) {
  const [view] = engine.views;
  const [vector] = view ? await engine.read(view, ['ada']) : [];
  if (!vector) throw new Error('no vector came back');
  return vector;
}

describe('a feature added to a view', () => {
  test('sees old events as far as the log kept what it needs', async () => {
    const { after, paidAt } = await grown();
    const vector = await ada(after);
    expect(valuesOf(vector)).toEqual({
      count1h: 2,
      max: 7,
      count24h: 2,
      sum1h: 507, // the amount was kept, for another feature
      sumBehind: 507,
      lastAt: paidAt + 1,
      bigCount: 0, // which events passed the filter was not kept, nor was the label, nor which shops were seen
      fraudRate: 0,
      shops: 0,
      average: null,
    });
    expect(vector.eventSeq).toBe(2);
  });

  test('sees every event from then on', async () => {
    const { after } = await grown();
    const [outcome] = await after.record(payment, [pay({ amount: 200, fraud: true, shopId: 'miller' })]);
    expect(outcome?.status).toBe('RECORDED');
    expect(valuesOf(await ada(after))).toMatchObject({
      count1h: 3,
      count24h: 3,
      sum1h: 707,
      bigCount: 1,
      fraudRate: 1 / 3,
      shops: 1,
      average: 200,
    });
  });

  test('sums only new events when its field was not kept before', async () => {
    const prefix = scratch.prefix();
    const before = await scratch.open([spending({ count1h: old.count1h })], 'wall', prefix);
    await before.record(payment, [pay({ amount: 5 })]);
    const after = await scratch.open(
      [spending({ count1h: old.count1h, sum1h: sum('amount', { window: '1h' }) })],
      'wall',
      prefix,
    );
    expect(valuesOf(await ada(after))).toEqual({ count1h: 1, sum1h: 0 });
    await after.record(payment, [pay({ amount: 3 })]);
    expect(valuesOf(await ada(after))).toEqual({ count1h: 2, sum1h: 3 });
  });

  test('says from when on it is complete, which is when the newest was first loaded', async () => {
    const { before, after } = await grown();
    const opened = (await ada(before)).completeSince;
    const [nobody] = await after.read(after.views[0] as View, ['nobody']);
    expect(nobody?.completeSince).toBeGreaterThan(opened);
    expect((await ada(after)).completeSince).toBe(nobody?.completeSince);
    const hash = await scratch.valkey.hgetall(after.keys.hash(spending(more), 'ada'));
    expect(Number(hash._complete_since)).toBe((await ada(after)).completeSince);
    expect(hash).toMatchObject({ count_24h: '2', sum_1h: '507', big_count: '0' });
  });

  test('is not called complete from before an event that a process of the old definition took in', async () => {
    const { before, after } = await grown();
    const enrolledAt = (await ada(after)).completeSince;
    await before.record(payment, [pay({ userId: 'bob', amount: 900 })]);
    const recordedAt = await scratch.now();
    const [view] = after.views;
    const [bob] = view ? await after.read(view, ['bob']) : [];
    expect(enrolledAt).toBeLessThanOrEqual(recordedAt);
    expect(bob?.completeSince).toBeGreaterThanOrEqual(recordedAt);
    expect(bob && valuesOf(bob)).toMatchObject({ bigCount: 0, count1h: 1 });
    expect((await ada(after)).completeSince).toBe(enrolledAt);
  });

  test('is not called complete from earlier on by the next change', async () => {
    const { before, after, prefix } = await grown();
    await before.record(payment, [pay({ userId: 'bob' })]);
    await until(async () => (await scratch.now()) > (await ada(after)).completeSince);
    const completeSince = async (engine: Engine) =>
      (await engine.read(engine.views[0] as View, ['bob']))[0]?.completeSince;
    const since = await completeSince(after);
    const reordered = await scratch.open(
      [spending(Object.fromEntries(Object.entries(more).reverse()))],
      'wall',
      prefix,
    );
    expect(await completeSince(reordered)).toBe(since);
  });

  test('leaves a time that the store chose no reason to call a retry different', async () => {
    const prefix = scratch.prefix();
    const early = pay({ paidAt: (await scratch.now()) + 3_000 });
    const [first] = await (await scratch.open([spending(old)], 'wall', prefix)).record(payment, [early]);
    const [second] = await (await scratch.open([spending(more)], 'wall', prefix)).record(payment, [early]);
    expect(second).toMatchObject({ status: 'DUPLICATE', reason: null, occurredAt: first?.occurredAt });
  });

  test('keeps the revision where it only changes places', async () => {
    const prefix = scratch.prefix();
    const first = await scratch.open([spending({ a: old.count1h, b: old.max })], 'wall', prefix);
    const second = await scratch.open([spending({ b: old.max, a: old.count1h })], 'wall', prefix);
    await first.record(payment, [pay({ amount: 5 })]);
    const [one, two, three] = [await ada(first), await ada(second), await ada(first)];
    expect([two.revision, three.revision]).toEqual([one.revision, one.revision]);
    expect(valuesOf(two)).toEqual(valuesOf(one));
  });

  test('lets entities that a newer definition took over fail alone in a process of the old one', async () => {
    const { before, after } = await grown();
    await ada(after);
    const outcomes = await before.record(payment, [pay({ userId: 'ada' }), pay({ userId: 'eve' })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['UNAVAILABLE', 'RECORDED']);
  });

  test('leaves ids known and does not take back the revision', async () => {
    const { before, after, early } = await grown();
    const { revision } = await ada(before);
    const outcomes = await after.record(payment, early);
    expect(outcomes.map(({ status }) => status)).toEqual(['DUPLICATE', 'DUPLICATE']);
    expect((await ada(after)).revision).toBeGreaterThan(revision);
  });

  test('leaves a repeated event no different for what was not kept of it', async () => {
    const { after, early } = await grown();
    const outcomes = await after.record(payment, early);
    expect(outcomes.map(({ status, reason }) => [status, reason])).toEqual(early.map(() => ['DUPLICATE', null]));
    const [other] = await after.record(payment, [{ ...early[0], amount: 1 }]);
    expect(other?.reason).toContain('amount');
  });

  test('keeps old events for as long as its window needs them', async () => {
    const { after, prefix } = await grown({ ...old, count30d: count({ window: '30d' }) });
    expect(valuesOf(await ada(after))).toMatchObject({ count30d: 2 });
    for (const key of await scratch.keys(prefix)) expect(await scratch.valkey.pttl(key)).toBeGreaterThan(29 * dayMs);
  });

  test('makes engines of the old definition say so, for entities that were brought up to date', async () => {
    const { before, after } = await grown();
    await ada(after);
    await expect(ada(before)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('newer') });
    const [outcome] = await before.record(payment, [pay()]);
    expect(outcome?.status).toBe('UNAVAILABLE');
    expect(valuesOf(await ada(after))).toMatchObject({ count1h: 2 });
  });

  test('is not brought to a log that is arranged otherwise, which is left as it is', async () => {
    const { after, prefix } = await grown();
    const registry = `${prefix}:registry`;
    for (const [field, text] of Object.entries(await scratch.valkey.hgetall(registry))) {
      const { format, ...others } = text.startsWith('{') ? JSON.parse(text) : {};
      if (format) await scratch.valkey.hset(registry, field, JSON.stringify({ format: format - 1, ...others }));
    }
    const [log = ''] = (await scratch.keys(prefix)).filter((key) => key.includes(':log:'));
    const before = await scratch.valkey.getBuffer(log);
    await expect(ada(after)).rejects.toThrow(/is in format \d+, and this engine keeps logs in format \d+/);
    expect(await scratch.valkey.getBuffer(log)).toEqual(before);
  });

  test('is brought to hundreds of logs by one read', async () => {
    const prefix = scratch.prefix();
    const before = await scratch.open([spending(old)], 'wall', prefix);
    const ids = Array.from({ length: 300 }, (_, i) => `user ${i}`);
    await before.record(
      payment,
      ids.map((userId) => pay({ userId })),
    );
    const grownView = spending(more);
    const after = await scratch.open([grownView], 'wall', prefix);
    const vectors = await after.read(grownView, ids);
    expect(vectors.map((vector) => valuesOf(vector).count24h)).toEqual(ids.map(() => 1));
  });
});
