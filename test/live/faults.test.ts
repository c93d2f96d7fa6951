import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import type { UpdateCause } from '../../src/live/index.ts';
import { patienceMs, thoroughness } from '../support/property.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { type HubRig, newPayer, openHub } from './hub-rig.ts';
import { payment, payments } from './payments.ts';

const paymentsASecond = 500;
const workers = 10;
/** Of random faults, one about every half second; in a long run, half a minute. */
const stormMs = Math.min(5_000 * thoroughness, 30_000);

let server: ThrowawayValkey;
let one: HubRig;

afterEach(async () => {
  one?.close();
  await server?.destroy();
});

async function start(): Promise<void> {
  server = await ThrowawayValkey.create();
  await server.start();
  one = await openHub('faults', { sweepMs: 1_000 }, server.url);
}

/** What a watcher was given last, by payer; it fails if a revision goes back. */
class Follower {
  readonly last = new Map<string, number>();
  readonly causes: UpdateCause[] = [];
  readonly #watch: ReturnType<HubRig['hub']['watch']>;
  readonly done: Promise<void>;

  constructor(payers: readonly string[]) {
    this.#watch = one.hub.watch(payments, payers);
    this.done = this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const updates of this.#watch) {
      for (const { cause, vector } of updates) {
        expect(vector.revision).toBeGreaterThan(this.last.get(vector.id) ?? Number.NEGATIVE_INFINITY);
        this.last.set(vector.id, vector.revision);
        this.causes.push(cause);
      }
    }
  }

  async end(): Promise<void> {
    await this.#watch.return?.();
    await this.done;
  }
}

/** Records payments here and elsewhere until told to stop, each until it is in. Resolves with how many. */
async function record(payers: readonly string[], stop: AbortSignal): Promise<number> {
  let count = 0;
  const work = async (engine: Engine) => {
    while (!stop.aborted) {
      const payer = payers[Math.floor(Math.random() * payers.length)] as string;
      const input = { paymentId: randomUUID(), payer, amount: 1, at: null };
      let status = 'UNAVAILABLE';
      while (status === 'UNAVAILABLE' && !stop.aborted) {
        const [outcome] = await engine.record(payment, [input]);
        status = outcome?.status ?? status;
      }
      count += 1;
      await sleep((1_000 * workers) / paymentsASecond);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, i) => work(i % 2 ? one.engine : one.elsewhere)));
  return count;
}

/** Waits until what every follower was given last is what the store holds. */
async function settled(followers: readonly Follower[], payers: readonly string[]): Promise<void> {
  await until(async () => {
    try {
      const stored = await one.engine.read(payments, payers);
      return stored.every(({ id, revision, eventSeq }) =>
        followers.every(({ last }) => !last.has(id) || eventSeq === 0 || last.get(id) === revision),
      );
    } catch {
      return false; // it is not back yet
    }
  }, 20_000);
}

/** Those after which changes may have gone unheard. */
const gaps: ReadonlySet<string> = new Set(['killed subscriptions', 'a crash and a restart']);

const faults: { readonly [name: string]: () => Promise<void> } = {
  'killed subscriptions': async () => {
    await one.valkey.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => {});
  },
  'a pause': async () => {
    await one.valkey.call('CLIENT', 'PAUSE', '200', 'ALL').catch(() => {});
  },
  'lost commands': async () => one.valkey.disconnect(true),
  'a crash and a restart': async () => {
    await server.crash();
    await server.start();
  },
};

describe('watchers while payments come in', () => {
  it.each(Object.keys(faults))('end on what the store holds after %s', async (name) => {
    await start();
    const payers = Array.from({ length: 20 }, newPayer);
    const followers = [payers, payers.slice(0, 10), payers.slice(5)].map((some) => new Follower(some));
    await until(() => followers.every(({ last }) => last.size >= 10));
    const stop = new AbortController();
    const recording = record(payers, stop.signal);
    await until(() => followers.every(({ causes }) => causes.filter((cause) => cause === 'EVENT').length > 50));
    expect(followers.flatMap(({ causes }) => causes)).not.toContain('RESYNC');
    await faults[name]?.();
    const before = followers.map(({ causes }) => causes.length);
    await until(() => followers.every(({ causes }, i) => causes.length > (before[i] as number) + 50), 20_000);
    stop.abort();
    expect(await recording).toBeGreaterThan(0);
    await settled(followers, payers);
    for (const { causes } of followers) expect(causes.includes('RESYNC')).toBe(gaps.has(name));
    await Promise.all(followers.map((follower) => follower.end()));
  });

  it(
    'end on what the store holds after many faults in whatever order',
    async () => {
      await start();
      const payers = Array.from({ length: 40 }, newPayer);
      const followers = Array.from(
        { length: 10 },
        (_, i) => new Follower(payers.filter((_payer, p) => (p + i) % 4 > 0)),
      );
      await until(() => followers.every(({ last }) => last.size > 0));
      const stop = new AbortController();
      const recording = record(payers, stop.signal);
      const names = Object.keys(faults);
      const ends = performance.now() + stormMs;
      while (performance.now() < ends) {
        await faults[names[Math.floor(Math.random() * names.length)] as string]?.();
        await sleep(Math.random() * 1_000);
      }
      stop.abort();
      await recording;
      await settled(followers, payers);
      expect(followers.flatMap(({ causes }) => causes)).toContain('RESYNC');
      await Promise.all(followers.map((follower) => follower.end()));
    },
    patienceMs,
  );
});
