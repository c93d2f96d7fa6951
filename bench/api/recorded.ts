import type { Redis } from 'iovalkey';
import { activity } from '../../schema/merchant.ts';
import { riskProfile } from '../../schema/user.ts';
import type { View } from '../../src/define/index.ts';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import { merchantId, paidMerchants, payingUsers, userId } from '../simulate/payments.ts';
import { userSubject } from './past.ts';

const users = Array.from({ length: payingUsers }, (_, i) => userId(i));
const merchants = Array.from({ length: paidMerchants }, (_, i) => merchantId(i));

/** What kind of store a contender keeps. */
export type Kind = 'user' | 'both' | 'plain';

/**
 * Counts what is stored of all entities, by each of the counters that a store keeps of its own.
 * @throws Error where one of them has not just `events`: some were lost or doubled.
 */
export async function checkRecorded(
  valkey: Redis,
  name: string,
  kind: Kind,
  keyPrefix: string,
  events: number,
): Promise<void> {
  const counts = kind === 'plain' ? await plainCounts(valkey, keyPrefix) : await ownCounts(valkey, keyPrefix, kind);
  for (const [counter, found] of Object.entries(counts)) {
    if (found !== events) throw new Error(`${name}: ${events} events were acknowledged, and ${counter} says ${found}`);
  }
}

async function ownCounts(valkey: Redis, keyPrefix: string, kind: Kind): Promise<{ [counter: string]: number }> {
  const count = (view: View, ids: readonly string[], field: string) =>
    sumOf(valkey, ids, (id) => ['hget', `${keyPrefix}:v${view.version}:${view.name}:{${id}}`, field]);
  return {
    '_event_seq of users': await count(riskProfile, users, '_event_seq'),
    'txn_count_30d of users': await count(riskProfile, users, 'txn_count_30d'),
    ...(kind === 'both' ? { '_event_seq of merchants': await count(activity, merchants, '_event_seq') } : {}),
  };
}

async function plainCounts(valkey: Redis, keyPrefix: string): Promise<{ [counter: string]: number }> {
  const patterns = new PlainPatterns(valkey, keyPrefix, userSubject);
  return {
    'the totals': await sumOf(valkey, users, (id) => ['get', patterns.keys(id).total]),
    'the sorted sets': await sumOf(valkey, users, (id) => ['zcard', patterns.keys(id).events]),
  };
}

async function sumOf(
  valkey: Redis,
  ids: readonly string[],
  command: (id: string) => readonly string[],
): Promise<number> {
  const replies = (await valkey.pipeline(ids.map((id) => [...command(id)])).exec()) ?? [];
  return replies.reduce((sum, [error, reply]) => {
    if (error) throw error;
    return sum + Number(reply ?? 0);
  }, 0);
}
