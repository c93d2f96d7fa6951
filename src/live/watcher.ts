import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import type { LiveCounts } from './live-counts.ts';
import { type Collector, Mailbox } from './mailbox.ts';
import { Pace } from './pace.ts';
import type { Update, UpdateCause } from './update.ts';

/** What the hub does for a watcher when it is first asked for updates, and when it ends. */
export interface WatcherLife {
  begin(watcher: Watcher): void;
  end(watcher: Watcher): void;
  readonly counts: LiveCounts;
}

/** What a subscriber asks for beside entities. */
export interface WatchOptions {
  /** At most one message in so many milliseconds, which ends with the newest; default 0: as often as something changes. */
  readonly minIntervalMs?: number;
  /** By id, the revision that the subscriber has: of an entity that is still at it there is no snapshot. */
  readonly since?: ReadonlyMap<string, number>;
}

/** What a subscriber consumes. */
export interface Watch extends AsyncIterableIterator<readonly Update[], undefined> {
  /**
   * Begins to watch, if `next()` did not, and resolves with the snapshot as soon as every entity was read or is unreadable:
   * with those that differ from what the subscriber has. Null if it has ended before that.
   * @throws as the first `next()`
   */
  begin(): Promise<readonly Update[] | null>;
  /** Why some entities, by id, are not in the first message; a snapshot of each follows once it can be read. */
  readonly unreadable: ReadonlyMap<string, Error>;
  /** Has this one told when there is something to `collect`, or when it has ended: nobody needs to wait by `next()`. */
  setCollector(collector: Collector): void;
  /** Whether there is something to `collect`. */
  readonly isReady: boolean;
  /** What `next()` would bring at once; null: nothing yet. */
  collect(): readonly Update[] | null;
  /**
   * Brings these once more in a second, those of which nothing newer has come by then: what their subscriber wanted beside them
   * could not be had.
   */
  bringAgain(updates: readonly Update[]): void;
  readonly ended: boolean;
}

const againAfterMs = 1_000; // 1 second

const nothingKnown: ReadonlyMap<string, number> = new Map();
const noneUnreadable: ReadonlyMap<string, Error> = new Map();

/**
 * One subscription to entities of one view, and the iterator that its client consumes. The first message holds all of
 * them that can be read; after that a vector goes out only if it is newer than the one last given, so values never go
 * back.
 *
 * An iterator written out, not a generator: `return()` must settle a pending `next()`, for which a generator would wait.
 */
export class Watcher implements Watch {
  readonly view: View;
  /** Each once. */
  readonly ids: readonly string[];
  /** The hub's moment from which reads and answers are new enough for it; none is before all its subscriptions stand. */
  joinedAt = Number.POSITIVE_INFINITY;
  readonly #life: WatcherLife;
  readonly #mailbox = new Mailbox();
  /** What it was last given of each entity, in the order of the ids; the first message goes out when each was given or is unreadable. */
  readonly #given: (Vector | undefined)[];
  /** How many of them it was not given yet. */
  #missing: number;
  #unreadable: Map<string, Error> | null = null;
  #again: { readonly updates: Map<string, Update>; readonly timer: NodeJS.Timeout } | null = null;
  #since: ReadonlyMap<string, number>;
  readonly #pace: Pace;
  #begun: PromiseWithResolvers<void> | null = null;
  #state: 'new' | 'joining' | 'live' | 'ended' = 'new';

  constructor(view: View, ids: Iterable<string>, life: WatcherLife, options: WatchOptions = {}) {
    this.view = view;
    this.ids = [...new Set(ids)];
    this.#life = life;
    this.#given = Array.from(this.ids, () => undefined);
    this.#missing = this.ids.length;
    this.#since = options.since ?? nothingKnown;
    this.#pace = new Pace(options.minIntervalMs ?? 0, this.#mailbox);
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Whether it still waits for its first message. */
  get joining(): boolean {
    return this.#state === 'joining';
  }

  get unreadable(): ReadonlyMap<string, Error> {
    return this.#unreadable ?? noneUnreadable;
  }

  async begin(): Promise<readonly Update[] | null> {
    if (this.#state === 'live') return this.#mailbox.takeAll();
    if (this.#state !== 'ended') {
      this.#begun ??= Promise.withResolvers();
      const begun = this.#begun.promise;
      this.#start();
      await begun;
    }
    return this.ended ? null : this.#mailbox.takeAll();
  }

  setCollector(collector: Collector): void {
    this.#mailbox.setCollector(collector);
  }

  get isReady(): boolean {
    return this.#mailbox.isReady;
  }

  collect(): readonly Update[] | null {
    const updates = this.#mailbox.collect();
    if (updates) this.#pace.spend();
    return updates;
  }

  async next(): Promise<IteratorResult<readonly Update[], undefined>> {
    this.#start();
    const delivery = await this.#mailbox.take();
    this.#pace.spend(); // a slow one takes later than it could
    return delivery;
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

  /**
   * Takes a vector that was read or answered, if it is news; `flush` sends it.
   * @param place of its entity among the ids.
   */
  offer(vector: Vector, resync: boolean, place = this.ids.indexOf(vector.id)): void {
    if (this.ended) return;
    const last = this.#given[place];
    if (last && !isNewer(last, vector)) return;
    this.#given[place] = vector;
    if (!last) this.#missing--;
    const wasUnreadable = this.#unreadable?.delete(vector.id) ?? false;
    if (last) this.#put({ cause: causeOf(last, vector, resync), vector });
    else if (wasUnreadable || !this.#has(vector)) this.#put({ cause: 'SNAPSHOT', vector });
    this.#beginWhenComplete();
  }

  /** Takes it that an entity cannot be read, if its first vector is still waited for. */
  miss(id: string, error: Error, place = this.ids.indexOf(id)): void {
    if (!this.joining || this.#given[place]) return;
    this.#unreadable ??= new Map();
    this.#unreadable.set(id, error);
    if (this.#unreadable.size === this.ids.length) this.fail(error);
    this.#beginWhenComplete();
    this.flush();
  }

  bringAgain(updates: readonly Update[]): void {
    if (this.ended) return;
    this.#again ??= { updates: new Map(), timer: setTimeout(() => this.#putAgain(), againAfterMs).unref() };
    for (const update of updates) this.#again.updates.set(update.vector.id, update);
  }

  flush(): void {
    if (this.#state === 'live' && !this.#mailbox.isEmpty) this.#pace.run();
  }

  end(): void {
    this.#finish(() => this.#mailbox.end());
  }

  fail(error: unknown): void {
    this.#begun?.reject(error);
    this.#finish(() => this.#mailbox.fail(error));
  }

  #start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'joining';
    this.#life.begin(this);
  }

  /** Whether the subscriber came with just this vector. Of an entity of which nothing is stored, a revision is only the time. */
  #has({ id, revision, eventSeq }: Vector): boolean {
    return eventSeq > 0 && this.#since.get(id) === revision;
  }

  #beginWhenComplete(): void {
    if (!this.joining || this.#missing > (this.#unreadable?.size ?? 0)) return;
    this.#state = 'live';
    this.#since = nothingKnown; // what comes for the first time from here on was unreadable
    this.#settleBegun();
  }

  #putAgain(): void {
    const updates = this.#again?.updates.values() ?? [];
    this.#again = null;
    for (const { cause, vector } of updates) {
      const isNewest = this.#given[this.ids.indexOf(vector.id)] === vector;
      if (isNewest) this.#put({ cause, vector, isAgain: true });
    }
    this.flush();
  }

  #put(update: Update): void {
    const { counts } = this.#life;
    counts.updates[update.cause] += 1;
    if (this.#mailbox.put(update)) counts.merged += 1;
  }

  #finish(settle: () => void): void {
    if (this.ended) return;
    const begun = this.#state !== 'new';
    this.#state = 'ended';
    this.#pace.stop();
    clearTimeout(this.#again?.timer);
    this.#again = null;
    if (begun) this.#life.end(this);
    settle();
    this.#settleBegun();
  }

  #settleBegun(): void {
    this.#begun?.resolve();
    this.#begun = null;
  }
}

function causeOf(earlier: Vector, later: Vector, resync: boolean): UpdateCause {
  return resync ? 'RESYNC' : happened(earlier, later) ? 'EVENT' : 'DECAY';
}

/**
 * Whether a later read brought something new. Of an entity of which nothing is stored, a revision is only the store's
 * clock, which may have been set back: it orders nothing. What counts then is that the log came to be, or was forgotten.
 */
export function isNewer(earlier: Vector, later: Vector): boolean {
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
