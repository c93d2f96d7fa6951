import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredApi } from '../api-process.ts';
import { mostSockets } from './crowd.ts';
import { pay } from './users.ts';
import { Watchers } from './watchers.ts';

export interface LoadOptions {
  readonly watchers: number;
  readonly eventsPerSecond: number;
  readonly seconds: number;
}

export interface LoadFindings {
  readonly events: number;
  readonly messages: number;
  readonly seconds: number;
  /** Milliseconds from acknowledged to received, an event; less than 0: it was received before; Infinity: it never was. */
  readonly pushedMs: readonly number[];
}

/** An event, and when its watcher and its sender heard of it. */
interface Sent {
  acknowledgedAt: number;
  receivedAt: number;
}

const batchMs = 10;
const patienceMs = 5_000; // 5 seconds

/**
 * Each watcher watches a user of its own, at the default pace; events of these in turn are sent at a steady rate, whether or not
 * those before them are answered, as many in a request as make a hundred requests a second.
 */
export async function load(api: MeasuredApi, options: LoadOptions): Promise<LoadFindings> {
  const users = Array.from({ length: options.watchers }, (_, i) => `loaded-${i}`);
  const watchers = await Watchers.open(api.endpoint.url, Math.min(options.watchers, mostSockets));
  try {
    await watchers.watch(users.map((user) => [user]));
    const sent = new Map<string, Sent[]>(users.map((user) => [user, []]));
    const received = new Map<string, number>();
    let messages = 0;
    watchers.onMessage = (text) => {
      messages++;
      const now = performance.now();
      const { id, riskProfile } = JSON.parse(String(text)).payload.data.userRiskProfileUpdated[0].user;
      // What a user's count has come to says which events are in.
      const known = received.get(id) ?? 0;
      received.set(id, riskProfile.txnCount24h);
      for (const event of sent.get(id)?.slice(known, riskProfile.txnCount24h) ?? []) event.receivedAt = now;
    };
    const begunAt = performance.now();
    await sendSteadily(options, async (from, count) => {
      const batch = Array.from({ length: count }, (_, i) => users[(from + i) % users.length] as string);
      const events = batch.map((user) => {
        const event = { acknowledgedAt: Number.NaN, receivedAt: Number.POSITIVE_INFINITY };
        sent.get(user)?.push(event);
        return event;
      });
      await pay(api, batch);
      const now = performance.now();
      for (const event of events) event.acknowledgedAt = now;
    });
    const seconds = (performance.now() - begunAt) / 1_000;
    const all = [...sent.values()].flat();
    for (let waitedMs = 0; waitedMs < patienceMs && all.some(isMissing); waitedMs += batchMs) await sleep(batchMs);
    const pushedMs = all.map(({ acknowledgedAt, receivedAt }) => receivedAt - acknowledgedAt);
    return { events: all.length, messages, seconds, pushedMs };
  } finally {
    watchers.close();
  }
}

const isMissing = ({ receivedAt }: Sent) => receivedAt === Number.POSITIVE_INFINITY;

/** Sends what is due every few milliseconds, and resolves once all of it was acknowledged. */
async function sendSteadily(
  { eventsPerSecond, seconds }: LoadOptions,
  send: (from: number, count: number) => Promise<void>,
): Promise<void> {
  const all = eventsPerSecond * seconds;
  const sending: Promise<void>[] = [];
  const begunAt = performance.now();
  for (let sent = 0; sent < all; ) {
    const due = Math.min(all, Math.ceil(((performance.now() - begunAt) / 1_000) * eventsPerSecond));
    // Where a timer was late, what it missed goes out in requests of the usual size.
    for (const size = Math.ceil((eventsPerSecond * batchMs) / 1_000); sent < due; sent += size) {
      sending.push(send(sent, Math.min(size, all - sent)));
    }
    await sleep(batchMs);
  }
  await Promise.all(sending);
}
