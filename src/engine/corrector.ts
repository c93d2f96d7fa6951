import type { Event, View } from '../define/index.ts';
import { correctionRejection } from './admission.ts';
import {
  type CorrectionOutcome,
  type CorrectionTerms,
  correctionOutcome,
  type LabelStatus,
  rejected,
} from './correction-outcome.ts';
import { writeHash64 } from './hash64.ts';
import { labelOf } from './label-plan.ts';
import type { CorrectedPart, CorrectionPart, LogStore } from './log-store.ts';
import { type EventInput, LogFaultError, UnavailableError } from './outcome.ts';

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
    const argument = Buffer.alloc(18);
    argument.writeUInt8(input[label] === true ? 1 : 0, 1);
    argument.writeDoubleLE(Number(input[event.time]), 2);
    writeHash64(input[event.id] as string, argument, 10);
    const parts = this.#partsOf(event, input, argument).filter(({ plan }) => plan.label !== null);
    return correctionOutcome(event, await this.#correct('label', parts), labelTerms);
  }

  /** One for each view that the event feeds; the first byte of the argument becomes the index of the view. */
  #partsOf(event: Event, input: EventInput, argument: Buffer): CorrectionPart[] {
    return [...this.#store.plans.values()]
      .filter(({ view }) => view.event === event)
      .map((plan) => {
        const own = Buffer.from(argument);
        own.writeUInt8(plan.index, 0);
        return { plan, id: input[plan.view.by] as string, argument: own };
      });
  }

  async #correct(
    correction: 'label',
    parts: readonly CorrectionPart[],
  ): Promise<{ plan: CorrectionPart['plan']; result: CorrectedPart | Error }[]> {
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
