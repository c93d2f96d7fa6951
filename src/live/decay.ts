import { DueQueue } from './due-queue.ts';

export interface DecayOptions<W> {
  /** What the store's clock says, in milliseconds since 1970; null while that is not known. */
  readonly storeNow: () => number | null;
  /** Told of all that time has passed by since it was last told. */
  readonly due: (batch: readonly W[]) => void;
}

/** Between two batches: what is due meanwhile is one batch. */
const shortestWaitMs = 10;
/** A clock may be set while we wait. */
const longestWaitMs = 10_000; // 10 seconds
/** What we know of the store's clock is not so exact. */
const lateMs = 1;

/**
 * Knows until when the vectors of what is watched hold, and tells when that is over. It waits for the first of them only, so
 * that whatever else is watched costs nothing.
 */
export class Decay<W> {
  readonly #options: DecayOptions<W>;
  readonly #queue = new DueQueue<W>();
  #timer: NodeJS.Timeout | null = null;
  /** The moment for which the timer is set. */
  #waitsFor = Number.POSITIVE_INFINITY;
  #lastToldAt = Number.NEGATIVE_INFINITY;

  constructor(options: DecayOptions<W>) {
    this.#options = options;
  }

  /** Its vector holds until then, by the store's clock; null: whatever time it is. */
  set(watched: W, validUntil: number | null): void {
    if (validUntil === null) this.#queue.delete(watched);
    else this.#queue.set(watched, validUntil);
    this.#wait();
  }

  forget(watched: W): void {
    this.#queue.delete(watched);
    if (this.#queue.size === 0) this.stop();
  }

  stop(): void {
    this.#queue.clear();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waitsFor = Number.POSITIVE_INFINITY;
  }

  #wait(): void {
    const first = this.#queue.firstDueAt;
    if (first === null || (this.#timer && first >= this.#waitsFor)) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#waitsFor = first;
    const now = this.#options.storeNow();
    const untilDue = now === null ? longestWaitMs : first + lateMs - now;
    const untilNext = this.#lastToldAt + shortestWaitMs - performance.now();
    const ms = Math.min(Math.max(untilDue, untilNext, 0), longestWaitMs);
    this.#timer = setTimeout(() => this.#tell(), Math.ceil(ms)).unref();
  }

  #tell(): void {
    this.#timer = null;
    this.#waitsFor = Number.POSITIVE_INFINITY;
    const now = this.#options.storeNow();
    const due = now === null ? [] : this.#queue.takeDue(now);
    if (due.length > 0) {
      this.#lastToldAt = performance.now();
      this.#options.due(due);
    }
    this.#wait();
  }
}
