import type { Milliseconds } from '../../src/define/index.ts';
import type { Random, Transaction } from '../../src/simulate/index.ts';
import { zipf } from './population.ts';
import { drawAmount, drawFraud } from './transaction.ts';

/** Whoever pays, and whom. */
export const payingUsers = 10_000;
export const paidMerchants = 1_000;

/** The busiest user makes one payment in a hundred, the busiest merchant takes one in ten. */
const users = zipf(payingUsers, 0.6);
const merchants = zipf(paidMerchants, 0.9);

/** Numbers of the users there are, as in their ids. */
export function userId(index: number): string {
  return `user_${String(index + 1).padStart(5, '0')}`;
}

export function merchantId(index: number): string {
  return `shop_${String(index + 1).padStart(4, '0')}`;
}

/** Draws who pays whom, and how much. */
export function drawPayment(random: Random): Omit<Transaction, 'transactionId' | 'occurredAt'> {
  return {
    userId: userId(users(random)),
    merchantId: merchantId(merchants(random)),
    amount: drawAmount(random),
    fraud: drawFraud(random),
  };
}

/** Draws payments at random moments of a stretch, in order of time. */
export function drawPast(random: Random, count: number, fromMs: Milliseconds, toMs: Milliseconds): Transaction[] {
  const moments = Float64Array.from({ length: count }, () => fromMs + Math.floor(random.uniform() * (toMs - fromMs)));
  return Array.from(moments.sort(), (occurredAt, number) => ({
    ...drawPayment(random),
    transactionId: `past-${number}`,
    occurredAt,
  }));
}
