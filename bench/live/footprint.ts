import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredApi } from '../api-process.ts';
import { mostSockets } from './crowd.ts';
import { pay } from './users.ts';
import { Watchers } from './watchers.ts';

/** Who watches whom. */
export interface Audience {
  readonly what: string;
  readonly subscriptions: number;
  /** How many entities each of them watches. */
  readonly each: number;
  /** How many entities are watched in all. */
  readonly entities: number;
}

export interface Footprint {
  /** Bytes of the heap and of what it holds outside, without the sockets. */
  readonly heapBytes: number;
  /** Bytes of the process; it gives back little of what it once took. */
  readonly residentBytes: number;
}

const mostPerBatch = 1_000;

/** What the API process takes for an audience, each of whose users has something stored. */
export async function footprintOf(api: MeasuredApi, audience: Audience): Promise<Footprint> {
  const { subscriptions, each, entities } = audience;
  const users = Array.from({ length: entities }, (_, i) => `user-${i}`);
  for (let at = 0; at < entities; at += mostPerBatch) await pay(api, users.slice(at, at + mostPerBatch));
  const lists = Array.from({ length: subscriptions }, (_, i) => pick(users, i * each, each));
  const watchers = await Watchers.open(api.endpoint.url, Math.min(subscriptions, mostSockets));
  try {
    const before = await settledMemory(api);
    await watchers.watch(lists);
    const after = await settledMemory(api);
    return {
      heapBytes: after.heapUsed + after.external - before.heapUsed - before.external,
      residentBytes: after.rss - before.rss,
    };
  } finally {
    watchers.close();
  }
}

const lookMs = 200;

/** What is used once it falls no more: what others left behind is gone by then. */
async function settledMemory(api: MeasuredApi): Promise<NodeJS.MemoryUsage> {
  for (let before = await api.memory(); ; ) {
    await sleep(lookMs);
    const now = await api.memory();
    if (now.heapUsed + now.external >= 0.999 * (before.heapUsed + before.external)) return now;
    before = now;
  }
}

/** So many of them from there on, and on from the first after the last. */
function pick(users: readonly string[], from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => users[(from + i) % users.length] as string);
}
