import { setTimeout as sleep } from 'node:timers/promises';
import type { View } from '../define/index.ts';
import { type Engine, UnavailableError, type Vector } from '../engine/index.ts';

/** An entity's vector that somebody watches. */
export interface Watched {
  readonly view: View;
  readonly id: string;
  readonly watchers: { readonly size: number };
  /** The served hash is gone; the log may still be there. */
  lost: boolean;
  /** Changes may have gone unheard. */
  resync: boolean;
  /** Was in a read that failed though Valkey is there: it is read by itself, so that it holds up no others. */
  suspect: boolean;
}

/** What comes of reads, in one call a batch. */
export interface PumpOutlet<W extends Watched> {
  /** Names the moment before a read, to tell who joined early enough to be served by it. */
  now(): number;
  deliver(
    batch: readonly { readonly watched: W; readonly resync: boolean; readonly vector: Vector }[],
    readAt: number,
  ): void;
  /** The read is tried again. */
  failed(batch: readonly W[], error: unknown): void;
}

const mostPerRead = 1_000;
const shortestBackoffMs = 50;
const longestBackoffMs = 2_000; // 2 seconds

/**
 * Reads what was marked, in batches of one view, one read at a time: what is marked again while its read is under way is
 * read again, and under load many marks are one read. A read that fails is tried again until it succeeds.
 */
export class Pump<W extends Watched> {
  readonly #engine: Engine;
  readonly #outlet: PumpOutlet<W>;
  readonly #dirty = new Set<W>();
  readonly #stopped = new AbortController();
  #running = false;

  constructor(engine: Engine, outlet: PumpOutlet<W>) {
    this.#engine = engine;
    this.#outlet = outlet;
  }

  mark(watched: W): void {
    this.#dirty.add(watched);
    if (this.#running) return;
    this.#running = true;
    queueMicrotask(() => void this.#run());
  }

  /** Nobody watches it any more. */
  forget(watched: W): void {
    this.#dirty.delete(watched);
  }

  stop(): void {
    this.#dirty.clear();
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    let backoffMs = 0;
    while (this.#dirty.size > 0 && !this.#stopped.signal.aborted) {
      const away = (await this.#read(this.#take())) === 'away';
      backoffMs = away ? Math.min(Math.max(2 * backoffMs, shortestBackoffMs), longestBackoffMs) : 0;
      if (away) await this.#pause(backoffMs);
    }
    this.#running = false;
  }

  async #read(batch: readonly Taken<W>[]): Promise<'done' | 'failed' | 'away'> {
    const [{ watched: first, lost }] = batch as [Taken<W>];
    const ids = batch.map(({ watched }) => watched.id);
    const readAt = this.#outlet.now();
    let vectors: Vector[];
    try {
      vectors = await (lost ? this.#engine.refresh(first.view, ids) : this.#engine.read(first.view, ids));
    } catch (error) {
      const away = error instanceof UnavailableError;
      for (const { watched, resync } of batch) {
        watched.lost ||= lost;
        watched.resync ||= resync;
        watched.suspect = !away;
      }
      const alone = batch.length === 1;
      // Before it is marked again: whoever stops watching because of it need not be read for.
      if (away || alone)
        this.#outlet.failed(
          batch.map(({ watched }) => watched),
          error,
        );
      for (const { watched } of batch) {
        if (away || !alone) this.#markIfWatched(watched);
        else void this.#pause(longestBackoffMs).then(() => this.#markIfWatched(watched));
      }
      return away ? 'away' : 'failed';
    }
    if (!this.#stopped.signal.aborted) {
      this.#outlet.deliver(
        batch.map(({ watched, resync }, i) => ({ watched, resync, vector: vectors[i] as Vector })),
        readAt,
      );
    }
    return 'done';
  }

  #markIfWatched(watched: W): void {
    if (watched.watchers.size > 0 && !this.#stopped.signal.aborted) this.mark(watched);
  }

  /** Waits, unless it is stopped. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {});
  }

  /** The longest waiting one, and others that can be read with it. */
  #take(): Taken<W>[] {
    const batch: Taken<W>[] = [];
    let view: View | undefined;
    let lost = false;
    for (const watched of this.#dirty) {
      if (view === undefined) ({ view, lost } = watched);
      else if (watched.view !== view || watched.lost !== lost || watched.suspect) continue;
      batch.push({ watched, lost, resync: watched.resync });
      this.#dirty.delete(watched);
      const { suspect } = watched;
      watched.lost = watched.resync = watched.suspect = false;
      if (suspect || batch.length === mostPerRead) break;
    }
    return batch;
  }
}

interface Taken<W> {
  readonly watched: W;
  readonly lost: boolean;
  readonly resync: boolean;
}
