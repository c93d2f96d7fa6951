/** A sample of the store's clock: what it said, and when it was asked and had answered, by our own monotonic clock. */
export interface ClockSample {
  /** Microseconds since 1970. */
  readonly micros: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * What the store's clock says now, judged by what it said last: our own clock only tells how long ago that was. Off by half
 * the time that the answer took, at most, and by what the store's clock was set since.
 */
export class StoreClock {
  #aheadMs: number | null = null;
  /** How long the answer took from which that was learnt. */
  #tookMs = 0;

  /** A slow answer is exact to half of what it took: it teaches nothing that is within that of what is known already. */
  learn({ micros, sentAt, receivedAt }: ClockSample): void {
    const aheadMs = micros / 1_000 - (sentAt + receivedAt) / 2;
    const tookMs = receivedAt - sentAt;
    const isKnown = this.#aheadMs !== null && Math.abs(aheadMs - this.#aheadMs) <= tookMs / 2;
    if (isKnown && tookMs > 2 * this.#tookMs) return;
    this.#aheadMs = aheadMs;
    this.#tookMs = tookMs;
  }

  /** Milliseconds since 1970, not whole; null before it was learnt. */
  now(): number | null {
    return this.#aheadMs === null ? null : performance.now() + this.#aheadMs;
  }
}
