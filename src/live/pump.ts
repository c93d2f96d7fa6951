import type { View } from '../define/index.ts';
import { type Engine, UnavailableError, type Vector } from '../engine/index.ts';
import { traced } from '../measure/index.ts';

/** An entity's vector that somebody watches. */
export interface Watched {
  readonly view: View;
  readonly id: string;
  readonly watchers: { readonly size: number };
  /** The served hash is gone; the log may still be there. */
  lost: boolean;
  /** Changes may have gone unheard. */
  resync: boolean;
  /** Of the newest vector that is known; 0 before the first, or where it told of no log. */
  lastRevision: number;
}

/** What comes of reads. */
export interface PumpOutlet<W extends Watched> {
  /** Names the moment before a read, to tell who joined early enough to be served by it. */
  now(): number;
  /** Whether changes may go unheard at the moment. */
  isDeaf(): boolean;
  /** Once for each read of which anything came. */
  deliver(
    batch: readonly { readonly watched: W; readonly resync: boolean; readonly vector: Vector }[],
    readAt: number,
  ): void;
  /** A read failed, and with it all of these; it is tried again for as long as they are watched. */
  failed(batch: readonly W[], error: unknown, readAt: number): void;
  /** This one alone could not be read; it is tried again for as long as it is watched. */
  unreadable(watched: W, error: Error, readAt: number): void;
}

const mostPerRead = 1_000;
const shortestBackoffMs = 50;
/** While Valkey is away. */
const longestBackoffMs = 2_000; // 2 seconds
/** For an entity that cannot be read though Valkey is there, or the rest of it. */
const longestHoldMs = 10_000; // 10 seconds

/**
 * Reads what was marked, in batches of one view, one read at a time: what is marked again while its read is under way is
 * read again, and under load many marks are one read. What could not be read is tried again until it can, or until nobody
 * watches it: all after a pause when Valkey is away; an entity that fails by itself after a hold of its own, so that it
 * holds up no others.
 */
export class Pump<W extends Watched> {
  readonly #engine: Pick<Engine, 'readEach'>;
  readonly #outlet: PumpOutlet<W>;
  readonly #dirty = new Set<W>();
  /** Those whose last read failed by itself. */
  readonly #failing = new Map<W, Hold>();
  /** Ends a pause. */
  #wake: (() => void) | null = null;
  #stopped = false;
  #running = false;

  constructor(engine: Pick<Engine, 'readEach'>, outlet: PumpOutlet<W>) {
    this.#engine = engine;
    this.#outlet = outlet;
  }

  /**
   * Reads it soon: one that failed, when its hold ends.
   * @param atOnce ends the hold, for somebody who waits to be told of it at all.
   */
  mark(watched: W, { atOnce = false } = {}): void {
    if (this.#stopped) return;
    const hold = this.#failing.get(watched);
    if (hold?.timer && !atOnce) return;
    if (hold) release(hold);
    this.#dirty.add(watched);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => void this.#run());
  }

  /** Nobody watches it any more. */
  forget(watched: W): void {
    this.#dirty.delete(watched);
    const hold = this.#failing.get(watched);
    if (hold) release(hold);
    this.#failing.delete(watched);
    if (this.#dirty.size === 0) this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#dirty.clear();
    this.#wake?.();
    for (const hold of this.#failing.values()) release(hold);
    this.#failing.clear();
  }

  async #run(): Promise<void> {
    let backoffMs = 0;
    while (this.#dirty.size > 0 && !this.#stopped) {
      const away = (await this.#readTraced(this.#take())) === 'away';
      backoffMs = away ? Math.min(Math.max(2 * backoffMs, shortestBackoffMs), longestBackoffMs) : 0;
      if (away && this.#dirty.size > 0) await this.#pause(backoffMs);
    }
    this.#running = false;
  }

  /** Waits, unless nobody watches anything any more. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms).unref();
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }

  /** What it was marked for is mostly several things, and so it is a trace of its own. */
  #readTraced(batch: readonly Taken<W>[]): Promise<'done' | 'away'> {
    const facts = () => ({ 'freshet.vectors': batch.length });
    return traced('live.read', facts, () => this.#read(batch), { parent: null });
  }

  async #read(batch: readonly Taken<W>[]): Promise<'done' | 'away'> {
    const [{ watched: first, lost }] = batch as [Taken<W>];
    const ids = batch.map(({ watched }) => watched.id);
    const readAt = this.#outlet.now();
    let results: readonly (Vector | Error)[];
    try {
      // Where changes went unheard, writes may also have been lost: what is left must not seem older than what was served.
      const resync = batch.some((taken) => taken.resync);
      results = await this.#engine.readEach(first.view, ids, {
        refresh: lost,
        ...(resync && { lastRevisions: batch.map(({ watched }) => watched.lastRevision) }),
      });
    } catch (error) {
      if (this.#stopped) return 'done';
      const away = error instanceof UnavailableError;
      this.#tryAgain(batch, away ? (watched) => this.mark(watched) : (watched) => this.#hold(watched));
      this.#outlet.failed(
        batch.map(({ watched }) => watched),
        error,
        readAt,
      );
      return away ? 'away' : 'done';
    }
    if (this.#stopped) return 'done';
    const read: { watched: W; resync: boolean; vector: Vector }[] = [];
    for (const [i, taken] of batch.entries()) {
      const result = results[i] as Vector | Error;
      if (result instanceof Error) {
        const longestMs = result instanceof UnavailableError ? longestBackoffMs : longestHoldMs;
        this.#tryAgain([taken], (watched) => this.#hold(watched, longestMs));
        this.#outlet.unreadable(taken.watched, result, readAt);
      } else {
        this.#failing.delete(taken.watched);
        read.push({ watched: taken.watched, resync: taken.resync, vector: result });
      }
    }
    if (read.length > 0) this.#outlet.deliver(read, readAt);
    return 'done';
  }

  /** Must come before the failure is told: whoever stops watching because of it is forgotten then. */
  #tryAgain(batch: readonly Taken<W>[], soon: (watched: W) => void): void {
    for (const { watched, lost, resync } of batch) {
      watched.lost ||= lost;
      watched.resync ||= resync;
      if (watched.watchers.size > 0) soon(watched);
    }
  }

  /** Marks it after a while, each time a longer one. */
  #hold(watched: W, longestMs = longestHoldMs): void {
    const before = this.#failing.get(watched)?.ms ?? 0;
    const ms = Math.min(Math.max(2 * before, shortestBackoffMs), longestMs);
    const timer = setTimeout(() => this.mark(watched, { atOnce: true }), ms).unref();
    this.#failing.set(watched, { ms, timer });
    this.#dirty.delete(watched);
  }

  /** The longest waiting one, and others that can be read with it. */
  #take(): Taken<W>[] {
    const batch: Taken<W>[] = [];
    let view: View | undefined;
    let lost = false;
    const deaf = this.#outlet.isDeaf();
    for (const watched of this.#dirty) {
      if (view === undefined) ({ view, lost } = watched);
      else if (watched.view !== view || watched.lost !== lost) continue;
      batch.push({ watched, lost, resync: watched.resync || deaf });
      this.#dirty.delete(watched);
      watched.lost = watched.resync = false;
      if (batch.length === mostPerRead) break;
    }
    return batch;
  }
}

interface Taken<W> {
  readonly watched: W;
  readonly lost: boolean;
  readonly resync: boolean;
}

interface Hold {
  /** How long it lasts, or lasted: the next one is longer. */
  readonly ms: number;
  /** Null when it is over. */
  timer: NodeJS.Timeout | null;
}

function release(hold: Hold): void {
  if (hold.timer) clearTimeout(hold.timer);
  hold.timer = null;
}
