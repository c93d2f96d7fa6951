import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { Latencies } from '../../src/graphql/latencies.ts';
import { older, PushSeries } from '../../src/graphql/push-counts.ts';
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

describe('delays of messages', () => {
  const recorded = (atMs: number) => ({ revision: 1_000 * atMs }) as Vector;

  it('are those of the oldest event that those tell of which were sent together', () => {
    const series = new PushSeries();
    series.count(5, 3, recorded(1_000), 1_100);
    series.count(2, 0, null, 1_100);
    series.count(1, 1, recorded(1_000), null);
    expect(series.messages).toBe(8);
    expect(series.delays.counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(series.delays.sum).toBeCloseTo(3 * 0.1);
  });

  it('are from the oldest', () => {
    const [one, other] = [recorded(1), recorded(2)];
    expect([older(one, other), older(other, one), older(null, other), older(one, null)]).toEqual([
      one,
      one,
      other,
      one,
    ]);
  });
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
