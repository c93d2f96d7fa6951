import type { Redis } from 'iovalkey';
import { riskProfile } from '../../schema/user.ts';
import type { Milliseconds } from '../../src/define/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { Random, type Transaction } from '../../src/simulate/index.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import { features, type Profile } from '../peers/features.ts';
import { type Population, populations } from '../simulate/population.ts';
import { drawAmount, drawFraud } from '../simulate/transaction.ts';
import { event } from '../subject.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Nothing that is drawn crosses an edge of a window for so long: all values are what they are until then. */
export const constantMs: Milliseconds = 40 * minuteMs;

/** Ages between two edges of windows, with room to the next edge, and how often each is drawn. */
const stretches = [
  { share: 0.15, from: 6 * minuteMs, to: hourMs - constantMs },
  { share: 0.35, from: hourMs + minuteMs, to: dayMs - constantMs },
  { share: 0.3, from: dayMs + minuteMs, to: 7 * dayMs - constantMs },
  { share: 0.2, from: 7 * dayMs + minuteMs, to: 30 * dayMs - constantMs },
];
/** Of users whom nobody has seen for a day: some of their features are null. */
const idleShare = 0.1;
const mostEvents = 40;

/** A user, what happened to them in order of time, and what their profile must say of it. */
export interface SeededUser {
  readonly id: string;
  readonly transactions: readonly Transaction[];
  readonly profile: Required<Profile>;
}

/** Draws users whose profiles do not change for a while from `now` on. */
export function drawUsers(seed: number, count: number, now: Milliseconds): SeededUser[] {
  const random = new Random(seed);
  const merchants = populations.Zipf as Population;
  return Array.from({ length: count }, (_, i) => {
    const id = `user_${String(i + 1).padStart(5, '0')}`;
    const least = random.uniform() < idleShare ? dayMs : 0;
    const moments = Array.from({ length: 1 + random.below(mostEvents) }, () => now - drawAge(random, least)).sort(
      (a, b) => a - b,
    );
    const transactions = moments.map((occurredAt, number) => ({
      transactionId: `${id}-${number}`,
      userId: id,
      merchantId: `shop_${merchants(random)}`,
      amount: drawAmount(random),
      occurredAt,
      fraud: drawFraud(random),
    }));
    return { id, transactions, profile: profileOf(transactions, now) };
  });
}

function drawAge(random: Random, least: Milliseconds): Milliseconds {
  for (;;) {
    let draw = random.uniform();
    const stretch = stretches.find(({ share }) => {
      draw -= share;
      return draw < 0;
    });
    if (stretch && stretch.from >= least) {
      return Math.floor(stretch.from + random.uniform() * (stretch.to - stretch.from));
    }
  }
}

/** Records it all, one user after the other, so that a batch has many events of few. */
export async function seed(valkey: Redis, keyPrefix: string, users: readonly SeededUser[]): Promise<void> {
  const engine = await Engine.open({
    servers: new SingleServer(valkey),
    views: [riskProfile],
    keyPrefix,
    clock: 'wall',
  });
  const transactions = users.flatMap((user) => user.transactions);
  for (let at = 0; at < transactions.length; at += 1_000) {
    const outcomes = await engine.record(event, transactions.slice(at, at + 1_000));
    const refused = outcomes.find(({ status }) => status !== 'RECORDED');
    if (refused) throw new Error(`an event was not recorded: ${refused.status}, ${refused.reason}`);
  }
}

/** What the view says, worked out plainly. */
function profileOf(transactions: readonly Transaction[], now: Milliseconds): Required<Profile> {
  const within = (lengthMs: Milliseconds) => transactions.filter(({ occurredAt }) => occurredAt > now - lengthMs);
  const [day, week, month] = [dayMs, 7 * dayMs, 30 * dayMs].map(within) as [
    Transaction[],
    Transaction[],
    Transaction[],
  ];
  const [lastMinute, lastMinutes, hour] = [minuteMs, 5 * minuteMs, hourMs].map(within) as [
    Transaction[],
    Transaction[],
    Transaction[],
  ];
  const last = month.at(-1);
  const mean = avg(month);
  return {
    txnCount1m: lastMinute.length,
    txnCount5m: lastMinutes.length,
    txnCount1h: hour.length,
    txnCount24h: day.length,
    txnCount7d: week.length,
    txnCount30d: month.length,
    txnAmount1h: sum(hour),
    txnAmount24h: sum(day),
    // It goes by arrival, and they all arrived just now.
    avgTxnAmount: avg(transactions),
    avgTxnAmount24h: avg(day),
    avgTxnAmount7d: avg(week),
    avgTxnAmount30d: mean,
    stddevTxnAmount30d:
      mean === null ? null : Math.sqrt(month.reduce((all, { amount }) => all + (amount - mean) ** 2, 0) / month.length),
    minTxnAmount24h: day.length > 0 ? Math.min(...day.map(({ amount }) => amount)) : null,
    maxTxnAmount24h: day.length > 0 ? Math.max(...day.map(({ amount }) => amount)) : null,
    uniqueMerchants1h: distinct(hour),
    uniqueMerchants24h: distinct(day),
    uniqueMerchants30d: distinct(month),
    lastTxnAmount: last?.amount ?? null,
    lastTxnAt: last ? new Date(last.occurredAt).toISOString() : null,
  };
}

function sum(transactions: readonly Transaction[]): number {
  return transactions.reduce((all, { amount }) => all + amount, 0);
}

function avg(transactions: readonly Transaction[]): number | null {
  return transactions.length > 0 ? sum(transactions) / transactions.length : null;
}

function distinct(transactions: readonly Transaction[]): number {
  return new Set(transactions.map(({ merchantId }) => merchantId)).size;
}

/** Of doubles that were added up in another order. */
const tolerance = 1e-9;

/** Why a profile that was served is not the user's, or null if it is; it must have these features and no others. */
export function wrongness(served: unknown, { id, profile }: SeededUser, names: readonly string[]): string | null {
  if (typeof served !== 'object' || served === null) return `${id} has no profile`;
  const shown = served as Profile;
  const found = Object.keys(shown);
  if (found.join() !== names.join()) return `${id} has ${found.join(', ')}`;
  for (const [name] of features) {
    if (!names.includes(name)) continue;
    const [is, must] = [shown[name], profile[name]];
    const equal =
      typeof is === 'number' && typeof must === 'number'
        ? Math.abs(is - must) <= tolerance * Math.max(1, Math.abs(must))
        : is === must;
    if (!equal) return `${id}: ${name} is ${is}, not ${must}`;
  }
  return null;
}
