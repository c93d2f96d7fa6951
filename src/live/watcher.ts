import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import { Mailbox } from './mailbox.ts';
import type { Update } from './update.ts';

/** What the hub does for a watcher when it is first asked for updates, and when it ends. */
export interface WatcherLife {
  begin(watcher: Watcher): void;
  end(watcher: Watcher): void;
}

/**
 * One subscription to entities of one view, and the iterator that its client consumes. The first message holds all of
 * them; after that a vector goes out only if it is newer than the one last given, so values never go back.
 *
 * An iterator written out, not a generator: `return()` must settle a pending `next()`, for which a generator would wait.
 */
export class Watcher implements AsyncIterableIterator<readonly Update[], undefined> {
  readonly view: View;
  /** Each once. */
  readonly ids: readonly string[];
  /** The hub's moment from which reads are new enough for it; none is before all its subscriptions stand. */
  joinedAt = Number.POSITIVE_INFINITY;
  readonly #life: WatcherLife;
  readonly #mailbox = new Mailbox();
  /** What it was last given of each entity; the first message goes out when it has all. */
  readonly #given = new Map<string, Vector>();
  #state: 'new' | 'joining' | 'live' | 'ended' = 'new';

  constructor(view: View, ids: Iterable<string>, life: WatcherLife) {
    this.view = view;
    this.ids = [...new Set(ids)];
    this.#life = life;
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Whether it still waits for its first message. */
  get joining(): boolean {
    return this.#state === 'joining';
  }

  next(): Promise<IteratorResult<readonly Update[], undefined>> {
    if (this.#state === 'new') {
      this.#state = 'joining';
      this.#life.begin(this);
    }
    return this.#mailbox.take();
  }

  async return(): Promise<IteratorResult<readonly Update[], undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    this.end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Takes a vector that was read, if it is news; `flush` sends it. */
  offer(vector: Vector, resync: boolean): void {
    if (this.ended) return;
    const last = this.#given.get(vector.id);
    if (last && !isNewer(last, vector)) return;
    this.#given.set(vector.id, vector);
    if (this.joining) {
      this.#mailbox.put({ cause: 'SNAPSHOT', vector });
      if (this.#given.size === this.ids.length) this.#state = 'live';
    } else {
      const cause = resync ? 'RESYNC' : last && happened(last, vector) ? 'EVENT' : 'DECAY';
      this.#mailbox.put({ cause, vector });
    }
  }

  flush(): void {
    if (this.#state === 'live') this.#mailbox.flush();
  }

  end(): void {
    this.#finish(() => this.#mailbox.end());
  }

  fail(error: unknown): void {
    this.#finish(() => this.#mailbox.fail(error));
  }

  #finish(settle: () => void): void {
    if (this.ended) return;
    const begun = this.#state !== 'new';
    this.#state = 'ended';
    if (begun) this.#life.end(this);
    settle();
  }
}

/**
 * Whether a later read brought something new. Of an entity of which nothing is stored, a revision is only the store's
 * clock, which may have been set back: it orders nothing. What counts then is that the log came to be, or was forgotten.
 */
function isNewer(earlier: Vector, later: Vector): boolean {
  if (earlier.eventSeq === 0 || later.eventSeq === 0) return earlier.eventSeq !== later.eventSeq;
  return later.revision > earlier.revision;
}

/**
 * Whether events brought the one to the other. A log that was forgotten starts to count anew, from nothing, and may have
 * come to the same count by other events.
 */
function happened(earlier: Vector, later: Vector): boolean {
  if (later.eventSeq === 0) return false;
  return later.eventSeq !== earlier.eventSeq || later.lastEventAt !== earlier.lastEventAt;
}
