import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { calls, type HubRig, newPayer, openHub, pay, shown, take } from './hub-rig.ts';
import { payments } from './payments.ts';

const hourMs = 3_600_000;
/** Time to record and to watch a payment that is about to leave, also where much else goes on. */
const roomMs = 2_000;
const open: HubRig[] = [];

async function rig(keyPrefix = `decay-${randomUUID()}`, valkeyUrl?: string): Promise<HubRig> {
  const opened = await openHub(keyPrefix, { sweepMs: null }, valkeyUrl);
  open.push(opened);
  return opened;
}

afterEach(() => {
  for (const { close } of open.splice(0)) close();
});

describe('a payment that leaves its window while nothing else happens', () => {
  it('is told as DECAY, when it does, and the served hash has it', async () => {
    const one = await rig();
    const payer = newPayer();
    await pay(one, payer, hourMs - roomMs);
    const watch = one.hub.watch(payments, [payer]);
    const [snapshot] = await take(watch);
    expect(snapshot?.vector.values[0]).toBe(1);
    const dueAt = snapshot?.vector.validUntil ?? 0;
    const updates = await take(watch);
    expect(shown(updates)).toEqual([`DECAY ${payer} 0 0`]);
    expect(updates[0]?.vector.asOf).toBeGreaterThanOrEqual(dueAt);
    expect(await one.valkey.hget(one.engine.keys.hash(payments, payer), 'count_1h')).toBe('0');
  });

  it('costs a call or two, however many others are watched', async () => {
    const server = await ThrowawayValkey.create();
    onTestFinished(() => server.destroy());
    await server.start();
    const one = await rig('decay', server.url);
    const [payer, ...others] = Array.from({ length: 500 }, newPayer) as [string, ...string[]];
    await Promise.all(others.map((other) => pay(one, other)));
    await pay(one, payer, hourMs - 2 * roomMs);
    const watch = one.hub.watch(payments, [payer, ...others]);
    await take(watch);
    const before = await calls(one.valkey);
    expect(shown(await take(watch))).toEqual([`DECAY ${payer} 0 0`]);
    // The one that finds it changed, and perhaps already one that its own notification asked for.
    expect((await calls(one.valkey)) - before).toBeLessThanOrEqual(2);
  });

  it('is told in the order in which payments leave, each step by itself', async () => {
    const one = await rig();
    const payer = newPayer();
    for (const steps of [2, 1, 0]) await pay(one, payer, hourMs - roomMs - 300 * steps);
    const watch = one.hub.watch(payments, [payer]);
    expect(shown(await take(watch))).toEqual([`SNAPSHOT ${payer} 3 3`]);
    for (const left of [2, 1, 0]) expect(shown(await take(watch))).toEqual([`DECAY ${payer} ${left} ${left}`]);
  });

  it('is one change, though two processes watch', async () => {
    const prefix = `decay-${randomUUID()}`;
    const both = [await rig(prefix), await rig(prefix)] as const;
    const payer = newPayer();
    await pay(both[0], payer, hourMs - roomMs);
    const watches = both.map(({ hub }) => hub.watch(payments, [payer]));
    await Promise.all(watches.map(take));
    const [a, b] = await Promise.all(watches.map(take));
    expect(shown(a ?? [])).toEqual([`DECAY ${payer} 0 0`]);
    expect(b).toEqual(a);
    await pay(both[1], payer);
    for (const watch of watches) expect(shown(await take(watch))).toEqual([`EVENT ${payer} 1 1`]);
  });

  it('is not waited for once nobody watches', async () => {
    const one = await rig();
    const payer = newPayer();
    await pay(one, payer, hourMs - roomMs);
    const watch = one.hub.watch(payments, [payer]);
    const [snapshot] = await take(watch);
    await watch.return?.();
    await until(() => (one.events.storeNow() ?? 0) > (snapshot?.vector.validUntil ?? 0) + 100);
    expect(await one.valkey.hget(one.engine.keys.hash(payments, payer), 'count_1h')).toBe('1');
  });
});
