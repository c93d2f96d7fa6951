import type { Vector } from '../engine/index.ts';

/** The strongest first: of two causes that were merged, the one that stands further left counts. */
export const updateCauses = ['SNAPSHOT', 'RESYNC', 'EVENT', 'DECAY'] as const;

/**
 * Why a vector is sent: `SNAPSHOT`, the first of its entity in this subscription; `RESYNC`, found newer after changes may
 * have gone unheard; `EVENT`, an event was recorded; `DECAY`, nothing happened but time.
 */
export type UpdateCause = (typeof updateCauses)[number];

export interface Update {
  readonly cause: UpdateCause;
  readonly vector: Vector;
  /** Whether it was sent before, with less than was asked for. */
  readonly isAgain?: true;
}

/** One update in place of two of the same entity: the later vector, for the stronger cause. */
export function mergeUpdates(earlier: Update, later: Update): Update {
  const stronger = updateCauses.indexOf(earlier.cause) < updateCauses.indexOf(later.cause) ? earlier : later;
  return { cause: stronger.cause, vector: later.vector };
}
