import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { avg, lifetime, max, min, stddev, sum } from '../../src/define/index.ts';
import { amount, beginning } from '../support/arbitraries.ts';
import { exactSum, type History } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { cut } from '../support/streams.ts';
import { expectTrue, valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

const figures = spending(
  {
    sum30d: sum('amount', { window: '30d' }),
    sum1m: sum('amount', { window: '1m' }),
    avg1m: avg('amount', { window: '1m' }),
    stddev30d: stddev('amount', { window: '30d' }),
    min1m: min('amount', { window: '1m' }),
    max1m: max('amount', { window: '1m' }),
    runningSum: sum('amount', { window: lifetime({ idle: '1d' }) }),
    runningSpread: stddev('amount', { window: lifetime({ idle: '1d' }) }),
  },
  'figures',
);

/** Amounts that cancel, that lie close together far from zero, or that differ by thirty digits. */
const amounts = fc.oneof(
  fc.array(amount, { minLength: 100, maxLength: 300 }),
  fc.array(fc.constantFrom(1e15, -1e15, 1e15 - 1, 0.1, -0.1, 1e-9), { minLength: 100, maxLength: 300 }),
  fc.array(fc.double({ min: 9.99999999e14, max: 1e15, noNaN: true }), { minLength: 100, maxLength: 300 }),
  fc.array(fc.constantFrom(0.1, 0.2, 0.3), { minLength: 300, maxLength: 300 }),
);

describe('figures of hundreds of awkward amounts', { timeout: patienceMs }, () => {
  test('are as exact as a double can say, before and after most of them have left the window', async () => {
    await holdsFor(fc.tuple(amounts, fc.integer({ min: 1, max: 100 })), 12, async ([all, size]) => {
      await scratch.lend([figures], 'event', async (engine) => {
        let history: History = [];
        const events = all.map((one, i) => pay({ amount: one, paidAt: beginning + i * 1_000 }));
        for (const batch of cut(events, [size])) {
          const [outcome] = await engine.record(payment, batch);
          history = [
            ...history,
            ...batch.map((fields) => ({ fields, at: Number(fields.paidAt), arrivedAt: Number(fields.paidAt) })),
          ];
          expectTrue(outcome?.vectors.get(figures) ?? expect.unreachable(), history);
        }
      });
    });
  });
});

test('there is one zero, so that extremes do not depend on which came first', async () => {
  const engine = await scratch.open([figures], 'event');
  for (const [user, amounts] of Object.entries({ ada: [0, -0], bob: [-0, 0] })) {
    const [, last] = await engine.record(
      payment,
      amounts.map((one, i) => pay({ userId: user, amount: one, paidAt: beginning + i })),
    );
    const { min1m, max1m } = valuesOf(last?.vectors.get(figures) ?? expect.unreachable());
    expect([min1m, max1m]).toEqual([0, 0]);
  }
});

describe('the exact sum that figures are held against', () => {
  test.each([
    [[], 0],
    [[0.1, 0.2, -0.3], 2 ** -55],
    [[1e15, 0.1, -1e15], 0.1],
    [[5e-324, 5e-324], 1e-323],
    [[-1.5, 0.25], -1.25],
  ])('of %j is %d', (numbers, expected) => {
    expect(exactSum(numbers)).toBe(expected);
  });
});
