import { mergeUpdates, type Update } from './update.ts';

type Delivery = IteratorResult<readonly Update[], undefined>;

const done: Delivery = { done: true, value: undefined };

/** Whoever fetches by itself what a mailbox has, and wants to be told when there is something. */
export interface Collector {
  /** There is something to `collect`, or it has ended. */
  ready(): void;
}

/**
 * What a subscriber has yet to take: the newest update of each entity, so a slow one gets fewer updates, never a longer
 * queue. Updates put in between two flushes go out together. There is one for each subscription, mostly empty: what only one
 * that is not needs is made when it is needed.
 */
export class Mailbox {
  #updates: Map<string, Update> | null = null;
  #takers: PromiseWithResolvers<Delivery>[] | null = null;
  #collector: Collector | null = null;
  #ready = false;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;

  get isEmpty(): boolean {
    return this.#updates === null;
  }

  /** Whether something was let out that nobody took yet. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** @returns whether it takes the place of one that nobody took. */
  put(update: Update): boolean {
    if (this.#ended) return false;
    const { id } = update.vector;
    this.#updates ??= new Map();
    const waiting = this.#updates.get(id);
    this.#updates.set(id, waiting ? mergeUpdates(waiting, update) : update);
    return waiting !== undefined;
  }

  /** Lets out what was put in so far. */
  flush(): void {
    if (this.isEmpty) return;
    this.#ready = true;
    const taker = this.#takers?.shift();
    if (taker) taker.resolve(this.#empty());
    else this.#collector?.ready();
  }

  /** Has this one told, instead of one who waits, of what is let out from now on. */
  setCollector(collector: Collector): void {
    this.#collector = collector;
  }

  /** What was let out, without waiting; null: nothing. */
  collect(): readonly Update[] | null {
    return this.#ready ? this.takeAll() : null;
  }

  /** What was put in so far, if anything, without waiting. */
  takeAll(): readonly Update[] {
    const updates = this.#updates ? [...this.#updates.values()] : [];
    this.#updates = null;
    this.#ready = false;
    return updates;
  }

  /** Waits for the next updates; those that wait are served in turn. */
  async take(): Promise<Delivery> {
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = null;
      throw error;
    }
    if (this.#ended) return done;
    if (this.#ready) return this.#empty();
    const taker = Promise.withResolvers<Delivery>();
    this.#takers ??= [];
    this.#takers.push(taker);
    return taker.promise;
  }

  /** Settles whoever waits, at once, and drops what was not taken. */
  end(): void {
    this.#ended = true;
    this.takeAll();
    for (const taker of this.#takers?.splice(0) ?? []) taker.resolve(done);
    this.#collector?.ready();
  }

  /** As `end`, but the first who takes is told why. */
  fail(error: unknown): void {
    if (this.#ended) return;
    const taker = this.#takers?.shift();
    if (taker) taker.reject(error);
    else this.#failure = { error };
    this.end();
  }

  #empty(): Delivery {
    return { done: false, value: this.takeAll() };
  }
}
