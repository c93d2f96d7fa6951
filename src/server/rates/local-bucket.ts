import { burstSeconds, type Rate } from './rate.ts';

/** A client's bucket while the store cannot be asked: of this process alone, by its own clock. */
export class LocalBucket {
  readonly #rate: Rate;
  /** When it is full again, in milliseconds. */
  #fullAt = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /**
   * Takes tokens.
   * @param now in milliseconds.
   * @returns 0, or in how many milliseconds there are so many.
   */
  take(tokens: number, now: number): number {
    const { intervalMicros, perSecond } = this.#rate;
    const full = Math.max(this.#fullAt, now) + (tokens * intervalMicros) / 1_000;
    const waitMs = full - now - (burstSeconds * perSecond * intervalMicros) / 1_000;
    if (waitMs > 0) return waitMs;
    this.#fullAt = full;
    return 0;
  }

  /** Gives back what was taken. */
  giveBack(tokens: number): void {
    this.#fullAt -= (tokens * this.#rate.intervalMicros) / 1_000;
  }
}
