/** Of durations, in seconds: from a tenth of a millisecond to ten seconds. */
export const durationBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Of how many there are in a batch; no limit of the API lets more be in one. */
export const sizeBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] as const;

/** How many values there were up to each bound, in cells of an array: to count one makes nothing. */
export class Histogram {
  /** Upper ones, which are in, ascending. */
  readonly bounds: readonly number[];
  /** How many between each bound and the one before it; the last cell is of those beyond all. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** @param times how many of this value; default: one. */
  observe(value: number, times = 1): void {
    const { bounds, counts } = this;
    let cell = 0;
    while (cell < bounds.length && value > (bounds[cell] as number)) cell += 1;
    counts[cell] = (counts[cell] as number) + times;
    this.sum += times * value;
  }
}
