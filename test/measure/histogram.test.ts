import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latencies } from '../../src/graphql/latencies.ts';
import { Histogram } from '../../src/measure/index.ts';
import { holdsFor, patienceMs } from '../support/property.ts';

const ascending = fc
  .uniqueArray(fc.double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 8 })
  .map((bounds) => bounds.sort((a, b) => a - b));
const values = fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { maxLength: 50 });

/** How many there are up to each bound, by looking at all for each; last, how many there are. */
function upTo(bounds: readonly number[], all: readonly number[]): number[] {
  return [...bounds.map((bound) => all.filter((value) => value <= bound).length), all.length];
}

function cumulated(counts: Iterable<number>): number[] {
  let sum = 0;
  return [...counts].map((count) => {
    sum += count;
    return sum;
  });
}

describe('a histogram', () => {
  it(
    'knows how many values there were up to each bound, the bound among them, and what they are together',
    async () => {
      await holdsFor(fc.tuple(ascending, values), 300, async ([bounds, some]) => {
        const all = [...some, ...bounds]; // each bound itself, too
        const histogram = new Histogram(bounds);
        for (const value of all) histogram.observe(value);
        expect(cumulated(histogram.counts)).toEqual(upTo(bounds, all));
        expect(histogram.sum).toBeCloseTo(
          all.reduce((sum, value) => sum + value, 0),
          6,
        );
      });
    },
    patienceMs,
  );
});

describe('latencies', () => {
  it(
    'are between bounds as they are, but for those within a half per cent of one',
    async () => {
      await holdsFor(fc.tuple(ascending, values), 300, async ([bounds, all]) => {
        const latencies = new Latencies();
        for (const value of all) latencies.record(value);
        const [low, high] = [0.994, 1.006].map((off) =>
          upTo(
            bounds.map((bound) => bound * off),
            all,
          ),
        ) as [number[], number[]];
        for (const [i, count] of cumulated(latencies.between(bounds)).entries()) {
          expect(count).toBeGreaterThanOrEqual(low[i] as number);
          expect(count).toBeLessThanOrEqual(high[i] as number);
        }
        expect(latencies.sumMs).toBeCloseTo(
          all.reduce((sum, value) => sum + value, 0),
          6,
        );
      });
    },
    patienceMs,
  );

  it('are taken once, and stay counted', () => {
    const latencies = new Latencies();
    latencies.record(5);
    expect(latencies.take()).toEqual([[expect.any(Number), 1]]);
    expect(latencies.take()).toEqual([]);
    latencies.record(5);
    expect(latencies.take()).toEqual([[expect.any(Number), 1]]);
    expect(latencies.count).toBe(2);
  });
});
