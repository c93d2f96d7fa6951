import { formatDuration, type View } from '../define/index.ts';
import type { EpochMs, Vector } from '../engine/index.ts';
import type { FreshetContext } from './context.ts';
import { formatDateTime } from './date-time.ts';
import { clientError, contractError } from './errors.ts';
import type { ShownVector } from './shown-vector.ts';
import type { EntityRef } from './types.ts';

type Source = Pick<FreshetContext, 'engine' | 'loaders'>;

/**
 * The vector of an entity as it is now: what came with it, at once, or else read with those of the others.
 * @throws GraphQLError, LogFaultError
 */
export function currentVector(view: View, entity: EntityRef, { loaders }: Source): Vector | Promise<Vector> {
  assertServable(view, entity);
  return entity.vectors?.get(view) ?? loaders.load(view, entity.id);
}

/**
 * The vector of an entity at a moment; that of now if the moment is the store's now, or ahead of it by no more than clocks
 * differ.
 * @param argument what named the moment, for errors: `asOf`.
 * @throws GraphQLError with BAD_USER_INPUT if it lies in the future, and OUT_OF_HISTORY if nothing is kept so long; LogFaultError
 */
export async function vectorAt(
  view: View,
  entity: EntityRef,
  moment: EpochMs,
  argument: string,
  source: Source,
): Promise<ShownVector> {
  assertServable(view, entity);
  const vector = await source.loaders.loadPast(view, entity.id, moment);
  switch (source.engine.standing(vector)) {
    case 'PAST':
      return vector;
    case 'NOW':
      return currentVector(view, entity, source);
    case 'FUTURE':
      throw contractError(
        'BAD_USER_INPUT',
        `${argument} lies in the future: it is ${formatDateTime(moment)}, and now is ${formatDateTime(vector.now)}`,
      );
    case 'OUT_OF_HISTORY':
      throw contractError(
        'OUT_OF_HISTORY',
        `${argument} lies too far back: it is ${formatDateTime(moment)}, and ${view.name} keeps the last ${formatDuration(view.historyMs)}, now back to ${formatDateTime(vector.now - view.historyMs)}`,
      );
  }
}

/** What could not be had with the entity cannot be had otherwise: to ask would only be to wait once more. */
function assertServable(view: View, { vectors, failures }: EntityRef): void {
  const failure = failures?.get(view);
  if (failure && !vectors?.has(view)) throw clientError(failure);
}
