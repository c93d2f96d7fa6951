import type { RecordStatus } from '../engine/index.ts';
import { type ActivityHeld, type ActivityPart, type ActivitySample, addUp, noEvents } from './activity-sample.ts';
import { Latencies } from './latencies.ts';

/**
 * Told what each process of the service did over a stretch of so many seconds. @returns how to be told no more.
 */
export type ActivityFeed = (offer: (parts: readonly ActivityPart[], seconds: number) => void) => () => void;

export interface ActivityOptions {
  /** What the process holds open now; default: nothing. */
  readonly held?: () => ActivityHeld;
  /** Makes the feed of the whole service out of what takes this process's part in it; default: it is the only process. */
  readonly share?: (take: () => ActivityPart) => ActivityFeed;
  /** How often the only process tells; default: each second. */
  readonly everyMs?: number;
}

/**
 * Counts what a process does, and tells whoever watches each second what the service, which may be of several processes, did in
 * that second. Nobody watching, it counts on, and no timer runs.
 */
export class Activity {
  readonly #streams = new Set<ActivityStream>();
  readonly #held: () => ActivityHeld;
  readonly #feed: ActivityFeed;
  readonly #latencies = new Latencies();
  #events: { [S in RecordStatus]: number } = { ...noEvents };
  #reads = 0;
  #leaveFeed: (() => void) | null = null;
  #closed = false;

  constructor({ held = () => nothingHeld, share, everyMs = 1_000 }: ActivityOptions = {}) {
    this.#held = held;
    this.#feed = (share ?? feedOfOne(everyMs))(() => this.#take());
  }

  countEvent(status: RecordStatus): void {
    this.#events[status]++;
  }

  countReads(vectors: number): void {
    this.#reads += vectors;
  }

  countRequest(durationMs: number): void {
    this.#latencies.record(durationMs);
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
    this.#leaveFeed ??= this.#feed((parts, seconds) => {
      const sample = addUp(parts, seconds);
      for (const each of this.#streams) each.offer(sample);
    });
  }

  #leave(stream: ActivityStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#leaveFeed?.();
    this.#leaveFeed = null;
  }

  #take(): ActivityPart {
    const part = { ...this.#held(), events: this.#events, reads: this.#reads, latencies: this.#latencies.take() };
    this.#events = { ...noEvents };
    this.#reads = 0;
    return part;
  }
}

const nothingHeld: ActivityHeld = { watchers: 0, watchedEntities: 0, storeProblem: null };

/** The feed of a service that is one process. */
function feedOfOne(everyMs: number): (take: () => ActivityPart) => ActivityFeed {
  return (take) => (offer) => {
    take(); // what came before was watched by nobody
    let begun = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      offer([take()], (now - begun) / 1_000);
      begun = now;
    }, everyMs);
    return () => clearInterval(timer);
  };
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
