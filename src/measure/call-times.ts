import { durationBounds, Histogram } from './histogram.ts';

/** How long calls took, by what they are called. */
export class CallTimes<Name extends string = string> {
  readonly #times = new Map<Name, Histogram>();

  /** Where the times of these calls are counted, in seconds. */
  of(name: Name): Histogram {
    const known = this.#times.get(name);
    if (known) return known;
    const times = new Histogram(durationBounds);
    this.#times.set(name, times);
    return times;
  }

  /** Those that were called, or will be. */
  get all(): ReadonlyMap<Name, Histogram> {
    return this.#times;
  }
}
