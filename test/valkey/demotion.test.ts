import type { Redis } from 'iovalkey';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandBuffer, connect, connectSubscriber, KeyspaceEvents, Wire } from '../../src/valkey/index.ts';
import { Relay } from '../support/relay.ts';
import { ServerProcess } from '../support/server-process.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';

let first: ServerProcess;
let second: ServerProcess;
/** What the name leads to. */
let relay: Relay;
let valkey: Redis;

beforeEach(async () => {
  const settings = { 'repl-diskless-sync-delay': '0' };
  first = await ServerProcess.start({ settings });
  second = await ServerProcess.start({ settings: { ...settings, replicaof: `127.0.0.1 ${first.port}` } });
  await until(async () => /master_link_status:up/.test(await second.admin.info('replication')));
  relay = await Relay.before(first.url, () => ({}));
  valkey = connect(singleAddress(relay.url));
}, 30_000);

afterEach(async () => {
  valkey?.disconnect();
  await relay?.[Symbol.asyncDispose]();
  await Promise.all([first?.destroy(), second?.destroy()]);
});

async function send(wire: Wire, ...command: readonly string[]): Promise<string> {
  await wire.open();
  const sent = new CommandBuffer();
  sent.add(command);
  return String((await wire.send(sent))[0]);
}

/** The other one becomes the primary, and the name leads there; nobody closes a connection. */
async function failOver(): Promise<void> {
  await second.admin.call('REPLICAOF', 'NO', 'ONE');
  await first.admin.call('REPLICAOF', '127.0.0.1', `${second.port}`);
  relay.lead(second.url);
}

/** Whose connections a server has, of these. */
async function namesAt({ admin }: ServerProcess): Promise<string[]> {
  const list = String(await admin.client('LIST'));
  return [...list.matchAll(/name=(freshet\S*|reader|writer)/g)].map(([, name]) => name as string).sort();
}

const all = ['freshet', 'freshet-subscriber', 'reader', 'writer'];

describe('a name that moves while what was the primary lives on', () => {
  it.each(['a connection', 'a wire'] as const)('is followed by all, once %s is told READONLY', async (who) => {
    const [reader, writer] = [Wire.beside(valkey, 'reader'), Wire.beside(valkey, 'writer')];
    await Promise.all([send(reader, 'GET', 'k'), send(writer, 'SET', 'k', '1')]);
    const subscriber = connectSubscriber(singleAddress(relay.url));
    const events = await KeyspaceEvents.open({ valkey, subscriber, keyPrefix: 'test', heartbeatMs: 600_000 });
    try {
      const heard: string[] = [];
      events.listen({ changed: (key) => heard.push(key), missed: () => {} });
      await events.subscribe(['k']);
      expect(await namesAt(first)).toEqual(all);
      await failOver();
      const write = () => (who === 'a wire' ? send(writer, 'SET', 'k', '2') : valkey.set('k', '2'));
      await until(async () => (await write().catch(() => null)) === 'OK');
      // Whoever reads takes no more than one attempt or two either.
      await until(async () => (await send(reader, 'GET', 'k').catch(() => null)) === '2');
      await until(() => send(writer, 'PING').catch(() => null));
      await until(async () => (await namesAt(second)).join() === all.join());
      expect(await namesAt(first)).toEqual([]);
      await until(() => events.problem === null);
      heard.length = 0;
      await second.admin.set('k', '3');
      await second.admin.del('k');
      await until(() => heard.includes('k'));
    } finally {
      events.close();
    }
  });

  it('has one that stays a replica not connected to over and over', async () => {
    const wire = Wire.beside(valkey, 'writer');
    expect(await send(wire, 'PING')).toBe('PONG');
    await first.admin.call('REPLICAOF', '127.0.0.1', `${second.port}`);
    const connections = async () =>
      Number(/total_connections_received:(\d+)/.exec(await first.admin.info('stats'))?.[1]);
    const before = await connections();
    const [begun, reasons] = [performance.now(), new Set<string>()];
    while (performance.now() - begun < 2_500) {
      const said = await Promise.all([
        valkey.set('k', '1').catch((error: Error) => error.message),
        send(wire, 'SET', 'k', '1').catch((error: Error) => error.message),
      ]);
      for (const one of said) reasons.add(/READONLY/.exec(one)?.[0] ?? one);
    }
    expect(reasons).toContain('READONLY');
    // At once, after one second and after two: two connections each time.
    expect((await connections()) - before).toBeGreaterThanOrEqual(4);
    expect((await connections()) - before).toBeLessThanOrEqual(8);
  });
});
