import type { Event, Milliseconds, View } from '../define/index.ts';
import type { RecordOutcome } from './outcome.ts';
import type { RowVerdict } from './reply.ts';
import type { Vector } from './vector.ts';

/** When the views of an event differ, the one that comes first here is told. */
const precedence: { readonly [S in RowVerdict['status']]: number } = {
  RECORDED: 0,
  DUPLICATE: 1,
  TOO_LATE: 2,
  FORGOTTEN: 3,
  REJECTED: 4,
};

/** What the views of an event said of it. */
export class Draft {
  readonly vectors = new Map<View, Vector>();
  /** The first of those of highest precedence. */
  verdict: RowVerdict | null = null;
  /** The first of all. */
  reason: string | null = null;
  unavailable: string | null = null;

  take(view: View, vector: Vector, verdict: RowVerdict, reason: string | null): void {
    this.vectors.set(view, vector);
    this.reason ??= reason;
    if (this.verdict === null || precedence[verdict.status] < precedence[this.verdict.status]) this.verdict = verdict;
  }
}

/**
 * Puts together what became of an event in each of its views.
 * @param rejected why it was not sent to any; null if it was.
 * @param toleranceMs how far ahead of the store's clock it might have been.
 */
export function outcomeOf(
  event: Event,
  { vectors, verdict, reason, unavailable }: Draft,
  rejected: string | null,
  toleranceMs: Milliseconds,
): RecordOutcome {
  const none = { occurredAt: null, vectors };
  if (rejected !== null) return { status: 'REJECTED', reason: rejected, ...none };
  if (unavailable !== null) return { status: 'UNAVAILABLE', reason: unavailable, ...none };
  if (verdict === null) return { status: 'REJECTED', reason: `no view is fed by ${event.name}`, ...none };
  const { status, time } = verdict;
  switch (status) {
    case 'TOO_LATE':
      return { status, reason: `${event.time} is older than every window`, occurredAt: time, vectors };
    case 'FORGOTTEN':
      return {
        status: 'TOO_LATE',
        reason: `${event.time} is older than the ids that are still remembered: it may have been recorded before`,
        occurredAt: time,
        vectors,
      };
    case 'REJECTED':
      return {
        status,
        reason: `${event.time} is more than ${toleranceMs / 1_000} s ahead of the store's clock`,
        ...none,
      };
    default:
      return { status, reason, occurredAt: time, vectors };
  }
}
