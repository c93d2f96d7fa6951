import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { RecordStatus } from '../engine/index.ts';

/** What a process did over a stretch of time. */
export interface ActivitySample {
  /** When the stretch ended. */
  readonly at: Date;
  readonly seconds: number;
  /** Events by what became of them. */
  readonly events: { readonly [S in RecordStatus]: number };
  /** Vectors that were read for queries. */
  readonly reads: number;
  /** Queries and mutations that were answered, and how long that took, in milliseconds; null if there were none. */
  readonly requests: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

const none = { RECORDED: 0, DUPLICATE: 0, TOO_LATE: 0, REJECTED: 0, UNAVAILABLE: 0 } satisfies ActivitySample['events'];
const longestUs = 3_600_000_000; // 1 hour: the most that the histogram tells apart

/**
 * Counts what a process does, and tells whoever watches each second what it did in that second. Nobody watching, it counts
 * on, and no timer runs.
 */
export class Activity {
  readonly #streams = new Set<ActivityStream>();
  readonly #everyMs: number;
  // Two figures: a per cent is near enough, and the buckets are few.
  readonly #latencies: RecordableHistogram = createHistogram({ lowest: 1, highest: longestUs, figures: 2 });
  #events: { [S in RecordStatus]: number } = { ...none };
  #reads = 0;
  #begun = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ everyMs = 1_000 }: { readonly everyMs?: number } = {}) {
    this.#everyMs = everyMs;
  }

  countEvent(status: RecordStatus): void {
    this.#events[status]++;
  }

  countReads(vectors: number): void {
    this.#reads += vectors;
  }

  countRequest(durationMs: number): void {
    this.#latencies.record(Math.min(longestUs, Math.max(1, Math.round(1_000 * durationMs))));
  }

  /** Samples from now on. Who takes them slowly misses some: only the newest waits. */
  watch(): ActivityStream {
    const stream = new ActivityStream(() => this.#leave(stream));
    if (this.#closed) void stream.return();
    else this.#join(stream);
    return stream;
  }

  /** Ends every stream; those that begin later end at once. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) void stream.return();
  }

  #join(stream: ActivityStream): void {
    this.#streams.add(stream);
    if (this.#timer) return;
    this.#take(); // what came before was watched by nobody
    this.#timer = setInterval(() => {
      const sample = this.#take();
      for (const each of this.#streams) each.offer(sample);
    }, this.#everyMs);
  }

  #leave(stream: ActivityStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #take(): ActivitySample {
    const now = performance.now();
    const { count } = this.#latencies;
    const percentile = (p: number) => (count > 0 ? this.#latencies.percentile(p) / 1_000 : null);
    const sample = {
      at: new Date(),
      seconds: (now - this.#begun) / 1_000,
      events: this.#events,
      reads: this.#reads,
      requests: count,
      p50Ms: percentile(50),
      p99Ms: percentile(99),
    };
    this.#begun = now;
    this.#events = { ...none };
    this.#reads = 0;
    this.#latencies.reset();
    return sample;
  }
}

/** What one watcher has yet to take: the newest sample. Written out, since a generator's `return()` waits for a value. */
export class ActivityStream implements AsyncIterableIterator<ActivitySample> {
  readonly #leave: () => void;
  #newest: ActivitySample | null = null;
  #waiting: ((result: IteratorResult<ActivitySample, undefined>) => void)[] = [];
  #ended = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  offer(sample: ActivitySample): void {
    const next = this.#waiting.shift();
    if (next) next({ done: false, value: sample });
    else this.#newest = sample;
  }

  next(): Promise<IteratorResult<ActivitySample, undefined>> {
    const value = this.#newest;
    this.#newest = null;
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    if (value) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true;
    this.#leave();
    for (const next of this.#waiting.splice(0)) next({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
