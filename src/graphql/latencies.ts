/** How many answers took about so long: pairs of a bucket and a count. Can be sent as JSON. */
export type LatencyCounts = readonly (readonly [bucket: number, count: number])[];

/** Each bucket is a per cent wider than the one before it; the first is of one microsecond. */
const width = Math.log(1.01);

/** Durations, each known to half a per cent. Unlike percentiles, those of several processes add up. */
export class Latencies {
  #buckets = new Map<number, number>();

  record(durationMs: number): void {
    this.#add(Math.round(Math.log(Math.max(1, 1_000 * durationMs)) / width), 1);
  }

  /** Adds what others have counted. */
  add(counts: LatencyCounts): void {
    for (const [bucket, count] of counts) this.#add(bucket, count);
  }

  /** What was counted since the last time this was asked. */
  take(): LatencyCounts {
    const counts = [...this.#buckets];
    this.#buckets = new Map();
    return counts;
  }

  get count(): number {
    return [...this.#buckets.values()].reduce((sum, count) => sum + count, 0);
  }

  /** In how many milliseconds so many in a hundred were done, 0 < `percent` ≤ 100; null if there were none. */
  percentile(percent: number): number | null {
    let left = Math.ceil((percent / 100) * this.count);
    if (left === 0) return null;
    for (const [bucket, count] of [...this.#buckets].sort(([one], [other]) => one - other)) {
      left -= count;
      if (left <= 0) return Math.exp(bucket * width) / 1_000;
    }
    return null;
  }

  #add(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
  }
}
