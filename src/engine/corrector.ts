import type { Event, View } from '../define/index.ts';
import { correctionRejection } from './admission.ts';
import {
  type CorrectionOutcome,
  type CorrectionTerms,
  correctionOutcome,
  type LabelStatus,
  type RetractStatus,
  rejected,
} from './correction-outcome.ts';
import { writeHash64 } from './hash64.ts';
import { labelOf } from './label-plan.ts';
import type { LogStore } from './log-store.ts';
import { type EventInput, LogFaultError, UnavailableError } from './outcome.ts';
import type { CorrectedPart, CorrectionPart } from './parts.ts';
import type { Plan } from './plan.ts';
import { RowEncoder } from './row-encoder.ts';

/** Changes what is known of events that are recorded already. */
export class Corrector {
  readonly #store: LogStore;
  readonly #onFault: (fault: LogFaultError) => void;

  constructor(store: LogStore, onFault: (fault: LogFaultError) => void) {
    this.#store = store;
    this.#onFault = onFault;
  }

  /** Sets the label of a recorded event in each view in which something depends on it. */
  async label(event: Event, input: EventInput): Promise<CorrectionOutcome<LabelStatus>> {
    const label = labelOf(event);
    if (label === undefined) throw new TypeError(`event ${event.name} has no label`);
    const reason = correctionRejection(
      event,
      [...correctionFields(event, [...this.#store.plans.keys()]), label],
      input,
    );
    if (reason !== null) return rejected('REJECTED', reason);
    const plans = this.#plansOf(event).filter((plan) => plan.label !== null);
    const parts = plans.map((plan): CorrectionPart => {
      const argument = Buffer.alloc(18);
      argument.writeUInt8(plan.index, 0);
      argument.writeUInt8(input[label] === true ? 1 : 0, 1);
      argument.writeDoubleLE(Number(input[event.time]), 2);
      writeHash64(input[event.id] as string, argument, 10);
      return { plan, id: input[plan.view.by] as string, argument };
    });
    return correctionOutcome(event, await this.#correct('label', parts), labelTerms);
  }

  /**
   * Takes a recorded event out of each of its views. Where any of them knows it otherwise than is told, none is changed.
   * @param confirm numbers of the event that the input has too, and that must be as recorded.
   */
  async retract(
    event: Event,
    confirm: readonly string[],
    input: EventInput,
  ): Promise<CorrectionOutcome<RetractStatus>> {
    const told = [...correctionFields(event, [...this.#store.plans.keys()]), ...confirm];
    const reason = correctionRejection(event, told, input);
    if (reason !== null) return rejected('REJECTED', reason);
    const known = Object.fromEntries(told.map((field) => [field, input[field]]));
    const parts = (look: 0 | 1) =>
      this.#plansOf(event).map((plan): CorrectionPart => {
        const encoder = new RowEncoder(plan);
        const argument = Buffer.alloc(2 + encoder.rowBytes);
        argument.writeUInt8(plan.index, 0);
        argument.writeUInt8(look, 1);
        encoder.write(known, argument, 2);
        return { plan, id: input[plan.view.by] as string, argument };
      });
    const looked = await this.#correct('retract', parts(1));
    const differs = looked.some(({ result }) => !(result instanceof Error) && result.verdict.status === 'MISMATCH');
    if (!differs) return correctionOutcome(event, await this.#correct('retract', parts(0)), retractTerms);
    const { vectors: _, ...outcome } = correctionOutcome(event, looked, heldBackTerms);
    return { ...outcome, vectors: new Map() };
  }

  /** Those of the views that the event feeds. */
  #plansOf(event: Event): Plan[] {
    return [...this.#store.plans.values()].filter(({ view }) => view.event === event);
  }

  async #correct(
    correction: 'label' | 'retract',
    parts: readonly CorrectionPart[],
  ): Promise<{ plan: Plan; result: CorrectedPart | Error }[]> {
    const results = await this.#store.correct(correction, parts).catch((error: unknown) => {
      if (error instanceof UnavailableError) return parts.map(() => error);
      throw error;
    });
    for (const result of results) if (result instanceof LogFaultError) this.#onFault(result);
    return parts.map(({ plan }, i) => ({ plan, result: results[i] as CorrectedPart | Error }));
  }
}

/** What every correction tells of its event: its id, its time, and the entities that it is about. */
export function correctionFields(event: Event, views: readonly View[]): string[] {
  const entities = views.filter((view) => view.event === event).map(({ by }) => by);
  return [...new Set([event.id, ...entities, event.time])];
}

const labelTerms: CorrectionTerms<LabelStatus> = {
  statusOf: {
    DONE: 'LABELLED',
    AGAIN: 'DUPLICATE',
    NOT_FOUND: 'NOT_FOUND',
    MISMATCH: 'NOT_FOUND',
    TOO_OLD: 'TOO_OLD',
    UNAVAILABLE: 'UNAVAILABLE',
  },
  worstFirst: ['UNAVAILABLE', 'TOO_OLD', 'NOT_FOUND', 'LABELLED', 'DUPLICATE'],
  done: ['LABELLED', 'DUPLICATE'],
};

const retractTerms: CorrectionTerms<RetractStatus> = {
  statusOf: {
    DONE: 'RETRACTED',
    AGAIN: 'RETRACTED',
    NOT_FOUND: 'NOT_FOUND',
    MISMATCH: 'MISMATCH',
    TOO_OLD: 'TOO_OLD',
    UNAVAILABLE: 'UNAVAILABLE',
  },
  worstFirst: ['UNAVAILABLE', 'MISMATCH', 'TOO_OLD', 'NOT_FOUND', 'RETRACTED'],
  done: ['RETRACTED'],
};

/** What could have been done was not, because another view knows the event otherwise. */
const heldBackTerms: CorrectionTerms<RetractStatus> = {
  ...retractTerms,
  statusOf: { ...retractTerms.statusOf, DONE: 'MISMATCH' },
  worstFirst: ['MISMATCH'],
};
