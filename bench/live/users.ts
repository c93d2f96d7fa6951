import { randomUUID } from 'node:crypto';
import type { MeasuredApi } from '../api-process.ts';

const record = `mutation ($input: [TransactionInput!]!) {
  recordTransactions(input: $input) { recorded }
}`;

/** Events of the bench are older than the shortest windows, and younger than all others for hours: time alone changes nothing. */
const ageMs = 90 * 60_000; // 90 minutes

/** Records one transaction of each of these users by one request. */
export async function pay(api: MeasuredApi, users: readonly string[]): Promise<void> {
  const occurredAt = new Date(Date.now() - ageMs).toISOString();
  const input = users.map((userId, i) => ({
    transactionId: randomUUID(),
    userId,
    merchantId: `merchant-${i}`,
    amount: 12.5,
    occurredAt,
  }));
  const { recordTransactions } = await api.endpoint.ask<{ recordTransactions: { recorded: number } }>(record, {
    input,
  });
  const { recorded } = recordTransactions;
  if (recorded !== users.length) throw new Error(`${recorded} of ${users.length} transactions were recorded`);
}
