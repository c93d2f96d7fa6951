import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeyNames } from '../../src/engine/keys.ts';
import { Presence, runningProcesses } from '../../src/engine/presence.ts';
import { connect, type Servers, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { everything, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const everyMs = 20;

const announced: Presence[] = [];
afterEach(() => {
  for (const presence of announced.splice(0)) presence.end();
});

async function announce(keys: KeyNames, library: string, views = [everything], servers: Servers = scratch.servers) {
  const presence = await Presence.announce(servers, keys, library, views, everyMs);
  announced.push(presence);
  return presence;
}

const librariesOf = async (keys: KeyNames, servers: Servers = scratch.servers) =>
  (await runningProcesses(servers, keys)).map(({ library }) => library).sort();

describe('a process that says that it runs', () => {
  test('says so at once, and again and again', async () => {
    const keys = new KeyNames(scratch.prefix());
    await announce(keys, 'one');
    const [first] = await runningProcesses(scratch.servers, keys);
    expect(first).toMatchObject({ library: 'one', pid: process.pid, views: { 'everything v1': 'Payment' } });
    const again = await until(async () => {
      const [now] = await runningProcesses(scratch.servers, keys);
      return now && now.until > (first?.until ?? 0) && now;
    });
    expect(again.since).toBe(first?.since);
    // And is forgotten some time after the last one has said so.
    expect(await scratch.valkey.pttl(keys.processes)).toBeGreaterThan(60_000);
  });

  test('takes it back when it ends, and leaves others', async () => {
    const keys = new KeyNames(scratch.prefix());
    const one = await announce(keys, 'one');
    await announce(keys, 'two');
    expect(await librariesOf(keys)).toEqual(['one', 'two']);
    one.end();
    expect(await until(async () => (await librariesOf(keys)).join() === 'two')).toBe(true);
  });

  test('clears away those that have not said so for too long', async () => {
    const keys = new KeyNames(scratch.prefix());
    await announce(keys, 'one');
    const [note] = await runningProcesses(scratch.servers, keys);
    await scratch.valkey.hset(
      keys.processes,
      'gone',
      JSON.stringify({ ...note, library: 'old', until: Date.now() - 60_000 }),
    );
    expect(await librariesOf(keys)).toEqual(['one']);
    expect(await until(async () => (await scratch.valkey.hexists(keys.processes, 'gone')) === 0)).toBe(true);
  });

  test('names those that take its events and do not feed its views, for as long as they run', async () => {
    const keys = new KeyNames(scratch.prefix());
    const both = await announce(keys, 'both', [everything, takings]);
    expect(both.unfed).toEqual([]);
    const half = await announce(keys, 'half', [takings]);
    const unfed = await until(() => both.unfed.length > 0 && both.unfed);
    expect(unfed.map(({ view, by }) => [view, by.library])).toEqual([[everything, 'half']]);
    expect(half.unfed).toEqual([]);
    half.end();
    expect(await until(() => both.unfed.length === 0)).toBe(true);
  });
});

describe('while its store is away', () => {
  let server: ThrowawayValkey;
  beforeEach(async () => {
    server = await ThrowawayValkey.create();
  });
  afterEach(() => server.destroy());

  test('it goes on, and says so once it is back', async () => {
    await server.start();
    const valkey = connect(singleAddress(server.url), { commandTimeoutMs: 500 });
    try {
      const keys = new KeyNames('fs');
      await announce(keys, 'one', [everything], new SingleServer(valkey));
      await server.stop();
      await server.start();
      await until(() => valkey.flushall().catch(() => false));
      expect(
        await until(async () => (await librariesOf(keys, new SingleServer(valkey)).catch(() => [])).join() === 'one'),
      ).toBe(true);
    } finally {
      for (const presence of announced.splice(0)) presence.end();
      valkey.disconnect();
    }
  });
});
