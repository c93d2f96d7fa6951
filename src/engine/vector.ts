import type { Milliseconds, View } from '../define/index.ts';

/** An instant in whole milliseconds since 1970. */
export type EpochMs = Milliseconds;

/** All values of one view for one entity at one moment. */
export interface Vector {
  readonly view: View;
  readonly id: string;
  /**
   * As they are stored: one double a feature, in the order of the view, then the values of each list (see served.ts).
   * NaN is null, times are milliseconds since 1970, booleans 0 or 1.
   */
  readonly values: Float64Array;
  /** Grows whenever a value changes and is never used twice for an entity; an integer below 2^53. */
  readonly revision: number;
  /** When the log was folded, or a later moment at which that would have come to the same. */
  readonly asOf: EpochMs;
  /** The first moment at which time alone may change a value; null: never. */
  readonly validUntil: EpochMs | null;
  /** The newest event's own time. */
  readonly lastEventAt: EpochMs | null;
  /** How many events the entity's log has taken in so far. */
  readonly eventSeq: number;
  /** From when on every event is in every feature. */
  readonly completeSince: EpochMs;
}

/** How a value came about, and how far off it may be. */
export interface Certainty {
  readonly method: 'EXACT' | 'INTERPOLATED' | 'SAMPLED' | 'UNREACHABLE';
  /** The truth is between these, both included; NaN is null. Of a list, they bound how many it should hold. */
  readonly lower: number;
  readonly upper: number;
}

/**
 * A vector of a moment that was asked for, with how sure each value is, in the order of the view. It is of what is known
 * today: `revision` and `eventSeq` are the log's as it is now.
 */
export interface PastVector extends Omit<Vector, 'validUntil'> {
  readonly certainties: readonly Certainty[];
  /** The entity's now when it was folded. */
  readonly now: EpochMs;
}
