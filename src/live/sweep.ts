/** What a sweep goes over. */
export interface SweepOptions<W> {
  /** For how long it rests in all from one sweep to the next; null: it never begins. */
  readonly everyMs: number | null;
  /** All that is watched now. */
  readonly watched: () => Iterable<W>;
  /** Looks at these, which may be of several views, and heals those of which a change was not heard. */
  readonly check: (batch: readonly W[]) => Promise<void>;
}

const batchSize = 500;

/**
 * Looks at all that is watched now and then, a batch at a time with rests in between: what a notification that was lost in
 * silence told of is found at the latest by the next sweep.
 */
export class Sweep<W> {
  readonly #options: SweepOptions<W>;
  #timer: NodeJS.Timeout | null = null;
  #left: W[] = [];
  #restMs = 0;
  #stopped = false;

  constructor(options: SweepOptions<W>) {
    this.#options = options;
  }

  /** Begins, if it has not: there is something to watch. */
  start(): void {
    const { everyMs } = this.#options;
    if (this.#timer || everyMs === null || this.#stopped) return;
    this.#after(everyMs);
  }

  /** There is nothing to watch; `start` begins again. */
  rest(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#left = [];
  }

  stop(): void {
    this.#stopped = true;
    this.rest();
  }

  #after(ms: number): void {
    const timer = setTimeout(() => void this.#step(timer), ms).unref();
    this.#timer = timer;
  }

  async #step(timer: NodeJS.Timeout): Promise<void> {
    const { everyMs, watched, check } = this.#options;
    if (this.#left.length === 0) {
      this.#left = [...watched()];
      this.#restMs = (everyMs as number) / Math.max(1, Math.ceil(this.#left.length / batchSize));
    }
    await check(this.#left.splice(-batchSize));
    // Meanwhile it may have been told to rest, and perhaps to begin anew.
    if (this.#timer === timer) this.#after(this.#restMs);
  }
}
