import type { View } from '../../src/define/index.ts';
import type { RecordOutcome } from '../../src/engine/index.ts';
import { type Correction, combine, type Fields, span, type Verdict } from '../support/oracle.ts';
import type { Known, Model, Outcome } from './model.ts';

/** For so long the ids of what is put together are known. */
export const horizonMs = 86_400_000;

/** What must become of an event in one of its views, and when it came. */
export interface Taken extends Outcome<Verdict> {
  readonly view: View;
  readonly id: string;
  /** The entity's now, and the store's. */
  readonly at: number;
  readonly store: number;
}

/** What was taken in of an event, if what is said of it may be said while nothing is put together; else null. */
export function takenExactly({ status }: RecordOutcome, taken: readonly Taken[]): readonly Taken[] | null {
  if (status !== combine(taken.map(({ verdict }) => verdict))) return null;
  return taken.filter(({ verdict }) => verdict === 'RECORDED');
}

/** As `takenExactly`, of an event's only view, where much may be put together and most ids are forgotten. */
export function takenPerhaps(
  model: Model,
  fields: Fields,
  outcome: RecordOutcome,
  one: Taken,
): readonly Taken[] | null {
  const { view, at, store, verdict } = one;
  const { status, reason } = outcome;
  if (status === verdict) return takenExactly(outcome, [one]);
  const time = Number(fields[view.event.time]);
  const namesakes = model.namesakes(view, fields);
  // What falls among what is put together, when ids of that time are forgotten, may have been recorded before; but of what was
  // retracted it is known for as long as a window holds it.
  if (status === 'TOO_LATE' && time <= at - horizonMs) {
    if (verdict === 'DUPLICATE' && time <= at - span(view)) return [];
    const wasRetracted = namesakes.some((other) => other.retracted && other.at === time);
    return reason?.includes('remembered') && !wasRetracted ? [] : null;
  }
  // An id that is forgotten by now is free again, for an event of another time.
  if (verdict === 'DUPLICATE' && namesakes.every((other) => other.at <= at - horizonMs && other.at !== time)) {
    const again = model.takeAgain(view, fields, at, store);
    if (status === again.verdict) return status === 'RECORDED' ? [{ ...one, known: again.known }] : [];
  }
  return null;
}

/** What a view says of a correction, and what must become of that. */
export interface Corrected extends Outcome<Correction> {
  readonly view: View;
  readonly status: string;
  readonly reason: string | null;
  /** Another view knows the event otherwise, and so nothing may be done in any. */
  readonly isHeldBack: boolean;
  readonly before: Known;
}

/**
 * What is true of an entity after a correction, if what is said of it may be said; else null.
 * @param isExact nothing is put together, so that only a running figure can be in the way.
 */
export function corrected(correction: 'label' | 'retract', one: Corrected, isExact: boolean): Known | null {
  const { view, status, reason, verdict, isHeldBack, before, known } = one;
  if (verdict === 'DONE') {
    if (status === (isHeldBack ? 'MISMATCH' : statusesOf[correction].DONE)) return isHeldBack ? before : known;
    const isRunning = reason?.includes('running figure') && hasLifetimes(view);
    return status === 'TOO_OLD' && (isRunning || !isExact) ? before : null;
  }
  if (status === statusesOf[correction][verdict]) return before;
  if (isExact) return null;
  if (verdict === 'MISMATCH') return status === 'TOO_OLD' ? before : null;
  if (correction === 'retract' || verdict !== 'AGAIN') return null;
  // That an event in a tile has no label is all that is kept of one that is false, where nothing tells these apart.
  if (status === 'LABELLED') return { ...before, corrections: before.corrections + 1 };
  return status === 'TOO_OLD' ? before : null;
}

const statusesOf: { readonly [C in 'label' | 'retract']: { readonly [V in Correction]: string } } = {
  label: {
    DONE: 'LABELLED',
    AGAIN: 'DUPLICATE',
    NOT_FOUND: 'NOT_FOUND',
    MISMATCH: 'MISMATCH',
    TOO_OLD: 'TOO_OLD',
  },
  retract: {
    DONE: 'RETRACTED',
    AGAIN: 'RETRACTED',
    NOT_FOUND: 'NOT_FOUND',
    MISMATCH: 'MISMATCH',
    TOO_OLD: 'TOO_OLD',
  },
};

const hasLifetimes = ({ features }: View) => features.some(({ aggregation: { window } }) => window.kind === 'lifetime');
