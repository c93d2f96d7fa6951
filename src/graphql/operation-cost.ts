import { getOperationAST, getVariableValues } from 'graphql';
import type { SentOperation } from './before-execution.ts';
import { fragmentsOf } from './fragments.ts';
import { recordedBy, shownBy } from './operation-size.ts';

/** The least that an operation costs. */
const leastCost = 1;

/**
 * What an operation costs whoever sends it, before it is executed: the vectors that it shows, what its searches are worth, and the events
 * that it records, previews, corrects or forgets, at least 1. A subscription costs what its first message shows, and at least 1 for each
 * id. Its variables must fit.
 */
export function operationCost({ schema, document, operationName, variableValues }: SentOperation): number {
  const operation = getOperationAST(document, operationName);
  if (!operation) return leastCost;
  const definitions = operation.variableDefinitions ?? [];
  const { coerced = {} } = getVariableValues(schema, definitions, { ...variableValues }, { maxErrors: 1 });
  const measured = { schema, operation, fragments: fragmentsOf(document), variableValues: coerced };
  return costOf(shownBy(measured).cost, recordedBy(measured));
}

/** The same of what has been counted. */
export function costOf(shown: number, recorded: number): number {
  return Math.max(leastCost, shown + recorded);
}
