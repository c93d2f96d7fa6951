import { describe, expect, test } from 'vitest';
import { bursty, countUpTo, poisson } from '../../bench/simulate/arrivals.ts';
import { nearlyAllDistinct, zipf } from '../../bench/simulate/population.ts';
import { Random } from '../../src/simulate/index.ts';

const month = { fromMs: 1_000, toMs: 1_000 + 30 * 86_400_000 };

describe.each([
  ['Poisson', poisson],
  ['bursty', bursty],
])('%s arrivals', (_, arrivals) => {
  test('are so many sorted whole milliseconds within the stretch', () => {
    const times = arrivals(new Random(2), 5_000, month);
    expect(times).toHaveLength(5_000);
    expect([...times].every((time, i) => Number.isInteger(time) && time >= (times[i - 1] ?? 0))).toBe(true);
    expect(times[0]).toBeGreaterThanOrEqual(month.fromMs);
    expect(times.at(-1)).toBeLessThan(month.toMs);
  });
});

/** The share of the time that the busiest minutes take which together have this share of the events. */
function busyTime(times: Float64Array, share: number): number {
  const minutes = Array.from(Map.groupBy(times, (time) => Math.floor(time / 60_000)).values(), ({ length }) => length);
  let [events, busy] = [0, 0];
  for (const count of minutes.sort((a, b) => b - a)) {
    if (events >= share * times.length) break;
    events += count;
    busy += 60_000;
  }
  return busy / (month.toMs - month.fromMs);
}

test('most of what comes in bursts comes in a hundredth of the time', () => {
  expect(busyTime(bursty(new Random(3), 100_000, month), 0.88)).toBeLessThan(0.013);
  expect(busyTime(poisson(new Random(3), 100_000, month), 0.88)).toBeGreaterThan(0.5);
});

test('moments are counted up to and with their limit', () => {
  const times = Float64Array.of(1, 3, 3, 7);
  expect([0, 1, 2, 3, 6, 7, 8].map((t) => countUpTo(times, t))).toEqual([0, 1, 1, 3, 3, 4, 4]);
});

test('by Zipf the first comes twice as often as the second, and all but nobody twice of a large population', () => {
  const random = new Random(4);
  const draw = zipf(100, 1);
  const counts = Array.from({ length: 100 }, () => 0);
  for (let i = 0; i < 50_000; i++) {
    const drawn = draw(random);
    counts[drawn] = (counts[drawn] as number) + 1;
  }
  expect((counts[0] as number) / (counts[1] as number)).toBeCloseTo(2, 0);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(new Set(Array.from({ length: 10_000 }, () => nearlyAllDistinct(random))).size).toBeGreaterThan(9_990);
});
