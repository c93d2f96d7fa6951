import type { Milliseconds } from '../../define/index.ts';
import type { Random } from '../random.ts';
import type { Transaction } from '../transaction.ts';
import type { Endpoint } from './endpoint.ts';
import type { Recordable } from './record.ts';

/** How long it takes until it is known of most payments whether they were fraud: younger ones have no label. */
export const labelDelayMs: Milliseconds = 7 * 86_400_000;
/** Of the older frauds, whose label comes later still. */
const heldBackShare = 1 / 3;

/** The labels of a past: most are known, and those that are not yet come one by one. */
export class LateLabels {
  readonly #random: Random;
  /** Frauds that were recorded without their label, oldest first. */
  readonly #held: Transaction[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many frauds nobody knows of yet. */
  get held(): number {
    return this.#held.length;
  }

  /** A transaction as it is known at a moment: with its label, or without. To be called in order of time. */
  withLabelAt(nowMs: Milliseconds, transaction: Transaction): Recordable {
    const isYoung = !isOld(transaction, nowMs);
    const isHeld = transaction.fraud && (isYoung || this.#random.uniform() < heldBackShare);
    if (isHeld) this.#held.push(transaction);
    return isYoung || isHeld ? { ...transaction, fraud: null } : transaction;
  }

  /** Takes one of the frauds that are old enough to be known by now; null if there is none. */
  take(nowMs: Milliseconds): Transaction | null {
    const firstYoung = this.#held.findIndex((one) => !isOld(one, nowMs));
    const old = firstYoung < 0 ? this.#held.length : firstYoung;
    return old === 0 ? null : (this.#held.splice(this.#random.below(old), 1)[0] ?? null);
  }

  /** Holds one back again that was taken. */
  putBack(transaction: Transaction): void {
    this.#held.push(transaction);
    this.#held.sort((a, b) => a.occurredAt - b.occurredAt);
  }

  /** The merchants of those that are old enough to be known by now, those with most of them first. */
  merchants(nowMs: Milliseconds): string[] {
    const old = this.#held.filter((one) => isOld(one, nowMs));
    const byMerchant = Map.groupBy(old, ({ merchantId }) => merchantId);
    return [...byMerchant].sort(([, a], [, b]) => b.length - a.length).map(([merchantId]) => merchantId);
  }
}

function isOld({ occurredAt }: Transaction, nowMs: Milliseconds): boolean {
  return occurredAt <= nowMs - labelDelayMs;
}

const mutation = `mutation Label($input: LabelTransactionInput!) {
  labelTransaction(input: $input) { status reason }
}`;

/**
 * Labels a transaction that was recorded without a label, and returns the status that the API answers, such as `LABELLED`.
 * @throws EndpointError
 */
export async function label(endpoint: Endpoint, transaction: Transaction, signal?: AbortSignal): Promise<string> {
  const { transactionId, userId, merchantId, occurredAt, fraud } = transaction;
  const input = { transactionId, userId, merchantId, occurredAt: new Date(occurredAt).toISOString(), fraud };
  const { labelTransaction } = await endpoint.ask<{ labelTransaction: { status: string } }>(
    mutation,
    { input },
    signal,
  );
  return labelTransaction.status;
}
