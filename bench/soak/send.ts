import { addTo, type Endpoint, emptyTally, largestBatch, record, type Tally } from '../../src/simulate/index.ts';
import type { Deadline } from '../deadline.ts';
import { type History, transactionsOf } from '../simulate/history.ts';

/** Even few events go in as many batches, so that there are moments between them to look at. */
const fewestBatches = 40;

/**
 * Sends a history over HTTP in order of time, batch by batch. One is under way at a time: a month goes by in minutes, so that
 * two at once would come in hours out of order, which those of a live merchant do not.
 * @param onBatch told after each batch how many events have been answered; the next batch waits for it.
 * @throws OutOfTimeError
 */
export async function send(
  endpoint: Endpoint,
  history: History,
  deadline: Deadline,
  onBatch: (answered: number) => Promise<void>,
): Promise<Tally> {
  const { length } = history.times;
  const size = Math.max(1, Math.min(largestBatch, Math.floor(length / fewestBatches)));
  const tally = emptyTally();
  for (let at = 0; at < length; at += size) {
    deadline.check();
    const batch = transactionsOf(history, at, Math.min(length, at + size));
    addTo(tally, await record(endpoint, batch));
    await onBatch(at + batch.length);
  }
  return tally;
}
