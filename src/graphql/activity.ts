import type { RecordStatus } from '../engine/index.ts';
import { Histogram, sizeBounds } from '../measure/index.ts';
import {
  type ActivityHeld,
  type ActivityPart,
  type ActivitySample,
  addUp,
  type EventCounts,
  noEvents,
} from './activity-sample.ts';
import type { LatencyCounts } from './latencies.ts';
import { PushCounts } from './push-counts.ts';
import { RequestCounts } from './request-counts.ts';

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
 * Counts what a process does since its start, and tells whoever watches each second what the service, which may be of several
 * processes, did in that second. Nobody watching, it counts on, and no timer runs.
 */
export class Activity {
  readonly #streams = new Set<ActivityStream>();
  readonly #held: () => ActivityHeld;
  readonly #feed: ActivityFeed;
  readonly requests = new RequestCounts();
  readonly pushes = new PushCounts();
  /** How many events mutations brought, and how many vectors were read together for a request. */
  readonly recordedTogether = new Histogram(sizeBounds);
  readonly readTogether = new Histogram(sizeBounds);
  /** Corrections, and wishes to forget an entity, by kind and by what became of them, such as `label LABELLED`. */
  readonly corrections = new Map<string, number>();
  readonly #events: { [S in RecordStatus]: number } = { ...noEvents };
  /** What of all that was told to watchers. */
  #eventsTaken: EventCounts = noEvents;
  #readsTaken = 0;
  #leaveFeed: (() => void) | null = null;
  #closed = false;

  constructor({ held = () => nothingHeld, share, everyMs = 1_000 }: ActivityOptions = {}) {
    this.#held = held;
    this.#feed = (share ?? feedOfOne(everyMs))(() => this.#take());
  }

  /** Events by what became of them. */
  get events(): EventCounts {
    return this.#events;
  }

  countEvent(status: RecordStatus): void {
    this.#events[status]++;
  }

  countCorrection(kind: 'label' | 'retract' | 'forget', status: string): void {
    const what = `${kind} ${status}`;
    this.corrections.set(what, (this.corrections.get(what) ?? 0) + 1);
  }

  countReads(vectors: number): void {
    this.readTogether.observe(vectors);
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
    const [events, taken] = [{ ...this.#events }, this.#eventsTaken];
    const reads = this.readTogether.sum;
    const part = {
      ...this.#held(),
      events: difference(events, taken),
      reads: reads - this.#readsTaken,
      latencies: [...this.#takeLatencies()],
    };
    this.#eventsTaken = events;
    this.#readsTaken = reads;
    return part;
  }

  /** Of queries and mutations. */
  *#takeLatencies(): Iterable<LatencyCounts[number]> {
    for (const [, operation, { latencies }] of this.requests.all()) {
      if (operation === 'query' || operation === 'mutation') yield* latencies.take();
    }
  }
}

function difference(now: EventCounts, before: EventCounts): EventCounts {
  return {
    RECORDED: now.RECORDED - before.RECORDED,
    DUPLICATE: now.DUPLICATE - before.DUPLICATE,
    TOO_LATE: now.TOO_LATE - before.TOO_LATE,
    REJECTED: now.REJECTED - before.REJECTED,
    UNAVAILABLE: now.UNAVAILABLE - before.UNAVAILABLE,
  };
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
