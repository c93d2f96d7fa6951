import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { type HubRig, newPayer, openHub, pay, take } from './hub-rig.ts';
import { payments } from './payments.ts';

const subscriptions = 20;
const each = 1_000;
/** The hub proves to itself so often that notifications arrive, which is all that it does by itself. */
const heartbeatMs = 200;
const beats = 10;

let server: ThrowawayValkey;
let one: HubRig;

beforeEach(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
  one = await openHub('quiet', { heartbeatMs }, server.url);
});

afterEach(async () => {
  one?.close();
  await server?.destroy();
});

/** How often each command was called since the server started, as Valkey names it: `hset`, `client|setname`. */
async function calls(): Promise<Map<string, number>> {
  const stats = await one.valkey.info('commandstats');
  return new Map(
    [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]) => [name as string, Number(count)]),
  );
}

/** What is called in the course of a heartbeat, by the mean of some, but for our own questions. */
async function callsOfABeat(): Promise<Map<string, number>> {
  const endOfBeat = (beat: number) =>
    until(async () => {
      const now = await calls();
      return (now.get('pexpire') ?? 0) >= beat && now;
    });
  const before = await endOfBeat(((await calls()).get('pexpire') ?? 0) + 1);
  const begun = before.get('pexpire') as number;
  const after = await endOfBeat(begun + beats);
  const passed = (after.get('pexpire') as number) - begun;
  const made = new Map<string, number>();
  for (const [name, count] of after) {
    const more = count - (before.get(name) ?? 0);
    if (more > 0 && name !== 'info') made.set(name, more / passed);
  }
  // How often it is asked whether the canary is past its time goes by how soon that is noticed.
  made.delete('exists');
  return made;
}

describe('who watches what does not change', () => {
  it('costs Valkey nothing, however many entities they watch: nothing polls', async () => {
    // Of a few something is stored, and will hold for most of an hour.
    const payers = Array.from({ length: subscriptions * each }, newPayer);
    for (const payer of payers.slice(0, 20)) await pay(one, payer);
    const few = one.hub.watch(payments, payers.slice(0, 1));
    await take(few);
    const ofOne = await callsOfABeat();

    const watches = Array.from({ length: subscriptions }, (_, i) =>
      one.hub.watch(payments, payers.slice(i * each, (i + 1) * each)),
    );
    for (const snapshot of await Promise.all(watches.map(take))) expect(snapshot).toHaveLength(each);
    expect(one.hub.load).toEqual({ entities: subscriptions * each, subscriptions: subscriptions + 1 });
    const ofAll = await callsOfABeat();
    expect(ofAll).toEqual(ofOne);
    expect(Object.fromEntries(ofAll)).toEqual({ hset: 2, del: 1, pexpire: 1, time: 1, multi: 1, exec: 1 });
  });
});
