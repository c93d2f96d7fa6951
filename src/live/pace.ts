/** What is done at a pace. */
export interface Paced {
  flush(): void;
}

/** Does something when asked to, but not more often than it may: what was asked for too early is done once, when it is time. */
export class Pace {
  readonly #intervalMs: number;
  readonly #paced: Paced;
  #timer: NodeJS.Timeout | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** @param intervalMs from one time to the next, at least; 0: as often as asked. */
  constructor(intervalMs: number, paced: Paced) {
    this.#intervalMs = intervalMs;
    this.#paced = paced;
  }

  run(): void {
    if (this.#timer) return;
    const waitMs = this.#intervalMs === 0 ? 0 : this.#lastAt + this.#intervalMs - performance.now();
    if (waitMs <= 0) this.#now();
    else this.#timer = setTimeout(() => this.#now(), Math.ceil(waitMs)).unref();
  }

  /** Counts from now on, as if it had been done just now. */
  spend(): void {
    this.#lastAt = performance.now();
    if (!this.#timer) return;
    // What waits was to come sooner.
    this.stop();
    this.run();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #now(): void {
    this.#timer = null;
    this.spend();
    this.#paced.flush();
  }
}
