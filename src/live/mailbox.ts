import { mergeUpdates, type Update } from './update.ts';

type Delivery = IteratorResult<readonly Update[], undefined>;

const done: Delivery = { done: true, value: undefined };

/**
 * What a subscriber has yet to take: the newest update of each entity, so a slow one gets fewer updates, never a longer
 * queue. Updates put in between two flushes go out together.
 */
export class Mailbox {
  readonly #updates = new Map<string, Update>();
  readonly #takers: PromiseWithResolvers<Delivery>[] = [];
  #ready = false;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;

  get isEmpty(): boolean {
    return this.#updates.size === 0;
  }

  put(update: Update): void {
    if (this.#ended) return;
    const { id } = update.vector;
    const waiting = this.#updates.get(id);
    this.#updates.set(id, waiting ? mergeUpdates(waiting, update) : update);
  }

  /** Lets out what was put in so far. */
  flush(): void {
    if (this.#updates.size === 0) return;
    this.#ready = true;
    this.#takers.shift()?.resolve(this.#empty());
  }

  /** What was put in so far, if anything, without waiting. */
  takeAll(): readonly Update[] {
    const updates = [...this.#updates.values()];
    this.#updates.clear();
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
    this.#takers.push(taker);
    return taker.promise;
  }

  /** Settles whoever waits, at once, and drops what was not taken. */
  end(): void {
    this.#ended = true;
    this.#updates.clear();
    for (const taker of this.#takers.splice(0)) taker.resolve(done);
  }

  /** As `end`, but the first who takes is told why. */
  fail(error: unknown): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker) taker.reject(error);
    else this.#failure = { error };
    this.end();
  }

  #empty(): Delivery {
    return { done: false, value: this.takeAll() };
  }
}
