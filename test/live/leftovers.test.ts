import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { type HubRig, newPayer, openHub, pay, take } from './hub-rig.ts';
import { payments } from './payments.ts';

let one: HubRig;

beforeAll(async () => {
  one = await openHub(`leftovers-${randomUUID()}`, { sweepMs: 1_000 });
});

afterAll(() => one?.close());

/** Timers that are set, those too that keep no process alive: Node does not tell of these. */
const timers = new Set<NodeJS.Timeout>();
const { setTimeout: set, clearTimeout: clear } = globalThis;

beforeEach(() => {
  const counting = (act: () => void, ms?: number) => {
    const timer = set(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(counting, set) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer as NodeJS.Timeout);
    clear(timer);
  };
});

afterEach(() => {
  globalThis.setTimeout = set;
  globalThis.clearTimeout = clear;
});

it('leaves no channel, and no timer that is set, when the last watcher goes', async () => {
  const payer = newPayer();
  await pay(one, payer, 3_600_000 - 60_000);
  const watches = [0, 500, 1_000].map((minIntervalMs) =>
    one.hub.watch(payments, [payer, newPayer()], { minIntervalMs }),
  );
  await Promise.all(watches.map(take));
  for (let n = 0; n < 3; n++) await pay(one, payer);
  await take(watches[0] as (typeof watches)[number]);
  // Of the decay, of the sweep, and of those that have a pace.
  await until(() => timers.size >= 3);
  await Promise.all(watches.map((watch) => watch.return?.()));
  expect(one.hub.load).toEqual({ entities: 0, subscriptions: 0 });
  await until(
    async () => ((await one.valkey.pubsub('CHANNELS', `*${one.engine.keys.prefix}:v1:*`)) as string[]).length === 0,
  );
  await until(() => timers.size === 0);
});
