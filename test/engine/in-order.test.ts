import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  count,
  DefinitionError,
  first,
  last,
  lastN,
  rate,
  timeSinceLast,
  type View,
  type Where,
} from '../../src/define/index.ts';
import { writeHash64 } from '../../src/engine/hash64.ts';
import { type Engine, type EventInput, servedCertainty, servedValues, type Vector } from '../../src/engine/index.ts';
import { until } from '../support/until.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const big: Where = { amount: { gte: 100 } };
const notTwo: Where = { amount: { ne: 2 } };

/** Opens an engine of one view under the event clock, and records ada's payments, given as [ms after the start, amount]. */
async function recorded(view: View, payments: readonly (readonly [ms: number, amount: number])[], singles = 128) {
  const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { singles });
  await engine.record(payment, payments.map(paid));
  return engine;
}

const paid = ([ms, amount]: readonly [ms: number, amount: number]): EventInput => pay({ amount, paidAt: start + ms });

async function ada(engine: Engine): Promise<Vector> {
  const [vector] = await engine.read(engine.views[0] as View, ['ada']);
  return vector as Vector;
}

/** What a view's only feature was at a moment, and how sure that is. */
async function then(engine: Engine, ms: number) {
  const [[vector] = []] = await engine.past(engine.views[0] as View, [{ id: 'ada', moments: [start + ms] }]);
  if (!vector) throw new Error('no vector came back');
  return { value: servedValues(vector)[0], ...servedCertainty(vector, 0) };
}

describe('first', () => {
  test('is the oldest in the window, by its own time, and goes when that leaves', async () => {
    const view = spending({ oldest: first('amount', { window: '1m' }) });
    const engine = await recorded(view, [[0, 5]]);
    const oldest = async (ms: number, amount: number) => {
      const [outcome] = await engine.record(payment, [paid([ms, amount])]);
      return valuesOf(outcome?.vectors.get(view) as Vector).oldest;
    };
    expect(await oldest(10, 6)).toBe(5);
    expect(await oldest(-10, 7)).toBe(7);
    expect(await oldest(-10, 6.5)).toBe(6.5); // of several at one moment, the least
    expect(await oldest(59_990, 8)).toBe(5);
    expect(await oldest(60_000, 9)).toBe(6);
    expect(await oldest(600_000, 1)).toBe(1);
  });

  test('lies, once the oldest are put together, between what it may be', async () => {
    // One stretch of the grid is 30 s: the first two are in one, which the moment asked for cuts.
    const payments: [number, number][] = [
      [0, 1],
      [10, 2],
      ...Array.from({ length: 9 }, (_, i): [number, number] => [3_600_000 + i, 10 + i]),
    ];
    const engine = await recorded(spending({ oldest: first('amount', { window: '1h' }) }), payments, 2);
    expect(await then(engine, 3_600_005)).toMatchObject({ method: 'INTERPOLATED', lower: 1, upper: 2 });
    const filtered = spending({ oldest: first('amount', { window: '1h', where: notTwo }) });
    expect(await then(await recorded(filtered, payments, 2), 3_600_005)).toMatchObject({ lower: 1, upper: 10 });
  });

  test('may be one at the moment at which the tiles end', async () => {
    const engine = await recorded(spending({ oldest: first('amount', { window: '1h' }) }), [[0, 9]], 2);
    const hash = (paymentId: string) => {
      const bytes = Buffer.alloc(8);
      writeHash64(paymentId, bytes, 0);
      return bytes.readBigUInt64LE();
    };
    // Of these at one moment, in the order in which they are put together, the last is the least.
    const ids = Array.from({ length: 5 }, (_, i) => `tied ${i}`).sort((a, b) => (hash(a) < hash(b) ? -1 : 1));
    await engine.record(payment, ids.map((paymentId, i) => pay({ paymentId, amount: 9 - i, paidAt: start + 10 }))); // biome-ignore format: one call
    expect(await then(engine, 3_600_000)).toMatchObject({ method: 'INTERPOLATED', lower: 5 });
  });
});

test('last may be older than the stretch that the moment cuts, where that need not hold one that passes', async () => {
  const payments: [number, number][] = [
    [0, 500],
    [100_000, 1],
    [100_010, 900],
    ...Array.from({ length: 9 }, (_, i): [number, number] => [1_000_000 + i, 1]),
  ];
  const engine = await recorded(spending({ newest: last('amount', { window: '1h', where: big }) }), payments, 2);
  expect(await then(engine, 100_005)).toMatchObject({ method: 'INTERPOLATED', lower: 500, upper: 900 });
});

describe('lastN', () => {
  test('lists the newest first, of several at one moment the greatest, as many as it says', async () => {
    const view = spending({ amounts: lastN('amount', { n: 3, window: '1m' }) });
    const engine = await recorded(view, []);
    expect(valuesOf(await ada(engine)).amounts).toEqual([]);
    const amounts = async (ms: number, amount: number) => {
      const [outcome] = await engine.record(payment, [paid([ms, amount])]);
      return valuesOf(outcome?.vectors.get(view) as Vector).amounts;
    };
    expect(await amounts(0, 1)).toEqual([1]);
    expect(await amounts(2, 2)).toEqual([2, 1]);
    expect(await amounts(1, 3)).toEqual([2, 3, 1]);
    expect(await amounts(2, 4)).toEqual([4, 2, 3]);
    expect(await amounts(60_001, 5)).toEqual([5, 4, 2]);
    expect(await amounts(60_002, 6)).toEqual([6, 5]);
  });

  test('tells a new list by a new revision, also when it is as long as before', async () => {
    const view = spending({
      amounts: lastN('amount', { n: 1, window: '1h' }),
      flags: lastN('fraud', { n: 2, window: '1h' }),
    });
    const engine = await recorded(view, [[0, 1]]);
    const before = await ada(engine);
    await engine.record(payment, [pay({ amount: 2, fraud: true, paidAt: start + 1 })]);
    const after = await ada(engine);
    expect(after.revision).toBeGreaterThan(before.revision);
    expect(valuesOf(after)).toEqual({ amounts: [2], flags: [1] });
  });

  test('stands in the hash as JSON, of numbers that read back as the same', async () => {
    const view = spending({
      lastAmounts: lastN('amount', { n: 5, window: '1h' }),
      lastTimes: lastN('paidAt', { n: 2, window: '1h' }),
    });
    const amounts = [0.1, 1 / 3, 1e15, -5e-324, 129.9];
    const engine = await recorded(
      view,
      amounts.map((amount, ms) => [ms, amount]),
    );
    const hash = await scratch.valkey.hgetall(engine.keys.hash(view, 'ada'));
    expect(hash).toMatchObject({ last_times: `[${start + 4},${start + 3}]` });
    expect(hash.last_amounts).toMatch(/^\[129\.9,/);
    expect(JSON.parse(hash.last_amounts ?? '')).toEqual(amounts.toReversed());
  });

  test('of a hundred is whole, however few singles a log is to keep', async () => {
    const view = spending({ amounts: lastN('amount', { n: 100, window: '24h' }) });
    const payments = Array.from({ length: 1_000 }, (_, i) => [1_000 * i, i] as const);
    const engine = await recorded(view, payments, 5);
    const newest = Array.from({ length: 100 }, (_, i) => 999 - i);
    expect(valuesOf(await ada(engine)).amounts).toEqual(newest);
    expect(await then(engine, 999_000)).toEqual({ value: newest, method: 'EXACT', lower: 100, upper: 100 });
  });

  test('holds what is still single, and says that it may lack some, once what passes was put together', async () => {
    const view = spending({ amounts: lastN('amount', { n: 3, window: '24h', where: big }) });
    const payments = Array.from({ length: 40 }, (_, i) => [1_000 * i, i === 38 || i < 5 ? 100 + i : 1] as const);
    const engine = await recorded(view, payments, 4);
    expect(valuesOf(await ada(engine)).amounts).toEqual([138]);
    expect(await then(engine, 39_000)).toEqual({ value: [138], method: 'INTERPOLATED', lower: 1, upper: 3 });
  });

  test('takes a list of so many values that a view can hold', async () => {
    const lists = Array.from({ length: 21 }, (_, i) => [`list${i}`, lastN('amount', { n: 100, window: `${i + 1}h` })]);
    const features: { [name: string]: Aggregation } = Object.fromEntries(lists);
    await expect(scratch.open([spending(features)], 'wall')).rejects.toThrow(DefinitionError);
    delete features.list0;
    const engine = await recorded(spending(features), [[0, 1]]);
    expect(Object.values(valuesOf(await ada(engine)))).toEqual(Array.from({ length: 20 }, () => [1]));
  });

  test('is found, when it is added to a view, in what that keeps', async () => {
    const prefix = scratch.prefix();
    const old = spending({ newest: last('amount', { window: '1h' }) });
    const before = await scratch.open([old], 'event', prefix);
    await before.record(payment, [paid([0, 1]), paid([1, 2])]);
    const grown = spending({
      amounts: lastN('amount', { n: 3, window: '1h' }),
      newest: last('amount', { window: '1h' }),
      oldest: first('amount', { window: '1h' }),
      flags: lastN('fraud', { n: 3, window: '1h' }),
    });
    const after = await scratch.open([grown], 'event', prefix);
    expect(valuesOf(await ada(after))).toEqual({ amounts: [2, 1], newest: 2, oldest: 1, flags: [] });
    const moved = spending({
      flags: lastN('fraud', { n: 3, window: '1h' }),
      oldest: first('amount', { window: '1h' }),
      amounts: lastN('amount', { n: 3, window: '1h' }),
      newest: last('amount', { window: '1h' }),
    });
    const again = await scratch.open([moved], 'event', prefix);
    expect((await ada(again)).revision).toBe((await ada(after)).revision);
  });
});

test('rate is of the whole length of its window', async () => {
  const view = spending({
    perSecond: rate({ window: '10s' }),
    bigPerSecond: rate({ window: '1m', where: big }),
    behind: rate({ window: '10s', delay: '1h' }),
  });
  const engine = await recorded(view, [
    [0, 1],
    [1, 200],
    [2, 3],
  ]);
  expect(valuesOf(await ada(engine))).toEqual({ perSecond: 0.3, bigPerSecond: 1 / 60, behind: 0 });
});

describe('timeSinceLast', () => {
  const view = spending({
    count1h: count({ window: '1h' }),
    sinceLast: timeSinceLast({ window: '24h' }),
    sinceBig: timeSinceLast({ window: '24h', where: big }),
  });

  test('is as of the moment of reading, and writes nothing for that', async () => {
    const engine = await scratch.open([view], 'wall');
    const paidAt = (await scratch.now()) - 90_000;
    const event = pay({ paidAt });
    const [outcome] = await engine.record(payment, [event]);
    const first = outcome?.vectors.get(view) as Vector;
    expect(valuesOf(first)).toEqual({ count1h: 1, sinceLast: (first.asOf - paidAt) / 1_000, sinceBig: null });
    const hash = await scratch.valkey.hgetall(engine.keys.hash(view, 'ada'));
    expect(hash).toMatchObject({ since_last: `${paidAt}`, _as_of: `${first.asOf}` });

    await until(async () => (await scratch.now()) > first.asOf);
    const later = await ada(engine);
    expect(later.asOf).toBeGreaterThan(first.asOf);
    expect(valuesOf(later).sinceLast).toBe((later.asOf - paidAt) / 1_000);
    expect([later.revision, later.validUntil]).toEqual([first.revision, paidAt + 3_600_000]);
    expect(await scratch.valkey.hgetall(engine.keys.hash(view, 'ada'))).toEqual(hash);

    await until(async () => (await scratch.now()) > later.asOf);
    const [again] = await engine.record(payment, [event]);
    expect(again?.vectors.get(view)?.asOf).toBeGreaterThan(later.asOf);
  });

  test('leaves a vector without it as of when it was folded', async () => {
    const plain = spending({ count1h: count({ window: '1h' }) });
    const engine = await scratch.open([plain], 'wall');
    const [outcome] = await engine.record(payment, [pay()]);
    const first = outcome?.vectors.get(plain) as Vector;
    await until(async () => (await scratch.now()) > first.asOf);
    expect((await ada(engine)).asOf).toBe(first.asOf);
  });

  test('is null when the newest event has left the window', async () => {
    const short = spending({ sinceBig: timeSinceLast({ window: '1m', where: big }) });
    const engine = await recorded(short, [
      [0, 100],
      [59_999, 1],
    ]);
    expect(valuesOf(await ada(engine)).sinceBig).toBe(59.999);
    await engine.record(payment, [paid([60_000, 1])]);
    expect(valuesOf(await ada(engine)).sinceBig).toBe(null);
  });
});
