import type { Milliseconds } from '../../src/define/index.ts';
import type { Random, Transaction } from '../../src/simulate/index.ts';
import { type Population, populations } from '../simulate/population.ts';
import { drawAmount, drawFraud } from '../simulate/transaction.ts';
import type { Subject } from '../subject.ts';

/** With whom the entities of all scenarios deal. */
export const population = populations.Zipf as Population;

/**
 * Draws one event of an entity.
 * @param number tells its id from those of the entity's other events.
 */
export function drawTransaction(
  random: Random,
  subject: Subject,
  entityId: string,
  number: number,
  occurredAt: Milliseconds,
): Transaction {
  return subject.transaction(entityId, `partner-${population(random)}`, {
    transactionId: `${entityId}-${number}`,
    amount: drawAmount(random),
    occurredAt,
    fraud: drawFraud(random),
  });
}
