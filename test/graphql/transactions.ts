import type { TransactionInput } from '../../schema/operations/generated.ts';
import { freshId } from './service.ts';

/** A transaction of this deployment; ids are new unless they are given. */
export function payment(more: Partial<TransactionInput> = {}): TransactionInput {
  return {
    transactionId: freshId('txn'),
    userId: freshId('user'),
    merchantId: freshId('merchant'),
    amount: 12.5,
    ...more,
  };
}

/** One that happened five seconds ago, which it says. */
export function pastPayment(more: Partial<TransactionInput> = {}): TransactionInput {
  return payment({ occurredAt: new Date(Date.now() - 5_000).toISOString(), ...more });
}
