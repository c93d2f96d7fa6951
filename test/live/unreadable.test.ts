import { randomUUID } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { VectorLoaders } from '../../src/graphql/loaders.ts';
import { Hub } from '../../src/live/index.ts';
import { connect, connectSubscriber, KeyspaceEvents, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';
import { payment, payments } from './payments.ts';

const address = singleAddress(inject('valkeyUrl'));
const keyPrefix = `unreadable-${randomUUID()}`;

let valkey: Redis;
let engine: Engine;
let events: KeyspaceEvents;
let hub: Hub;
const failures: unknown[] = [];

beforeAll(async () => {
  valkey = connect(address);
  engine = await Engine.open({ servers: new SingleServer(valkey), views: [payments], keyPrefix, clock: 'wall' });
  events = await KeyspaceEvents.open({ valkey, subscriber: connectSubscriber(address), keyPrefix });
  hub = new Hub({ engine, events, onReadFailure: (error) => failures.push(error) });
});

afterAll(() => {
  hub?.close();
  events?.close();
  valkey?.disconnect();
});

const newPayer = () => `payer-${randomUUID()}`;

async function pay(payer: string): Promise<void> {
  const [outcome] = await engine.record(payment, [{ paymentId: randomUUID(), payer, amount: 1, at: null }]);
  expect(outcome?.status).toBe('RECORDED');
}

/** Ways in which an entity's log can be such that it alone cannot be read. */
const faults = {
  'that a newer definition wrote': (log: string) => valkey.set(log, 'n0nsense'.padEnd(400, '-')),
  'that is no log at all': (log: string) => valkey.multi().del(log).rpush(log, 'nonsense').exec(),
};

describe.each(Object.entries(faults))('one entity with a log %s', (_, spoil) => {
  it('silences no other one that is watched, and comes back once it can be read', async () => {
    const [broken, whole] = [newPayer(), newPayer()];
    const watch = hub.watch(payments, [broken, whole]);
    await watch.next();
    const log = engine.keys.log(payments, broken);
    await spoil(log);
    await valkey.hset(engine.keys.hash(payments, broken), 'x', 1);
    await until(() => failures.length > 0);
    for (let nth = 1; nth <= 20; nth++) {
      await pay(whole);
      const [update, ...others] = (await watch.next()).value ?? [];
      expect(update).toMatchObject({ cause: 'EVENT', vector: { id: whole, eventSeq: nth } });
      expect(others).toEqual([]);
    }
    const late = hub.watch(payments, [broken, whole]);
    expect((await late.next()).value).toMatchObject([{ cause: 'SNAPSHOT', vector: { id: whole, eventSeq: 20 } }]);
    expect([...late.unreadable.keys()]).toEqual([broken]);
    await valkey.del(log);
    await pay(broken);
    expect((await watch.next()).value).toMatchObject([{ cause: 'EVENT', vector: { id: broken, eventSeq: 1 } }]);
    expect((await late.next()).value).toMatchObject([{ cause: 'SNAPSHOT', vector: { id: broken, eventSeq: 1 } }]);
    await Promise.all([watch.return?.(), late.return?.()]);
    expect(hub.load).toEqual({ entities: 0, subscriptions: 0 });
  });

  it('is not read at each of many changes of its hash', async () => {
    const broken = newPayer();
    const watch = hub.watch(payments, [broken]);
    await watch.next();
    await spoil(engine.keys.log(payments, broken));
    failures.length = 0;
    const begun = performance.now();
    for (let n = 0; n < 200; n++) await valkey.hset(engine.keys.hash(payments, broken), 'x', n);
    await until(() => failures.length > 3);
    // Pauses of 50 ms, doubling.
    expect(failures.length).toBeLessThan(6 + Math.log2((performance.now() - begun) / 50));
    await watch.return?.();
  });

  it('fails alone among those that a request loads', async () => {
    const [broken, whole] = [newPayer(), newPayer()];
    await pay(whole);
    await spoil(engine.keys.log(payments, broken));
    const loaders = new VectorLoaders(engine);
    const [bad, good] = await Promise.allSettled([loaders.load(payments, broken), loaders.load(payments, whole)]);
    expect(bad.status).toBe('rejected');
    expect(good).toMatchObject({ status: 'fulfilled', value: { id: whole, eventSeq: 1 } });
  });
});
