import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { UpdateCause } from '../../src/live/index.ts';
import { patienceMs, thoroughness } from '../support/property.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { type HubRig, newPayer, openHub } from './hub-rig.ts';
import { payment, payments } from './payments.ts';

const loadMs = thoroughness > 1 ? 600_000 : 5_000; // in a long run, ten minutes
const paymentsABatch = 20;
const batchesASecond = 25;
/** How long ago payments were made: some of them leave their windows while we look. */
const agoMs = 3_600_000;

let server: ThrowawayValkey;
let one: HubRig;
let other: HubRig;

beforeEach(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
  // It looks for what was not heard of far more often than it would, and must find nothing.
  one = await openHub('faultless', { sweepMs: 25 }, server.url);
  other = await openHub('faultless', { sweepMs: 25 }, server.url);
});

afterEach(async () => {
  for (const rig of [one, other]) rig?.close();
  await server?.destroy();
});

it(
  'nobody is told that changes may have gone unheard while nothing goes wrong, however many there are',
  async () => {
    const payers = Array.from({ length: 500 }, newPayer);
    const causes = new Map<UpdateCause, number>();
    const watches = [one, other].flatMap(({ hub }) => [
      hub.watch(payments, payers),
      hub.watch(payments, payers.slice(0, 100), { minIntervalMs: 50 }),
    ]);
    const following = watches.map(async (watch) => {
      for await (const updates of watch) {
        for (const { cause } of updates) causes.set(cause, (causes.get(cause) ?? 0) + 1);
      }
    });
    const begun = performance.now();
    for (let batch = 0; performance.now() - begun < loadMs; batch++) {
      await (batch % 2 ? one : other).engine.record(
        payment,
        Array.from({ length: paymentsABatch }, (_, i) => ({
          paymentId: randomUUID(),
          payer: payers[(batch * paymentsABatch + i) % payers.length] as string,
          amount: 1,
          at: batch % 4 > 0 ? null : Date.now() - agoMs + 1_000 + 100 * (batch % 20),
        })),
      );
      const nextAt = begun + (batch * 1_000) / batchesASecond;
      await sleep(Math.max(0, nextAt - performance.now()));
    }
    await Promise.all(watches.map((watch) => watch.return?.()));
    await Promise.all(following);
    expect(causes.get('EVENT')).toBeGreaterThan(100);
    expect(causes.get('DECAY')).toBeGreaterThan(10);
    expect(causes.get('RESYNC') ?? 0).toBe(0);
  },
  loadMs + patienceMs,
);
