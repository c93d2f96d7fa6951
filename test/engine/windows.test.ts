import { describe, expect, test } from 'vitest';
import { type Aggregation, count, distinct, last, lifetime, share, sum } from '../../src/define/index.ts';
import type { EventInput } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);

/** Records payments one by one under the event clock; the values after each, and until when after the start they hold. */
async function unfold(features: { [name: string]: Aggregation }, payments: EventInput[]) {
  const view = spending(features);
  const engine = await scratch.open([view], 'event');
  const [values, untilMs] = [[] as ReturnType<typeof valuesOf>[], [] as number[]];
  for (const fields of payments) {
    const [outcome] = await engine.record(payment, [pay(fields)]);
    const vector = outcome?.vectors.get(view);
    if (!vector) throw new Error(`no vector came back: ${outcome?.reason}`);
    values.push(valuesOf(vector));
    untilMs.push((vector.validUntil ?? Number.NaN) - start);
  }
  return { values, untilMs };
}

/** Payments at these moments after the start, in ms. */
const at = (...moments: number[]) => moments.map((ms) => ({ paidAt: start + ms }));

describe('a window', () => {
  test('holds an event until the very millisecond at which the event is as old as the window is long', async () => {
    const { values, untilMs } = await unfold({ count1m: count({ window: '1m' }) }, at(0, 59_999, 60_000));
    expect(values).toEqual([{ count1m: 1 }, { count1m: 2 }, { count1m: 2 }]);
    expect(untilMs).toEqual([60_000, 60_000, 119_999]);
  });

  test('behind a delay holds an event from the very millisecond at which the event is as old as the delay', async () => {
    const behind = { behind: count({ window: '20s', delay: '10s' }) };
    const { values, untilMs } = await unfold(behind, at(0, 9_999, 10_000, 29_999, 30_000));
    expect(values.map(({ behind }) => behind)).toEqual([0, 0, 1, 3, 2]);
    expect(untilMs).toEqual([10_000, 10_000, 19_999, 30_000, 39_999]);
  });

  test('takes a late event in at its own time', async () => {
    const { values } = await unfold(
      { count1m: count({ window: '1m' }), count1h: count({ window: '1h' }) },
      at(0, -60_000, -59_999),
    );
    expect(values.map(({ count1m, count1h }) => [count1m, count1h])).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test('of any length holds its part of a hundred events', async () => {
    const seconds = Array.from({ length: 100 }, (_, i) => i + 1);
    const features = (options: { delay?: '10s' } = {}) =>
      seconds.flatMap((s): [string, Aggregation][] => [
        [`count${s}s${options.delay ?? ''}`, count({ window: `${s}s`, ...options })],
        [`sum${s}s${options.delay ?? ''}`, sum('amount', { window: `${s}s`, ...options })],
      ]);
    const paidAt = (s: number) => ({ amount: s, paidAt: start + s * 1_000 });
    const last = async (some: [string, Aggregation][]) =>
      Object.values((await unfold(Object.fromEntries(some), seconds.map(paidAt))).values.at(-1) ?? {});
    const sumOf = (from: number, to: number) => ((to - from) * (from + to + 1)) / 2;
    expect(await last(features())).toEqual(seconds.flatMap((s) => [s, sumOf(100 - s, 100)]));
    expect(await last(features({ delay: '10s' }))).toEqual(
      seconds.map((s) => Math.min(s, 90)).flatMap((s) => [s, sumOf(90 - s, 90)]),
    );
  });

  test('counts each of several events at one moment', async () => {
    const { values } = await unfold(
      { count1m: count({ window: '1m' }), sum1m: sum('amount', { window: '1m' }) },
      at(0, 0, 0),
    );
    expect(values.at(-1)).toMatchObject({ count1m: 3, sum1m: 30 });
  });

  test('of shares counts an unknown label as not true, and is null only when it is empty', async () => {
    const labels = [true, null, undefined, false].map((fraud, i) => ({ fraud, paidAt: start + i }));
    const { values } = await unfold({ rate: share('fraud', { window: '1h', delay: '1s' }) }, [
      ...labels,
      ...at(1_001, 1_003),
    ]);
    expect(values.map(({ rate }) => rate)).toEqual([null, null, null, null, 0.5, 0.25]);
  });

  test('of different values forgets each when it was last seen too long ago', async () => {
    const visits = [
      { shopId: 'baker', paidAt: start },
      { shopId: 'smith', paidAt: start + 1_000 },
      { shopId: 'baker', paidAt: start + 2_000 },
      { shopId: 'smith', paidAt: start - 5_000 },
      { shopId: 'baker', paidAt: start + 61_000 },
    ];
    const { values } = await unfold({ shops: distinct('shopId', { window: '1m' }) }, visits);
    expect(values.map(({ shops }) => shops)).toEqual([1, 2, 2, 2, 1]);
  });

  test("of the last value goes by the events' own time, and always chooses the same of a tie", async () => {
    const [one, other] = [
      { paymentId: 'one', amount: 1, paidAt: start },
      { paymentId: 'other', amount: 2, paidAt: start },
    ];
    const newest = { newest: last('amount', { window: '1h' }) };
    const late = { amount: 3, paidAt: start - 1 };
    const there = await unfold(newest, [one, other, late]);
    const back = await unfold(newest, [late, other, one]);
    expect(there.values.at(-1)).toEqual(back.values.at(-1));
    expect([1, 2]).toContain(there.values.at(-1)?.newest);
  });
});

describe('a lifetime', () => {
  const running = { sum: sum('amount', { window: lifetime({ idle: '1m' }) }), count30d: count({ window: '30d' }) };

  test('goes on while events come, and starts anew after one came as late as the idle time', async () => {
    const { values, untilMs } = await unfold(running, at(0, 59_999, 119_998, 179_998));
    expect(values.map(({ sum }) => sum)).toEqual([10, 20, 30, 10]);
    expect(untilMs).toEqual([60_000, 119_999, 179_998, 239_998]);
  });

  test('takes a late event in when it comes, however old it is', async () => {
    const { values } = await unfold(running, at(0, -3_600_000));
    expect(values.map(({ sum }) => sum)).toEqual([10, 20]);
  });
});
