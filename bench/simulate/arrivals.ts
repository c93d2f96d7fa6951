import type { Milliseconds } from '../../src/define/index.ts';
import type { Random } from '../../src/simulate/index.ts';

/** A stretch of event time: whole milliseconds since 1970, the end excluded. */
export interface Stretch {
  readonly fromMs: Milliseconds;
  readonly toMs: Milliseconds;
}

/** How the moments of events are spread over a stretch. */
export type Arrivals = (random: Random, count: number, stretch: Stretch) => Float64Array;

const burstShare = 0.9; // of the events
const burstTimeShare = 0.01; // of the time
const meanBurstMs = 600_000; // 10 minutes

/** A Poisson process that is known to have had `count` events: each independently anywhere. Sorted. */
export const poisson: Arrivals = (random, count, { fromMs, toMs }) =>
  Float64Array.from({ length: count }, () => fromMs + Math.floor(random.uniform() * (toMs - fromMs))).sort();

/**
 * Nine tenths of the events in a hundredth of the time: in bursts of random length (exponential, ten minutes in the mean)
 * at random moments; the rest as in a Poisson process. Sorted.
 */
export const bursty: Arrivals = (random, count, stretch) => {
  const bursts = drawBursts(random, stretch);
  const burstMs = bursts.at(-1)?.endsAtMs ?? 0;
  const times = Float64Array.from({ length: count }, () => {
    if (random.uniform() >= burstShare) return poisson(random, 1, stretch)[0] as number;
    const within = random.uniform() * burstMs;
    const burst = bursts.find(({ endsAtMs }) => within < endsAtMs) as Burst;
    return Math.floor(burst.fromMs + within - burst.beginsAtMs);
  });
  return times.sort();
};

interface Burst {
  readonly fromMs: Milliseconds;
  /** Where it begins and ends on a clock that runs in bursts only. */
  readonly beginsAtMs: Milliseconds;
  readonly endsAtMs: Milliseconds;
}

/** Bursts that together last for the given share of the stretch; two may overlap. */
function drawBursts(random: Random, { fromMs, toMs }: Stretch): Burst[] {
  const totalMs = burstTimeShare * (toMs - fromMs);
  const bursts: Burst[] = [];
  for (let beginsAtMs = 0; beginsAtMs < totalMs; ) {
    const lengthMs = Math.min(random.exponential(meanBurstMs), totalMs - beginsAtMs);
    const start = fromMs + random.uniform() * (toMs - fromMs - lengthMs);
    bursts.push({ fromMs: start, beginsAtMs, endsAtMs: beginsAtMs + lengthMs });
    beginsAtMs += lengthMs;
  }
  return bursts;
}

/** How many of these sorted moments are at or before `t`. */
export function countUpTo(times: Float64Array, t: Milliseconds): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}
