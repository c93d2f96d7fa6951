import { describe, expect, test } from 'vitest';
import { drawPopulation, type StreamOptions, type Transaction, TransactionStream } from '../../src/simulate/index.ts';
import { busiest, rhythm } from '../../src/simulate/rhythm.ts';

const dayMs = 86_400_000;
const fromMs = Date.UTC(2025, 5, 1, 13, 14, 15, 167);
const population = drawPopulation({ seed: 1, customers: 200, terminals: 400 });

function stream(options: Partial<StreamOptions> = {}): TransactionStream {
  return new TransactionStream(population, { seed: 1, fromMs, ratePerSecond: null, ...options });
}

function drawn(options: Partial<StreamOptions> = {}, ms = 30 * dayMs): Transaction[] {
  return [...stream(options).upTo((options.fromMs ?? fromMs) + ms)];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const about = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - about) ** 2)));
}

/** How far a Poisson number is from its mean, in deviations. These are seeded: what holds once holds always. */
function off(count: number, expected: number): number {
  return Math.abs(count - expected) / Math.sqrt(expected);
}

const month = drawn();

describe('a stream of transactions', () => {
  test('is sorted, in whole milliseconds, from its beginning to where it was asked for', () => {
    expect(month.length).toBeGreaterThan(10_000);
    for (const [i, { occurredAt }] of month.entries()) {
      expect(Number.isInteger(occurredAt)).toBe(true);
      expect(occurredAt).toBeGreaterThanOrEqual(month[i - 1]?.occurredAt ?? fromMs);
    }
    expect(month.at(-1)?.occurredAt).toBeLessThan(fromMs + 30 * dayMs);
    expect(month.at(-1)?.occurredAt).toBeGreaterThan(fromMs + 29 * dayMs);
  });

  test('is the same with the same seed, at whatever moment it begins, and another with another', () => {
    const moved = 987_654_321;
    expect(drawn({ fromMs: fromMs + moved }, dayMs)).toEqual(
      drawn({}, dayMs).map((one) => ({ ...one, occurredAt: one.occurredAt + moved })),
    );
    expect(drawn({ seed: 2 }, dayMs)).not.toEqual(drawn({}, dayMs));
  });

  test('goes on where it was left', () => {
    const inPieces = stream();
    const pieces: Transaction[] = [];
    for (let end = fromMs; end <= fromMs + dayMs; end += dayMs / 100) {
      for (const one of inPieces.upTo(end)) {
        pieces.push(one);
        if (pieces.length % 7 === 0) break;
      }
    }
    pieces.push(...inPieces.upTo(fromMs + dayMs));
    expect(pieces).toEqual(drawn({}, dayMs));
    expect([...inPieces.upTo(fromMs)]).toEqual([]);
    expect(inPieces.knownMs).toBe(fromMs + dayMs);
  });

  test('has ids of its own', () => {
    const ids = [...drawn({}, dayMs), ...drawn({ idPrefix: 'txn_b' }, dayMs)].map((one) => one.transactionId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toBe('txn_1');
    expect(ids.at(-1)).toMatch(/^txn_b_\d+$/);
  });

  test('has as many payments as the habits of its customers, each of their own, say', () => {
    const habitual = population.customers.reduce((sum, one) => sum + one.paymentsPerDay, 0);
    expect(off(month.length, 30 * habitual)).toBeLessThan(4);
    const byUser = Map.groupBy(month, ({ userId }) => userId);
    for (const { id, paymentsPerDay } of population.customers) {
      expect(off(byUser.get(id)?.length ?? 0, 30 * paymentsPerDay)).toBeLessThan(5);
    }
  });

  test('has payments of each customer at all of their terminals, and nowhere else', () => {
    const byUser = Map.groupBy(month, ({ userId }) => userId);
    for (const { id, terminals, paymentsPerDay } of population.customers) {
      const seen = new Set(byUser.get(id)?.map(({ merchantId }) => merchantId));
      const known = new Set(terminals.map((one) => one.id));
      expect([...seen].filter((one) => !known.has(one))).toEqual([]);
      if (paymentsPerDay > 2) expect(seen.size).toBe(known.size);
    }
  });

  test('has as many payments a second as it is told to, whatever the length of its day', () => {
    for (const length of [600_000, dayMs / 24]) {
      expect(off(drawn({ ratePerSecond: 5, dayMs: length }, 2 * length).length, (2 * 5 * length) / 1_000)).toBeLessThan(
        4,
      );
    }
  });

  test('changes its rate from where it is on', () => {
    const minuteMs = 60_000;
    const changing = stream({ ratePerSecond: 0.000_001, beginsAt: 0.5 });
    const count = (rate: number, minute: number) => {
      changing.setRate(rate);
      return [...changing.upTo(fromMs + minute * minuteMs)].length;
    };
    const atNoon = 60 * busiest;
    expect(off(count(50, 1), 50 * atNoon)).toBeLessThan(4);
    expect(off(count(500, 2), 500 * atNoon)).toBeLessThan(4);
    expect(off(count(5, 4), 2 * 5 * atNoon)).toBeLessThan(4);
  });
});

describe('the rhythm of the day', () => {
  const daySeconds = (occurredAt: number, beginsAt = 0) => ((occurredAt - fromMs) / 1_000 + 86_400 * beginsAt) % 86_400;

  test('is 1 in its mean, and most at noon', () => {
    const moments = Array.from({ length: 10_000 }, (_, i) => (i + 0.5) / 10_000);
    expect(mean(moments.map(rhythm))).toBeCloseTo(1, 5);
    expect(Math.max(...moments.map(rhythm))).toBeCloseTo(busiest, 6);
    expect(rhythm(0)).toBeCloseTo(rhythm(1), 12);
  });

  test('is that of a normal distribution about noon, cut to the day', () => {
    const times = month.map(({ occurredAt }) => daySeconds(occurredAt));
    const aboutS = 86_400 / 2;
    expect(Math.abs(mean(times) - aboutS)).toBeLessThan(500);
    // 20,000 s, less what is cut off beyond 2.16 deviations (Johnson and Kotz 1970, 13.7).
    expect(Math.abs(deviation(times) - 18_192)).toBeLessThan(300);
    const withinOne = times.filter((time) => Math.abs(time - aboutS) < 20_000).length / times.length;
    expect(withinOne).toBeCloseTo(0.6827 / 0.9692, 1.5);
  });

  test('begins where it is told to', () => {
    const times = drawn({ beginsAt: 0.25 }).map(({ occurredAt }) => daySeconds(occurredAt, 0.25));
    expect(Math.abs(mean(times) - 86_400 / 2)).toBeLessThan(500);
  });
});

test('amounts are whole cents about the mean of their customer, with half of it as deviation, and never below zero', () => {
  const byUser = Map.groupBy(drawn({ fraud: { compromisedTerminals: 0, leakedCards: 0 } }), ({ userId }) => userId);
  const relative: number[] = [];
  for (const { id, meanAmount } of population.customers) {
    for (const { amount } of byUser.get(id) ?? []) {
      expect(amount).toBeGreaterThanOrEqual(0);
      expect(amount).toBe(Math.round(100 * amount) / 100);
      relative.push(amount / meanAmount);
    }
  }
  // Of a standard normal, 2.28 % are below -2: drawn anew, they are 1 in their mean instead of -0.19.
  expect(mean(relative)).toBeCloseTo(1 + 0.0228 * 1.19, 2);
  expect(deviation(relative)).toBeGreaterThan(0.45);
  expect(deviation(relative)).toBeLessThan(0.5);
});
