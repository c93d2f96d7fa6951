import type { Random, Transaction } from '../../src/simulate/index.ts';
import type { Subject } from '../subject.ts';
import type { Population } from './population.ts';
import { drawAmount, drawFraud } from './transaction.ts';

/** What happens to one entity, column by column, oldest first: millions of events take little room. */
export interface History {
  readonly subject: Subject;
  readonly id: string;
  readonly times: Float64Array;
  readonly amounts: Float64Array;
  /** With whom the entity deals: numbers of a population. */
  readonly partners: Uint32Array;
  readonly frauds: Uint8Array;
}

/** Draws what happens to an entity at these moments: see transaction.ts. */
export function drawHistory(
  random: Random,
  subject: Subject,
  id: string,
  times: Float64Array,
  population: Population,
): History {
  const { length } = times;
  const amounts = Float64Array.from({ length }, () => drawAmount(random));
  const partners = Uint32Array.from({ length }, () => population(random));
  const frauds = Uint8Array.from({ length }, () => Number(drawFraud(random)));
  return { subject, id, times, amounts, partners, frauds };
}

/** Its events from `first` up to but not including `end`, each with an id of its own. */
export function transactionsOf(history: History, first = 0, end = history.times.length): Transaction[] {
  const { subject, id, times, amounts, partners, frauds } = history;
  return Array.from({ length: end - first }, (_, i) => {
    const at = first + i;
    return subject.transaction(id, `partner-${partners[at]}`, {
      transactionId: `${id}-${at}`,
      amount: amounts[at] as number,
      occurredAt: times[at] as number,
      fraud: frauds[at] === 1,
    });
  });
}
