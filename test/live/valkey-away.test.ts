import { randomUUID } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, UnavailableError } from '../../src/engine/index.ts';
import { Hub } from '../../src/live/index.ts';
import { connect, connectSubscriber, KeyspaceEvents, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { payment, payments } from './payments.ts';

let server: ThrowawayValkey;
let valkey: Redis;
let engine: Engine;
let events: KeyspaceEvents;
let hub: Hub;

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
  const address = singleAddress(server.url);
  valkey = connect(address, { commandTimeoutMs: 500 });
  engine = await Engine.open({
    servers: new SingleServer(valkey),
    views: [payments],
    keyPrefix: 'away',
    clock: 'wall',
  });
  const subscriber = connectSubscriber(address, { commandTimeoutMs: 500 });
  events = await KeyspaceEvents.open({ valkey, subscriber, keyPrefix: 'away', patienceMs: 500, heartbeatMs: 200 });
  hub = new Hub({ engine, events });
});

afterAll(async () => {
  hub?.close();
  events?.close();
  valkey?.disconnect();
  await server?.destroy();
});

async function pay(payer: string, paymentId: string = randomUUID()): Promise<string> {
  const [outcome] = await engine.record(payment, [{ paymentId, payer, amount: 1, at: null }]);
  return outcome?.status ?? 'nothing';
}

describe('a watch while Valkey is away', () => {
  it('waits, and then shows what was recorded since, though nobody told of it', async () => {
    const watch = hub.watch(payments, ['anna']);
    expect((await watch.next()).value).toMatchObject([{ cause: 'SNAPSHOT' }]);
    const pending = watch.next();
    await server.stop();
    await until(() => events.problem);
    expect(await Promise.race([pending, Promise.resolve('waiting')])).toBe('waiting');
    await server.start();
    // One that was UNAVAILABLE may be in all the same.
    await until(async () => (await pay('anna', 'one')) !== 'UNAVAILABLE');
    const [update] = (await pending).value ?? [];
    expect(update?.vector.values[0]).toBe(1);
    await until(() => !events.problem);
    expect(await pay('anna')).toBe('RECORDED');
    expect((await watch.next()).value).toMatchObject([{ cause: 'EVENT', vector: { id: 'anna' } }]);
    await watch.return?.();
  });

  it('that begins then is told so in time, and leaves nothing behind', async () => {
    await server.stop();
    await until(() => events.problem);
    const begun = performance.now();
    await expect(hub.watch(payments, ['berta']).next()).rejects.toBeInstanceOf(UnavailableError);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(hub.load).toEqual({ entities: 0, subscriptions: 0 });
    await server.start();
    await until(() => !events.problem);
    const watch = hub.watch(payments, ['berta']);
    expect((await watch.next()).value).toMatchObject([{ cause: 'SNAPSHOT' }]);
    await watch.return?.();
  });

  it('is not lost when Valkey only stops answering for a while', async () => {
    const watch = hub.watch(payments, ['carla']);
    await watch.next();
    server.freeze();
    expect(await pay('carla', 'one')).toBe('UNAVAILABLE');
    server.thaw();
    const pending = watch.next();
    await until(async () => (await pay('carla', 'one')) !== 'UNAVAILABLE');
    const stored = async () => (await engine.read(payments, ['carla']))[0]?.revision;
    let last = (await pending).value?.[0]?.vector.revision;
    while (last !== (await stored())) last = (await watch.next()).value?.[0]?.vector.revision;
    await watch.return?.();
  });
});
