import type { ApiProcess } from '../api-process.ts';
import type { Deadline } from '../deadline.ts';
import { type History, transactionsOf } from '../simulate/history.ts';
import type { Transaction } from '../simulate/transaction.ts';

/** The most events of a batch that the API takes. */
const largestBatch = 1_000;
/** Even few events go in as many batches, so that there are moments between them to look at. */
const fewestBatches = 40;

const mutation = `mutation ($input: [TransactionInput!]!) {
  recordTransactions(input: $input) { recorded duplicates tooLate rejected unavailable }
}`;

/** What became of events, as the API says. */
const fates = ['recorded', 'duplicates', 'tooLate', 'rejected', 'unavailable'] as const;
export type Tally = { [Fate in (typeof fates)[number]]: number };

/**
 * Sends a history over HTTP in order of time, batch by batch. One is under way at a time: a month goes by in minutes, so that
 * two at once would come in hours out of order, which those of a live merchant do not.
 * @param onBatch told after each batch how many events have been answered; the next batch waits for it.
 * @throws OutOfTimeError
 */
export async function send(
  api: ApiProcess,
  history: History,
  deadline: Deadline,
  onBatch: (answered: number) => Promise<void>,
): Promise<Tally> {
  const { length } = history.times;
  const size = Math.max(1, Math.min(largestBatch, Math.floor(length / fewestBatches)));
  const tally: Tally = { recorded: 0, duplicates: 0, tooLate: 0, rejected: 0, unavailable: 0 };
  for (let at = 0; at < length; at += size) {
    deadline.check();
    const batch = transactionsOf(history, at, Math.min(length, at + size));
    const { recordTransactions } = await api.ask<{ recordTransactions: Tally }>(mutation, {
      input: batch.map(asInput),
    });
    for (const fate of fates) tally[fate] += recordTransactions[fate];
    await onBatch(at + batch.length);
  }
  return tally;
}

function asInput({ occurredAt, ...rest }: Transaction) {
  return { ...rest, occurredAt: new Date(occurredAt).toISOString() };
}
