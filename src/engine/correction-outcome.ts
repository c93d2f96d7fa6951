import type { Event, View } from '../define/index.ts';
import { UnavailableError } from './outcome.ts';
import type { CorrectedPart } from './parts.ts';
import type { Plan } from './plan.ts';
import type { CorrectionVerdict } from './reply.ts';
import type { EpochMs, Vector } from './vector.ts';

/** What became of a label. */
export type LabelStatus = 'LABELLED' | 'DUPLICATE' | 'NOT_FOUND' | 'TOO_OLD' | 'REJECTED' | 'UNAVAILABLE';

/** What became of a retraction. */
export type RetractStatus = 'RETRACTED' | 'NOT_FOUND' | 'MISMATCH' | 'TOO_OLD' | 'REJECTED' | 'UNAVAILABLE';

/** What became of a correction in one view. */
export interface ViewCorrection<Status> {
  readonly view: View;
  readonly status: Status;
  /** Why it was not done, or did nothing. */
  readonly reason: string | null;
}

/** What became of a correction. */
export interface CorrectionOutcome<Status> {
  /** That of the view in which least was done. */
  readonly status: Status;
  /** Names each view in which it was not done, and why; null if it was done in all. */
  readonly reason: string | null;
  /** The event's own time, as recorded where that is known; null when it is not known to be recorded. */
  readonly occurredAt: EpochMs | null;
  readonly views: readonly ViewCorrection<Status>[];
  /** Of each view that was reached: the vector as it is after the correction. */
  readonly vectors: ReadonlyMap<View, Vector>;
}

/** A correction's own statuses for what the library did, and in which order they decide. */
export interface CorrectionTerms<Status> {
  readonly statusOf: { readonly [S in CorrectionVerdict['status'] | 'UNAVAILABLE']: Status };
  /** The status of the whole is the first of these that any view has. */
  readonly worstFirst: readonly Status[];
  /** Those that need no reason. */
  readonly done: readonly Status[];
}

/** Puts together what became of a correction in each of its views. `done` are asked for no reason. */
export function correctionOutcome<Status>(
  event: Event,
  parts: readonly { readonly plan: Plan; readonly result: CorrectedPart | Error }[],
  { statusOf, worstFirst, done }: CorrectionTerms<Status>,
): CorrectionOutcome<Status> {
  const views = parts.map(({ plan, result }): ViewCorrection<Status> => {
    const { view } = plan;
    if (result instanceof Error) {
      const reason = result instanceof UnavailableError ? result.message : 'what is stored of it cannot be used';
      return { view, status: statusOf.UNAVAILABLE, reason };
    }
    return { view, status: statusOf[result.verdict.status], reason: reasonOf(event, plan, result.verdict) };
  });
  const status = worstFirst.find((one) => views.some((view) => view.status === one)) as Status;
  const reasons = views.flatMap(({ view, status: one, reason }) =>
    reason === null || (done.includes(one) && !done.includes(status)) ? [] : [`${view.name}: ${reason}`],
  );
  const reached = parts.flatMap(({ plan, result }) => (result instanceof Error ? [] : [{ plan, result }]));
  const found = reached.find(({ result }) => result.verdict.status !== 'NOT_FOUND');
  return {
    status,
    reason: reasons.length > 0 ? reasons.join('; ') : null,
    occurredAt: found?.result.verdict.time ?? null,
    views,
    vectors: new Map(reached.map(({ plan, result }) => [plan.view, result.vector])),
  };
}

/** Of a correction that breaks a rule: no view was asked. */
export function rejected<Status>(status: Status, reason: string): CorrectionOutcome<Status> {
  return { status, reason, occurredAt: null, views: [], vectors: new Map() };
}

function reasonOf(event: Event, plan: Plan, verdict: CorrectionVerdict): string | null {
  switch (verdict.status) {
    case 'DONE':
      return null;
    case 'AGAIN':
      return verdict.why === 'WAS_RETRACTED' ? 'it was retracted before' : 'it has this label already';
    case 'MISMATCH':
      return `it was recorded with another ${differingFields(event, plan, verdict).join(', ')}`;
    case 'NOT_FOUND':
      return verdict.why === 'WAS_RETRACTED'
        ? 'it was retracted'
        : `no ${event.name} of this id is known of this ${plan.view.entity.name}`;
    case 'TOO_OLD':
      return obstacles[verdict.why](event);
  }
}

const obstacles: { readonly [W in CorrectionVerdict['why']]: (event: Event) => string } = {
  NONE: () => 'it is too old',
  PAST_WINDOWS: ({ time }) => `${time} is older than every window`,
  AMONG_OTHERS: () =>
    'it is put together with others of about the same time, of which it cannot be told apart any more',
  NO_SIGHTING: () => 'when a value that is counted once was seen before this is not known any more',
  RUNNING: () => 'a running figure, which goes by arrival, cannot be corrected for it any more',
  NOT_KEPT: () => 'it is older than the corrections that are still kept: it may have been corrected before',
  WAS_RETRACTED: () => 'it was retracted',
  UNKNOWABLE: () => 'it is put together with others, and a feature depends on what is not kept of it any more',
};

function differingFields(event: Event, plan: Plan, verdict: CorrectionVerdict): string[] {
  return [
    ...plan.columns.filter((_, i) => verdict.columnsThatDiffer & (1 << i)),
    ...plan.distinctFields.filter((_, i) => verdict.distinctFieldsThatDiffer & (1 << i)),
    ...(verdict.timeDiffers ? [event.time] : []),
  ];
}
