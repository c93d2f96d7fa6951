import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { SwallowingProxy } from '../support/swallowing-proxy.ts';
import { until } from '../support/until.ts';
import { channelOf, type HubRig, newPayer, openHub, pay, payHere, shown, take } from './hub-rig.ts';
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
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    proxy.silence(channelOf(one, payer));
    for (let nth = 1; nth <= 20; nth++) {
      await payHere(one, payer);
      expect(shown(await take(watch))).toEqual([`EVENT ${payer} ${nth} ${nth}`]);
    }
    await until(() => proxy.swallowed >= 20);
  });

  it('is told to who recorded it first', async () => {
    await open();
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    proxy.silence(channelOf(one, payer));
    await payHere(one, payer);
    expect(watch.isReady).toBe(false);
    await until(() => watch.isReady);
  });

  it('waits to be heard of, where something came before it that was not', async () => {
    await open(100);
    const payer = newPayer();
    const watch = one.hub.watch(payments, [payer]);
    await take(watch);
    proxy.silence(channelOf(one, payer));
    await pay(one, payer);
    await payHere(one, payer);
    expect(shown(await take(watch))).toEqual([`RESYNC ${payer} 2 2`]);
  });

  it('is not undone by a read that was under way', async () => {
    await open();
    const payer = newPayer();
    const early = one.hub.watch(payments, [payer]);
    await take(early);
    proxy.silence(channelOf(one, payer));
    const read = holdRead('once it is done');
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
    const payer = newPayer();
    const early = one.hub.watch(payments, [payer]);
    await take(early);
    proxy.silence(channelOf(one, payer));
    const read = holdRead('before it begins');
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
    const read = holdRead('before it begins');
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

/** Stops the hub's next read on its way, until it is released. */
function holdRead(when: 'before it begins' | 'once it is done') {
  const { engine } = one;
  const [held, released, over] = [0, 1, 2].map(() => Promise.withResolvers<void>()) as [Stop, Stop, Stop];
  const read = engine.readEach;
  engine.readEach = async (...asked: Parameters<typeof read>) => {
    engine.readEach = read;
    const vectors = when === 'once it is done' ? await read.apply(engine, asked) : null;
    held.resolve();
    await released.promise;
    setImmediate(over.resolve);
    return vectors ?? read.apply(engine, asked);
  };
  return { held: held.promise, over: over.promise, release: released.resolve };
}

type Stop = PromiseWithResolvers<void>;
