import type { Milliseconds } from '../../define/index.ts';
import type { TransactionStream } from '../stream.ts';
import type { LateLabels } from './late-labels.ts';
import { largestBatch, type Recordable } from './record.ts';
import type { Sender } from './sender.ts';

/**
 * Sends what a stream holds up to now as the past, as fast as it is taken, until the signal ends it.
 * @throws EndpointError that does not pass.
 */
export async function sendPast(
  stream: TransactionStream,
  nowMs: Milliseconds,
  labels: LateLabels,
  sender: Sender,
  signal?: AbortSignal,
): Promise<void> {
  let batch: Recordable[] = [];
  const send = async () => {
    await sender.room();
    sender.send(batch);
    batch = [];
  };
  for (const transaction of stream.upTo(nowMs)) {
    if (signal?.aborted) break;
    batch.push(labels.withLabelAt(nowMs, transaction));
    if (batch.length === largestBatch) await send();
  }
  if (batch.length > 0 && !signal?.aborted) await send();
  await sender.settled();
}
