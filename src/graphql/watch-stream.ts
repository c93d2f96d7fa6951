import type { View } from '../define/index.ts';
import { invalidIdReason, type Vector } from '../engine/index.ts';
import type { Collector, Hub, Update, UpdateCause, Watch, WatchOptions } from '../live/index.ts';
import { clientError } from './errors.ts';
import type { EntityRef } from './types.ts';

/** What stands behind `UserRiskProfileUpdate`. */
export interface EntityUpdate {
  readonly cause: UpdateCause;
  readonly entity: EntityRef;
  /** The vector with which the entity comes; null where it cannot be had. */
  readonly vector: Vector | null;
  /** Whether it was sent before, with less than was asked for. */
  readonly isAgain?: true;
}

/** What a subscription sends: updates, or, as its last word, why there are no more. */
export type Message =
  | { readonly kind: 'updates'; readonly updates: readonly EntityUpdate[] }
  | { readonly kind: 'failure'; readonly error: unknown };

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The messages of one subscription. The first is a snapshot in the order of the ids, each once, also those that are bad or
 * whose vector cannot be read: their view is what fails, at its own path. Left out are entities of which the client has the
 * newest; where that is so of all, there is no snapshot. It is no generator, because a generator's `return()` waits
 * for the value that is under way, and a quiet subscription would never end.
 */
export class WatchStream implements AsyncIterableIterator<Message> {
  readonly #view: View;
  #snapshot: Message | null;
  #source: Watch | null;

  private constructor(view: View, snapshot: Message | null, source: Watch | null) {
    this.#view = view;
    this.#snapshot = snapshot;
    this.#source = source;
  }

  /**
   * Begins to watch, and waits for the snapshot. Without a single good id nothing can ever follow it, so the stream
   * then ends after it.
   * @param mayRead of a good id: whether the view of it is the client's to read. What is not is never watched for it, and so in none
   * of the messages that are made once for all who watch the same.
   * @throws GraphQLError if the snapshot cannot be had.
   */
  static async open(
    hub: Hub,
    view: View,
    ids: readonly string[],
    mayRead: (id: string) => boolean,
    options: WatchOptions,
  ): Promise<WatchStream> {
    const distinct = [...new Set(ids)];
    const bad = new Set(distinct.filter((id) => invalidIdReason(id) !== null || !mayRead(id)));
    const good = distinct.filter((id) => !bad.has(id));
    const source = good.length > 0 ? hub.watch(view, good, options) : null;
    try {
      const snapshot = source ? await source.begin() : [];
      // The hub is shutting down.
      if (!snapshot) return new WatchStream(view, null, null);
      const watched = new Map(snapshot.map((update) => [update.vector.id, update]));
      const updates = distinct.flatMap((id): EntityUpdate[] => {
        const update = watched.get(id);
        if (update) return [new VectorUpdate(view, update)];
        const failure = source?.unreadable.get(id);
        if (failure) return [{ cause: 'SNAPSHOT', entity: { id, failures: new Map([[view, failure]]) }, vector: null }];
        return bad.has(id) ? [{ cause: 'SNAPSHOT', entity: { id }, vector: null }] : [];
      });
      const hasAll = source !== null && updates.length === 0;
      return new WatchStream(view, hasAll ? null : { kind: 'updates', updates }, source);
    } catch (error) {
      await source?.return?.();
      throw clientError(error);
    }
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#snapshot) {
      const value = this.#snapshot;
      this.#snapshot = null;
      return { done: false, value };
    }
    if (!this.#source) return done;
    try {
      const { done: ended, value } = await this.#source.next();
      if (ended) return done;
      return { done: false, value: this.#message(value) };
    } catch (error) {
      // Thrown here, it would tear down the transport; as a message it reaches the client as an error with its code.
      this.#source = null;
      return { done: false, value: { kind: 'failure', error: clientError(error) } };
    }
  }

  /** Has this one told when there is something to `collect`, or when there is nothing more than `next()` says. */
  setCollector(collector: Collector): void {
    this.#source?.setCollector(collector);
  }

  /** What `next()` would bring at once; null: nothing yet. */
  collect(): Message | null {
    if (this.#snapshot) {
      const snapshot = this.#snapshot;
      this.#snapshot = null;
      return snapshot;
    }
    const updates = this.#source?.collect();
    return updates ? this.#message(updates) : null;
  }

  /** Whether there is nothing to `collect` yet. */
  get isEmpty(): boolean {
    return !this.#snapshot && !this.#source?.isReady;
  }

  /** Whether nothing will be there to `collect` any more: what `next()` then says are its last words. */
  get ended(): boolean {
    return !this.#snapshot && (this.#source?.ended ?? true);
  }

  /** Brings these once more in a while, unless newer ones come: what was read for them could not be. */
  bringAgain(updates: readonly EntityUpdate[]): void {
    this.#source?.bringAgain(updates.flatMap(({ cause, vector }) => (vector ? [{ cause, vector }] : [])));
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    const source = this.#source;
    this.#snapshot = null;
    this.#source = null;
    await source?.return?.();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #message(updates: readonly Update[]): Message {
    return { kind: 'updates', updates: updates.map((one) => new VectorUpdate(this.#view, one)) };
  }
}

/** Most updates are shown as all others of their vector are: what is only for GraphQL is made when it asks. */
class VectorUpdate implements EntityUpdate {
  readonly cause: UpdateCause;
  readonly vector: Vector;
  declare readonly isAgain?: true;
  readonly #view: View;

  constructor(view: View, { cause, vector, isAgain }: Update) {
    this.#view = view;
    this.cause = cause;
    this.vector = vector;
    if (isAgain) this.isAgain = isAgain;
  }

  get entity(): EntityRef {
    return { id: this.vector.id, vectors: new Map([[this.#view, this.vector]]) };
  }
}
