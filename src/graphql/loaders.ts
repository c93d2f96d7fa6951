import DataLoader from 'dataloader';
import type { View } from '../define/index.ts';
import { type Engine, type EpochMs, invalidIdError, type PastVector, type Vector } from '../engine/index.ts';
import type { Activity } from './activity.ts';
import type { ReadAhead } from './compiled/run.ts';
import { clientError } from './errors.ts';

/** Reads vectors for one request: those wanted in the same tick in one batch a view, and each only once. */
export class VectorLoaders {
  readonly #engine: Engine;
  readonly #activity: Activity | null;
  /** Null while there is none, as in most subscriptions for as long as they last. */
  #loaders: Map<View, DataLoader<string, Vector>> | null = null;
  #pastLoaders: Map<View, DataLoader<Moment, PastVector, string>> | null = null;

  /** @param activity counts how many vectors each call asks for. */
  constructor(engine: Engine, activity: Activity | null = null) {
    this.#engine = engine;
    this.#activity = activity;
  }

  /**
   * The vector of one entity. A bad id never reaches the batch of the others, and one that cannot be read fails alone.
   * @throws GraphQLError with ID_INVALID or UNAVAILABLE; an entity's own error otherwise
   */
  async load(view: View, id: string): Promise<Vector> {
    assertId(view, id);
    return this.#loaderOf(view).load(id);
  }

  /**
   * The vector of one entity at a moment that is not in the future, and how sure it is, folded from what is known today.
   * Errors are as those of `load`.
   */
  async loadPast(view: View, id: string, at: EpochMs): Promise<PastVector> {
    assertId(view, id);
    return this.#pastLoaderOf(view).load({ id, at });
  }

  /** Takes in what was read before. */
  prime(read: readonly ReadAhead[]): void {
    for (const { view, id, result } of read) {
      this.#loaderOf(view).prime(id, result instanceof Error ? (clientError(result) as Error) : result);
    }
  }

  /** Forgets what was read. Wanted after events were recorded, and before each message of a subscription. */
  clear(): void {
    this.#loaders = null;
    this.#pastLoaders = null;
  }

  #loaderOf(view: View): DataLoader<string, Vector> {
    this.#loaders ??= new Map();
    const known = this.#loaders.get(view);
    if (known) return known;
    const loader = new DataLoader<string, Vector>(async (ids) => {
      this.#activity?.countReads(ids.length);
      try {
        const results = await this.#engine.readEach(view, ids);
        return results.map((result) => (result instanceof Error ? (clientError(result) as Error) : result));
      } catch (error) {
        throw clientError(error);
      }
    });
    this.#loaders.set(view, loader);
    return loader;
  }

  #pastLoaderOf(view: View): DataLoader<Moment, PastVector, string> {
    this.#pastLoaders ??= new Map();
    const known = this.#pastLoaders.get(view);
    if (known) return known;
    const loader = new DataLoader<Moment, PastVector, string>((moments) => this.#readPast(view, moments), {
      cacheKeyFn: ({ id, at }) => `${at} ${id}`,
    });
    this.#pastLoaders.set(view, loader);
    return loader;
  }

  async #readPast(view: View, wanted: readonly Moment[]): Promise<(PastVector | Error)[]> {
    this.#activity?.countReads(wanted.length);
    const byId = Map.groupBy(wanted, ({ id }) => id);
    try {
      const results = await this.#engine.pastEach(
        view,
        [...byId].map(([id, moments]) => ({ id, moments: moments.map(({ at }) => at) })),
      );
      const found = new Map<Moment, PastVector | Error>();
      for (const [i, moments] of [...byId.values()].entries()) {
        const result = results[i] as PastVector[] | Error;
        for (const [place, moment] of moments.entries()) {
          found.set(moment, result instanceof Error ? (clientError(result) as Error) : (result[place] as PastVector));
        }
      }
      return wanted.map((moment) => found.get(moment) as PastVector | Error);
    } catch (error) {
      throw clientError(error);
    }
  }
}

/** Of which entity a past vector is wanted, and of when. */
interface Moment {
  readonly id: string;
  readonly at: EpochMs;
}

function assertId(view: View, id: string): void {
  const error = invalidIdError(view.entity, id);
  if (error) throw clientError(error);
}
