/** How many answers took about so long: pairs of a bucket and a count. Can be sent as JSON. */
export type LatencyCounts = readonly (readonly [bucket: number, count: number])[];

/** Each bucket is a per cent wider than the one before it; the first is of one microsecond. */
const width = Math.log(1.01);
/** The last is of 12 minutes, and of all that took longer. */
const bucketCount = 2_048;

/** Durations, each known to half a per cent. Unlike percentiles, those of several processes add up. */
export class Latencies {
  /** Since the start. */
  readonly #counts = new Float64Array(bucketCount);
  /** What of it was taken. */
  #taken: Float64Array | null = null;
  #sumMs = 0;

  record(durationMs: number): void {
    this.#sumMs += durationMs;
    this.#add(bucketOf(durationMs), 1);
  }

  /** Adds what others have counted. */
  add(counts: LatencyCounts): void {
    for (const [bucket, count] of counts) this.#add(bucket, count);
  }

  /** What was counted since the last time this was asked. */
  take(): LatencyCounts {
    const counts: [number, number][] = [];
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const count = (this.#counts[bucket] as number) - (this.#taken?.[bucket] ?? 0);
      if (count > 0) counts.push([bucket, count]);
    }
    this.#taken = this.#counts.slice();
    return counts;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Of all that were recorded here. */
  get sumMs(): number {
    return this.#sumMs;
  }

  /** Of each bound, in ascending milliseconds, how many took longer than the one before it and up to it; last, how many took longer than all. */
  between(boundsMs: readonly number[]): number[] {
    const counts = new Array<number>(boundsMs.length + 1).fill(0);
    const last = boundsMs.map(bucketOf);
    let place = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      while (place < last.length && bucket > (last[place] as number)) place++;
      counts[place] = (counts[place] as number) + (this.#counts[bucket] as number);
    }
    return counts;
  }

  /** In how many milliseconds so many in a hundred were done, 0 < `percent` ≤ 100; null if there were none. */
  percentile(percent: number): number | null {
    let left = Math.ceil((percent / 100) * this.count);
    if (left === 0) return null;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.exp(bucket * width) / 1_000;
    }
    return null;
  }

  #add(bucket: number, count: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) + count;
  }
}

function bucketOf(durationMs: number): number {
  return Math.min(bucketCount - 1, Math.round(Math.log(Math.max(1, 1_000 * durationMs)) / width));
}
