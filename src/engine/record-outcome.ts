import type { Event, Milliseconds, View } from '../define/index.ts';
import type { RecordOutcome } from './outcome.ts';
import type { RowVerdict } from './reply.ts';
import type { Vector } from './vector.ts';

/** What the views of an event said of it. */
export interface Draft {
  readonly verdicts: RowVerdict[];
  readonly reasons: string[];
  readonly vectors: Map<View, Vector>;
  unavailable: string | null;
}

/** When the views of an event differ, the first of these that any of them says. */
const precedence = ['RECORDED', 'DUPLICATE', 'TOO_LATE', 'FORGOTTEN', 'REJECTED'] as const;

/**
 * Puts together what became of an event in each of its views.
 * @param rejected why it was not sent to any; null if it was.
 * @param toleranceMs how far ahead of the store's clock it might have been.
 */
export function outcomeOf(
  event: Event,
  draft: Draft,
  rejected: string | null,
  toleranceMs: Milliseconds,
): RecordOutcome {
  const none = { occurredAt: null, vectors: draft.vectors };
  if (rejected !== null) return { status: 'REJECTED', reason: rejected, ...none };
  if (draft.unavailable !== null) return { status: 'UNAVAILABLE', reason: draft.unavailable, ...none };
  const status = precedence.find((one) => draft.verdicts.some((verdict) => verdict.status === one));
  const time = draft.verdicts.find((verdict) => verdict.status === status)?.time ?? null;
  switch (status) {
    case 'TOO_LATE':
      return { status, reason: `${event.time} is older than every window`, occurredAt: time, vectors: draft.vectors };
    case 'FORGOTTEN':
      return {
        status: 'TOO_LATE',
        reason: `${event.time} is older than the ids that are still remembered: it may have been recorded before`,
        occurredAt: time,
        vectors: draft.vectors,
      };
    case 'REJECTED':
      return {
        status,
        reason: `${event.time} is more than ${toleranceMs / 1_000} s ahead of the store's clock`,
        ...none,
      };
    case undefined:
      return { status: 'REJECTED', reason: `no view is fed by ${event.name}`, ...none };
    default:
      return { status, reason: draft.reasons[0] ?? null, occurredAt: time, vectors: draft.vectors };
  }
}
