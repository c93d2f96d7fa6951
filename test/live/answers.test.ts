import { randomUUID } from 'node:crypto';
import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
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
  payHere,
  shown,
  take,
  watchUnheard,
} from './hub-rig.ts';
import { payments } from './payments.ts';

let proxy: SwallowingProxy;
let one: HubRig;

/** A hub that hears nothing of what is silenced. */
async function open(sweepMs: number | null = null): Promise<void> {
  proxy = await SwallowingProxy.before(inject('valkeyUrl'));
  one = await openHub(`answers-${randomUUID()}`, { sweepMs }, proxy.url);
}

afterEach(async () => {
  one?.close();
  await proxy?.[Symbol.asyncDispose]();
});

describe('what is recorded in the process where it is watched', () => {
  it('is pushed though its notification is lost, and is no gap', async () => {
    await open(20);
    const { payer, watch } = await watchUnheard(one, proxy);
    for (let nth = 1; nth <= 20; nth++) {
      await payHere(one, payer);
      expect(shown(await take(watch))).toEqual([`EVENT ${payer} ${nth} ${nth}`]);
    }
    await until(() => proxy.swallowed >= 20);
  });

  it('is told to who recorded it first', async () => {
    await open();
    const { payer, watch } = await watchUnheard(one, proxy);
    await payHere(one, payer);
    expect(watch.isReady).toBe(false);
    await until(() => watch.isReady);
  });

  it('is part of a gap, where something came before it that is not heard of', async () => {
    await open();
    const { payer, watch } = await watchUnheard(one, proxy);
    await pay(one, payer);
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 2 2`]);
  });

  it('is no gap, where what came before it is only on its way', async () => {
    await open();
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    for (let count = 2; count <= 60; count += 2) {
      await Promise.all([pay(one, payer), payHere(one, payer)]);
      for (let seen = 0; seen < count; ) {
        const [update] = await take(watch);
        expect(update?.cause).toBe('EVENT');
        seen = update?.vector.values[0] ?? 0;
      }
    }
  });

  it('does not hide a gap that somebody new came to first', async () => {
    await open();
    const { payer, watch: early } = await watchUnheard(one, proxy);
    const settling = holdSettling(one);
    await pay(one, payer);
    expect(shown(await take(one.hub.watch(payments, [payer])))).toEqual([`SNAPSHOT ${payer} 1 1`]);
    await payHere(one, payer);
    await tick();
    settling.release();
    expect(shown(await take(early))).toEqual([`RESYNC ${payer} 2 2`]);
  });

  it('does not hide that the store lost as much', async () => {
    await open();
    const payer = newPayer();
    await payHere(one, payer);
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    proxy.silence(channelOf(one, payer));
    const log = one.engine.keys.log(payments, payer);
    const kept = (await one.valkey.dumpBuffer(log)) as Buffer;
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
    await one.valkey.restore(log, 0, kept, 'REPLACE');
    const settling = holdSettling(one);
    for (let i = 0; i < 2; i++) await payHere(one, payer);
    await tick();
    settling.release();
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 3 3`]);
  });

  it('does not come back, where it is answered after it was forgotten', async () => {
    await open();
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    one.answers.shut(); // as of a long call
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 1 1`]);
    await one.elsewhere.forget(payments.entity, payer);
    expect(shown(await take(watch))).toEqual([`DECAY ${payer} 0 0`]);
    one.answers.open();
    await tick();
    expect(watch.isReady).toBe(false);
    await pay(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 1 1`]);
  });

  it('is no gap to a sweep that looked before', async () => {
    await open(20);
    const payer = newPayer();
    await payHere(one, payer);
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    const settling = holdSettling(one);
    await settling.held;
    proxy.silence(channelOf(one, payer)); // as if it came late
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
    const reads = vi.spyOn(one.engine, 'readEach');
    settling.release();
    await tick();
    expect(reads).not.toHaveBeenCalled();
  });

  it('is not undone by a read that was under way', async () => {
    await open();
    const { payer, watch: early } = await watchUnheard(one, proxy);
    const read = holdRead(one, 'once it is done');
    const late = one.hub.watch(payments, [payer]);
    const first = take(late);
    await read.held;
    await payHere(one, payer);
    expect(shown(await take(early))).toEqual([`EVENT ${payer} 1 1`]);
    expect(shown(await first)).toEqual([`SNAPSHOT ${payer} 1 1`]);
    read.release();
    await read.over;
    await payHere(one, payer);
    for (const watch of [early, late]) expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
  });

  it('may be the first that one who joins is told, who then hears of a gap as all do', async () => {
    await open();
    const { payer, watch: early } = await watchUnheard(one, proxy);
    const read = holdRead(one, 'before it begins');
    const late = one.hub.watch(payments, [payer]);
    const first = take(late);
    await read.held;
    await payHere(one, payer);
    expect(shown(await first)).toEqual([`SNAPSHOT ${payer} 1 1`]);
    expect(shown(await take(early))).toEqual([`EVENT ${payer} 1 1`]);
    await pay(one, payer);
    read.release();
    for (const watch of [early, late]) expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 2 2`]);
  });

  it('is part of a gap while nothing can be heard', async () => {
    await open();
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    one.subscriber.disconnect(true);
    await until(() => one.events.problem);
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 1 1`]);
  });

  it('is part of a gap until all has been read again', async () => {
    await open();
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    const read = holdRead(one, 'before it begins');
    one.subscriber.disconnect(true);
    await read.held;
    expect(one.events.problem).toBeNull();
    await payHere(one, payer);
    setImmediate(read.release);
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 1 1`]);
  });

  it('reaches all who join meanwhile, though nothing is heard and nothing is swept', async () => {
    await open();
    const payers = Array.from({ length: 5 }, newPayer);
    const keeper = one.hub.watch(payments, payers);
    await take(keeper);
    for (const payer of payers) proxy.silence(channelOf(one, payer));
    const rounds = 40;
    const finals: Promise<string>[] = [];
    for (let round = 1; round <= rounds; round++) {
      // Joins, their reads and what is recorded cross each other in every order.
      const watch = one.hub.watch(payments, payers);
      finals.push(
        (async () => {
          const last = new Map<string, number>();
          for await (const updates of watch) {
            for (const { vector } of updates) last.set(vector.id, vector.values[0] ?? 0);
            if (payers.every((payer) => last.get(payer) === rounds)) return 'all';
          }
          return 'ended';
        })(),
      );
      await Promise.all(payers.map((payer) => payHere(one, payer)));
    }
    expect(new Set(await Promise.all(finals))).toEqual(new Set(['all']));
  });
});
