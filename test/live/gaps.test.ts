import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { SwallowingProxy } from '../support/swallowing-proxy.ts';
import { until } from '../support/until.ts';
import {
  channelOf,
  type HubRig,
  holdRead,
  holdSettling,
  newPayer,
  openHub,
  pay,
  shown,
  take,
  watchUnheard,
} from './hub-rig.ts';
import { payments } from './payments.ts';

const open: HubRig[] = [];

async function rig(sweepMs: number | null, valkeyUrl?: string): Promise<HubRig> {
  const opened = await openHub(`gaps-${randomUUID()}`, { sweepMs }, valkeyUrl);
  open.push(opened);
  return opened;
}

afterEach(() => {
  for (const { close } of open.splice(0)) close();
});

/** No change of this payer is heard any more, and nobody is told so. */
async function deafen(one: HubRig, payer: string): Promise<void> {
  await one.subscriber.unsubscribe(channelOf(one, payer));
}

describe('a sweep', () => {
  it('finds what a notification that was lost in silence told of, and says that there was a gap', async () => {
    await using proxy = await SwallowingProxy.before(inject('valkeyUrl'));
    const one = await rig(50, proxy.url);
    const [lost, quiet] = [newPayer(), newPayer()];
    const watch = one.hub.watch(payments, [lost, quiet]);
    await take(watch);
    proxy.silence(channelOf(one, lost));
    await pay(one, lost);
    expect(shown(await take(watch))).toEqual([`RESYNC ${lost} 1 1`]);
    await pay(one, lost);
    expect(shown(await take(watch))).toEqual([`RESYNC ${lost} 2 2`]);
    expect(proxy.swallowed).toBeGreaterThanOrEqual(2);
    await pay(one, quiet);
    expect(shown(await take(watch))).toEqual([`EVENT ${quiet} 1 1`]);
    one.close();
  });

  it('says of nothing that is heard that there was a gap, however often it looks', async () => {
    const one = await rig(1);
    const payers = Array.from({ length: 10 }, newPayer);
    const watch = one.hub.watch(payments, payers);
    await take(watch);
    const causes = new Set<string>();
    const seen = new Map<string, number>();
    const listening = (async () => {
      for await (const updates of watch) {
        for (const { cause, vector } of updates) {
          causes.add(cause);
          seen.set(vector.id, vector.values[0] ?? 0);
        }
      }
    })();
    for (let n = 1; n <= 60; n++) await Promise.all(payers.map((payer) => pay(one, payer)));
    await until(() => payers.every((payer) => seen.get(payer) === 60));
    expect([...causes]).toEqual(['EVENT']);
    await watch.return?.();
    await listening;
  });

  it('rests while nobody watches, and begins anew with who comes', async () => {
    const one = await rig(20);
    const [first, second] = [newPayer(), newPayer()];
    const early = one.hub.watch(payments, [first]);
    await take(early);
    await early.return?.();
    const late = one.hub.watch(payments, [second]);
    await take(late);
    await deafen(one, second);
    await pay(one, second);
    expect(shown(await take(late))).toEqual([`RESYNC ${second} 1 1`]);
  });
});

describe('writes that the store lost', () => {
  it('are taken back under a revision that comes after those that were served', async () => {
    const one = await rig(null);
    const payer = newPayer();
    await pay(one, payer);
    const lose = await losing(one, payer);
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    await pay(one, payer);
    const [served] = await take(watch);
    one.subscriber.disconnect(true);
    await lose();
    const updates = await take(watch);
    expect(shown(updates)).toEqual([`RESYNC ${payer} 1 1`]);
    expect(updates[0]?.vector.revision).toBeGreaterThan(served?.vector.revision ?? Number.NaN);
    const stored = await one.engine.read(payments, [payer]);
    expect(stored[0]?.revision).toBe(updates[0]?.vector.revision);
    expect(await one.valkey.hget(one.engine.keys.hash(payments, payer), '_revision')).toBe(String(stored[0]?.revision));
    await pay(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
  });
});

/** Loses what is written from now on, when it is called: as a failover to a replica that had not heard of it does. */
async function losing({ valkey, engine }: HubRig, payer: string, only?: 'log'): Promise<() => Promise<void>> {
  const names = [engine.keys.log(payments, payer), ...(only ? [] : [engine.keys.hash(payments, payer)])];
  const kept = await Promise.all(names.map((key) => valkey.dumpBuffer(key)));
  return async () => {
    for (const [i, key] of names.entries()) await valkey.restore(key, 0, kept[i] as Buffer, 'REPLACE');
  };
}

describe('a gap that another read comes to first', () => {
  it('is lifted above what was served all the same, where the store lost writes', async () => {
    const one = await rig(200);
    const payer = newPayer();
    await pay(one, payer);
    const lose = await losing(one, payer);
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    await pay(one, payer);
    await take(watch);
    one.subscriber.disconnect(true);
    await lose();
    // Who joins now is served before the lost connection is back.
    expect(shown(await take(one.hub.watch(payments, [payer])))).toEqual([`SNAPSHOT ${payer} 1 1`]);
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 1 1`]);
  });

  it('is announced, though events came in it', async () => {
    const one = await rig(null);
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    one.subscriber.disconnect(true);
    await until(() => one.events.problem);
    await pay(one, payer);
    await take(one.hub.watch(payments, [payer]));
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 1 1`]);
  });

  it('is announced, where somebody new has read what a notification that was lost told of', async () => {
    await using proxy = await SwallowingProxy.before(inject('valkeyUrl'));
    const one = await rig(null, proxy.url);
    const { payer, watch: early } = await watchUnheard(one, proxy);
    for (let i = 0; i < 2; i++) await pay(one, payer);
    await until(() => proxy.swallowed >= 2);
    expect(shown(await take(one.hub.watch(payments, [payer])))).toEqual([`SNAPSHOT ${payer} 2 2`]);
    expect(shown(await take(early))).toEqual([`RESYNC ${payer} 2 2`]);
    one.close();
  });

  it('is announced, though others come to it before it is known to be one', async () => {
    await using proxy = await SwallowingProxy.before(inject('valkeyUrl'));
    const one = await rig(null, proxy.url);
    const { payer, watch: early } = await watchUnheard(one, proxy);
    const settling = holdSettling(one);
    await pay(one, payer);
    for (let i = 0; i < 2; i++) {
      expect(shown(await take(one.hub.watch(payments, [payer])))).toEqual([`SNAPSHOT ${payer} 1 1`]);
    }
    settling.release();
    expect(shown(await take(early))).toEqual([`RESYNC ${payer} 1 1`]);
    one.close();
  });

  it.each(['is back', 'is not back'])(
    'is announced by one that began before, where the connection %s',
    async (state) => {
      const one = await rig(null);
      const payer = newPayer();
      const watch = one.hub.watch(payments, [payer]);
      await take(watch);
      const read = holdRead(one, 'before it begins');
      await pay(one, payer);
      await read.held;
      one.subscriber.disconnect(state === 'is back');
      await until(() => one.events.problem);
      await pay(one, payer);
      if (state === 'is back') await until(() => !one.events.problem);
      read.release();
      expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 2 2`]);
    },
  );

  it('is none, where what was to be heard is only on its way', async () => {
    const one = await rig(null);
    const payer = newPayer();
    const early = one.hub.watch(payments, [payer]);
    await take(early);
    let seen = 0;
    for (let count = 1; count <= 30; count++) {
      // The one who joins is read for while the notification comes.
      const [, [snapshot]] = await Promise.all([pay(one, payer), take(one.hub.watch(payments, [payer]))]);
      expect(snapshot?.cause).toBe('SNAPSHOT');
      while (seen < count) {
        const [update] = await take(early);
        expect(update?.cause).toBe('EVENT');
        seen = update?.vector.values[0] ?? 0;
      }
    }
  });

  it('is announced, where the sweep finds that the store lost writes', async () => {
    const one = await rig(100);
    const payer = newPayer();
    await pay(one, payer);
    const lose = await losing(one, payer, 'log');
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    await pay(one, payer);
    await take(watch);
    await lose();
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 1 1`]);
  });
});

describe('a watcher that comes back', () => {
  it('gets no snapshot of what it has, and at once of what it has not', async () => {
    const one = await rig(null);
    const [same, moved, unknown] = [newPayer(), newPayer(), newPayer()];
    for (const payer of [same, moved]) await pay(one, payer);
    const before = await one.engine.read(payments, [same, moved]);
    const since = new Map(before.map(({ id, revision }) => [id, revision]));
    await pay(one, moved);
    const watch = one.hub.watch(payments, [same, moved, unknown], { since });
    expect(shown((await watch.begin()) ?? [])).toEqual([`SNAPSHOT ${moved} 2 2`, `SNAPSHOT ${unknown} 0 0`]);
    await pay(one, same);
    expect(shown(await take(watch))).toEqual([`EVENT ${same} 2 2`]);
  });

  it('gets nothing at all, if it has everything, until something changes', async () => {
    const one = await rig(null);
    const payer = newPayer();
    await pay(one, payer);
    const [{ revision } = { revision: 0 }] = await one.engine.read(payments, [payer]);
    const watch = one.hub.watch(payments, [payer], { since: new Map([[payer, revision]]) });
    expect(await watch.begin()).toEqual([]);
    await pay(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
  });
});

describe('a watcher that sets a pace', () => {
  it('gets the first change at once, then fewer messages than changes, and the newest last', async () => {
    const one = await rig(null);
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer], { minIntervalMs: 100 });
    await take(watch);
    const begun = performance.now();
    let messages = 0;
    const reading = (async () => {
      for await (const updates of watch) {
        messages += 1;
        if (updates[0]?.vector.values[0] === 200) return;
      }
    })();
    for (let n = 1; n <= 200; n++) await pay(one, payer);
    await reading;
    expect(messages).toBeLessThanOrEqual(2 + (performance.now() - begun) / 100);
    await watch.return?.();
  });
});
