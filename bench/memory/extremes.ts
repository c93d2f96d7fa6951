import type { Redis } from 'iovalkey';
import type { Transaction } from '../../src/simulate/index.ts';

const atOnce = 1_000;

/** The fifth plain pattern, which only the layout has: amounts in a sorted set by value, whose ends are the extremes. */
export async function loadExtremes(
  valkey: Redis,
  prefix: string,
  id: string,
  transactions: readonly Transaction[],
): Promise<void> {
  for (let at = 0; at < transactions.length; at += atOnce) {
    const members = transactions.slice(at, at + atOnce).flatMap(({ amount }) => [amount, crypto.randomUUID()]);
    await valkey.zadd(`${prefix}:agg:txn_amounts:${id}`, ...members);
  }
}
