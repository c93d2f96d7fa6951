import { randomUUID } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { inject } from 'vitest';
import { Engine } from '../../src/engine/index.ts';
import { Hub, type HubOptions, type Update } from '../../src/live/index.ts';
import { connect, connectSubscriber, KeyspaceEvents, SingleServer } from '../../src/valkey/index.ts';
import type { KeyspaceEventsOptions } from '../../src/valkey/keyspace-events.ts';
import { singleAddress } from '../support/single-address.ts';
import type { SwallowingProxy } from '../support/swallowing-proxy.ts';
import { payment, payments } from './payments.ts';

/** A hub with connections of its own, as each process has one. */
export interface HubRig {
  readonly valkey: Redis;
  readonly subscriber: Redis;
  readonly events: KeyspaceEvents;
  readonly engine: Engine;
  readonly hub: Hub;
  /** Another process's: the hub hears of what it records by notifications alone. */
  readonly elsewhere: Engine;
  /** Through which the hub is told what was recorded in its own process. */
  readonly answers: Gate;
  close(): void;
}

/** Keeps calls back while it is shut. */
class Gate {
  #kept: (() => void)[] | null = null;

  shut(): void {
    this.#kept ??= [];
  }

  /** Makes the calls that were kept back, in their order. */
  open(): void {
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const call of kept) call();
  }

  pass(call: () => void): void {
    if (this.#kept) this.#kept.push(call);
    else call();
  }
}

/** @param valkeyUrl the run's own server, unless told otherwise. */
export async function openHub(
  keyPrefix: string,
  { heartbeatMs, ...options }: Pick<HubOptions, 'sweepMs'> & Pick<KeyspaceEventsOptions, 'heartbeatMs'> = {},
  valkeyUrl = inject('valkeyUrl'),
): Promise<HubRig> {
  const address = singleAddress(valkeyUrl);
  const [valkey, subscriber, connection] = [connect(address), connectSubscriber(address), connect(address)];
  const engine = await Engine.open({ servers: new SingleServer(valkey), views: [payments], keyPrefix, clock: 'wall' });
  const elsewhere = await Engine.open({
    servers: new SingleServer(connection),
    views: [payments],
    keyPrefix,
    clock: 'wall',
  });
  const events = await KeyspaceEvents.open({
    valkey,
    subscriber,
    keyPrefix,
    ...(heartbeatMs !== undefined && { heartbeatMs }),
  });
  const answers = new Gate();
  const { onRecorded } = engine;
  engine.onRecorded = (listener) =>
    onRecorded.call(engine, (...told) => {
      answers.pass(() => listener(...told));
    });
  const hub = new Hub({ engine, events, ...options });
  const close = () => {
    hub.close();
    events.close();
    valkey.disconnect();
    connection.disconnect();
  };
  return { valkey, subscriber, events, engine, hub, elsewhere, answers, close };
}

export const newPayer = () => `payer-${randomUUID()}`;

/** Has another process record a payment of 1, that long ago. */
export function pay({ elsewhere }: HubRig, payer: string, agoMs = 0): Promise<void> {
  return payBy(elsewhere, payer, agoMs);
}

/** Records a payment of 1 in the hub's own process. */
export function payHere({ engine }: HubRig, payer: string): Promise<void> {
  return payBy(engine, payer, 0);
}

async function payBy(engine: Engine, payer: string, agoMs: number): Promise<void> {
  const at = agoMs === 0 ? null : Date.now() - agoMs;
  const [outcome] = await engine.record(payment, [{ paymentId: randomUUID(), payer, amount: 1, at }]);
  if (outcome?.status !== 'RECORDED') throw new Error(`the payment was not recorded: ${outcome?.status}`);
}

export async function take(watch: AsyncIterator<readonly Update[]>): Promise<readonly Update[]> {
  const { done, value } = await watch.next();
  if (done) throw new Error('the watch has ended');
  return value;
}

export function shown(updates: readonly Update[]): string[] {
  return updates.map(({ cause, vector }) => `${cause} ${vector.id} ${vector.values.join(' ')}`);
}

/** How often functions were called so far. */
export async function calls(valkey: Redis): Promise<number> {
  const stats = await valkey.info('commandstats');
  return [...stats.matchAll(/^cmdstat_fcall(?:_ro)?:calls=(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Stops the hub's next read on its way, until it is released. */
export function holdRead({ engine }: HubRig, when: 'before it begins' | 'once it is done') {
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

/** From now on nobody learns whether all was heard that had been sent, until it is released. */
export function holdSettling({ events }: HubRig) {
  const [held, released] = [0, 1].map(() => Promise.withResolvers<void>()) as [Stop, Stop];
  const settle = events.settle;
  events.settle = async () => {
    await settle.call(events);
    held.resolve();
    await released.promise;
  };
  const release = () => {
    events.settle = settle;
    released.resolve();
  };
  return { held: held.promise, release };
}

type Stop = PromiseWithResolvers<void>;

/** Where changes of this payer are heard. */
export function channelOf({ engine, valkey }: HubRig, payer: string): string {
  return `__keyspace@${valkey.options.db ?? 0}__:${engine.keys.hash(payments, payer)}`;
}

/** Watches somebody of whom nothing more is heard then. */
export async function watchUnheard(rig: HubRig, proxy: SwallowingProxy) {
  const payer = newPayer();
  const watch = rig.hub.watch(payments, [payer]);
  await take(watch);
  proxy.silence(channelOf(rig, payer));
  return { payer, watch };
}
