import type { PastVector, Vector } from '../engine/index.ts';
import { formatDateTime } from './date-time.ts';
import { contractError } from './errors.ts';

/** What stands behind the type of a view: the vector of now, or of a moment that was asked for. */
export type ShownVector = Vector | PastVector;

export function isPast(vector: ShownVector): vector is PastVector {
  return 'certainties' in vector;
}

/** The id under which clients may cache it: one entity has a vector of now and any number of past ones. */
export function cacheId(vector: ShownVector): string {
  const { view, id, asOf } = vector;
  const current = `${view.name}:v${view.version}:${id}`;
  return isPast(vector) ? `${current}@${formatDateTime(asOf)}` : current;
}

/** A past vector is folded anew each time: any event that came since may have changed it. */
export function revisionText(vector: ShownVector): string {
  const { revision, eventSeq, asOf } = vector;
  return isPast(vector) ? `${revision}.${eventSeq}@${asOf}` : String(revision);
}

/** Whether the feature at this place of the view can be told of the vector's moment. */
export function isTold(vector: ShownVector, position: number): boolean {
  return !isPast(vector) || vector.certainties[position]?.method !== 'UNREACHABLE';
}

/** @throws OUT_OF_HISTORY if the feature at this place of the view cannot be told of the vector's moment. */
export function assertReachable(vector: ShownVector, position: number): void {
  if (isTold(vector, position)) return;
  const feature = vector.view.features[position];
  const why =
    feature?.aggregation.window.kind === 'lifetime'
      ? 'a running figure is known since the newest event only'
      : 'what it was made of is no longer kept';
  throw contractError('OUT_OF_HISTORY', `${feature?.name} of ${formatDateTime(vector.asOf)} cannot be told: ${why}`);
}
