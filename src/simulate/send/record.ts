import type { Transaction } from '../transaction.ts';
import type { Endpoint } from './endpoint.ts';

/** A transaction as it is sent: what is not known yet is no label. */
export type Recordable = Omit<Transaction, 'fraud'> & { readonly fraud: boolean | null };

/** The most events of a batch that the API takes. */
export const largestBatch = 1_000;

export const fates = ['recorded', 'duplicates', 'tooLate', 'rejected', 'unavailable'] as const;
/** How many events had which fate, as the API says. */
export type Tally = { [Fate in (typeof fates)[number]]: number };

export function emptyTally(): Tally {
  return { recorded: 0, duplicates: 0, tooLate: 0, rejected: 0, unavailable: 0 };
}

/** Adds one tally to another. */
export function addTo(tally: Tally, more: Tally): void {
  for (const fate of fates) tally[fate] += more[fate];
}

/** An event of a batch that was not taken. */
export interface NotTaken {
  /** Where it is in the batch. */
  readonly index: number;
  readonly status: 'REJECTED' | 'UNAVAILABLE';
  readonly reason: string | null;
}

const mutation = `mutation Record($input: [TransactionInput!]!) {
  recordTransactions(input: $input) {
    ${fates.join(' ')}
    results(only: [REJECTED, UNAVAILABLE]) { index status reason }
  }
}`;

/**
 * Records a batch of at most 1,000, once.
 * @throws EndpointError
 */
export async function record(
  endpoint: Endpoint,
  batch: readonly Recordable[],
  signal?: AbortSignal,
): Promise<Tally & { readonly results: readonly NotTaken[] }> {
  const input = batch.map(({ occurredAt, ...rest }) => ({ ...rest, occurredAt: new Date(occurredAt).toISOString() }));
  const { recordTransactions } = await endpoint.ask<{
    recordTransactions: Tally & { readonly results: readonly NotTaken[] };
  }>(mutation, { input }, signal);
  return recordTransactions;
}
