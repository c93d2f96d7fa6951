import DataLoader from 'dataloader';
import type { View } from '../define/index.ts';
import { type Engine, InvalidIdError, invalidIdReason, type Vector } from '../engine/index.ts';
import { clientError } from './errors.ts';

/** Reads vectors for one request: those wanted in the same tick in one batch a view, and each only once. */
export class VectorLoaders {
  readonly #engine: Engine;
  readonly #loaders = new Map<View, DataLoader<string, Vector>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * The vector of one entity. A bad id never reaches the batch of the others, and one that cannot be read fails alone.
   * @throws GraphQLError with ID_INVALID or UNAVAILABLE; an entity's own error otherwise
   */
  async load(view: View, id: string): Promise<Vector> {
    const reason = invalidIdReason(id);
    if (reason) throw clientError(new InvalidIdError(`the ${view.entity.name}'s id ${reason}`));
    return this.#loaderOf(view).load(id);
  }

  /** Forgets what was read. Wanted after events were recorded, and before each message of a subscription. */
  clear(): void {
    this.#loaders.clear();
  }

  #loaderOf(view: View): DataLoader<string, Vector> {
    const known = this.#loaders.get(view);
    if (known) return known;
    const loader = new DataLoader<string, Vector>(async (ids) => {
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
}
