import type { Plan } from './plan.ts';
import type { CorrectionVerdict, RowVerdict } from './reply.ts';
import type { EpochMs, Vector } from './vector.ts';

/** What a call concerns: one view of one entity, of which there is one log. */
export interface Part {
  readonly plan: Plan;
  readonly id: string;
}

/** How vectors are read. */
export interface ReadOptions {
  /** Folds every log again, and restores what is missing of its served hash; default false. */
  readonly refresh?: boolean;
  /**
   * For each id, the revision that was served of it last; 0: none was. Where the store has lost what came to be since it was
   * written, its vector gets a revision that comes after that one.
   */
  readonly lastRevisions?: readonly number[];
}

/** A vector to read. */
export interface ReadPart extends Part {
  /** Where it stands among those that were asked for. */
  readonly place: number;
  /** The revision that was served of it last; 0: none was. */
  readonly lastRevision: number;
}

/** Events to record, in the order sent but for those of one moment (see ties.ts), as rows (see row-encoder.ts). */
export interface RecordPart extends Part {
  readonly rows: Buffer;
  readonly rowCount: number;
}

/** What became of the rows, in their order, and the vector after all of them. */
export interface RecordedPart {
  readonly vector: Vector;
  readonly verdicts: readonly RowVerdict[];
}

/** A correction, as its function takes it. */
export interface CorrectionPart extends Part {
  readonly argument: Buffer;
}

/** What became of a correction, and the vector after it. */
export interface CorrectedPart {
  readonly vector: Vector;
  readonly verdict: CorrectionVerdict;
}

/** Which moments of an entity are asked for. */
export interface MomentsOf {
  readonly id: string;
  readonly moments: readonly EpochMs[];
}

/** The same, of one view. */
export interface PastPart extends Part, MomentsOf {}
