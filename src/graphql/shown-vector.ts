import type { PastVector, Vector } from '../engine/index.ts';
import { formatDateTime } from './date-time.ts';
import { contractError } from './errors.ts';

/** The vector of an entity as it would be, had an event been recorded. */
export interface PreviewedVector extends Vector {
  /** Tells one preview from another. */
  readonly preview: string;
}

/** What stands behind the type of a view: the vector of now, of a moment that was asked for, or of a preview. */
export type ShownVector = Vector | PastVector | PreviewedVector;

/** Whether a vector is of a moment that was asked for. */
export function isPast(vector: ShownVector): vector is PastVector {
  return 'certainties' in vector;
}

/** Whether a vector is of what never happened. */
export function isPreviewed(vector: ShownVector): vector is PreviewedVector {
  return 'preview' in vector;
}

/**
 * The id under which clients may cache it: one entity has a vector of now, and any number of past and previewed ones. What
 * tells these apart stands before the entity's id, which may have any character: behind it, it could be a part of one.
 */
export function cacheId(vector: ShownVector): string {
  const { view, id, asOf } = vector;
  const kind = isPast(vector) ? `@${formatDateTime(asOf)}` : isPreviewed(vector) ? `#${vector.preview}` : '';
  return `${view.name}:v${view.version}${kind}:${id}`;
}

/** Of what is stored, its own; a past vector is folded anew each time, and any event that came since may have changed it. */
export function revisionText(vector: ShownVector): string {
  const { revision, eventSeq, asOf } = vector;
  if (isPast(vector)) return `${revision}.${eventSeq}@${asOf}`;
  return isPreviewed(vector) ? `${revision}#${vector.preview}` : String(revision);
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
