import { describe, expect, test } from 'vitest';
import { type Aggregation, count, DefinitionError, sum, type Where } from '../../src/define/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

/** Counts of payments of at least 1, 2, 3 and so on. */
function thresholds(number: number): { [name: string]: Aggregation } {
  const atLeast = (gte: number): Where => ({ amount: { gte } });
  const features = Array.from({ length: number }, (_, i) => [
    `atLeast${i + 1}`,
    count({ window: '1h', where: atLeast(i + 1) }),
  ]);
  return Object.fromEntries(features);
}

describe('a view', () => {
  test('tells 29 different filters apart, also for events without a time and ahead of it', async () => {
    const view = spending(thresholds(29));
    const engine = await scratch.open([view], 'wall');
    const ahead = (await scratch.now()) + 3_000;
    await engine.record(payment, [pay({ amount: 30 }), pay({ amount: 16 }), pay({ amount: 8, paidAt: ahead })]);
    const [vector] = await engine.read(view, ['ada']);
    expect([...(vector?.values ?? [])]).toEqual(
      view.features.map((_, i) => [30, 16, 8].filter((one) => one > i).length),
    );
  });

  test('says which filters decided otherwise when an event is repeated with another amount', async () => {
    const view = spending(thresholds(29));
    const engine = await scratch.open([view], 'wall');
    const [, outcome] = await engine.record(payment, [
      pay({ paymentId: 'p1', amount: 5 }),
      pay({ paymentId: 'p1', amount: 30 }),
    ]);
    expect(outcome).toMatchObject({ status: 'DUPLICATE', reason: expect.stringContaining('amount') });
  });

  test('is refused, by name, when it has more filters than a cell can tell apart', async () => {
    const refusal = scratch.open([spending(thresholds(30))], 'wall');
    await expect(refusal).rejects.toThrow(DefinitionError);
    await expect(refusal).rejects.toThrow(/view spending: has 30 different filters.*29/);
  });

  test('is refused beside more others than a call can name', async () => {
    const views = Array.from({ length: 256 }, (_, i) => spending({ all: count({ window: '1h' }) }, `spending_${i}`));
    const refusal = scratch.open(views, 'wall');
    await expect(refusal).rejects.toThrow(DefinitionError);
    await expect(refusal).rejects.toThrow(/256 views.*255/);
  });

  test('is refused, by name, when it has more features than a log can name', async () => {
    const features = Array.from({ length: 256 }, (_, i) => [`count${i}s`, count({ window: `${i + 1}s` })]);
    const refusal = scratch.open([spending(Object.fromEntries(features))], 'wall');
    await expect(refusal).rejects.toThrow(/view spending: has 256 features.*255/);
  });

  test('takes features that share a filter, a field or a window as one measurement, and tells each its own', async () => {
    const big: Where = { amount: { gte: 10 } };
    const view = spending({
      count1h: count({ window: '1h' }),
      bigCount1h: count({ window: '1h', where: big }),
      bigCount2h: count({ window: '2h', where: { amount: { gte: 10 } } as Where }),
      bigSum1h: sum('amount', { window: '1h', where: big }),
      sum1h: sum('amount', { window: '1h' }),
    });
    const engine = await scratch.open([view], 'wall');
    await engine.record(payment, [
      pay({ amount: 9 }),
      pay({ amount: 10 }),
      pay({ amount: 11, paidAt: (await scratch.now()) - 4_000_000 }),
    ]);
    const [vector] = await engine.read(view, ['ada']);
    expect(vector && valuesOf(vector)).toEqual({ count1h: 2, bigCount1h: 1, bigCount2h: 2, bigSum1h: 10, sum1h: 19 });
  });
});
