import type { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect, connectSubscriber, KeyspaceEvents } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

let server: ThrowawayValkey;
let valkey: Redis;
const open: KeyspaceEvents[] = [];

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
});

afterAll(() => server?.destroy());

beforeEach(async () => {
  valkey = connect(singleAddress(server.url));
  await valkey.config('SET', 'notify-keyspace-events', '');
});

afterEach(() => {
  for (const events of open.splice(0)) events.close();
  valkey.disconnect();
});

interface Ears {
  readonly events: KeyspaceEvents;
  readonly subscriber: Redis;
  /** `key operation`, as heard. */
  readonly heard: string[];
  /** How often something may have been missed. */
  missed(): number;
}

async function listen(url = server.url, options: { patienceMs?: number; heartbeatMs?: number } = {}): Promise<Ears> {
  const address = singleAddress(url);
  const subscriber = connectSubscriber(address);
  const commands = url === server.url ? valkey : connect(address);
  try {
    const events = await KeyspaceEvents.open({ valkey: commands, subscriber, keyPrefix: 'test', ...options });
    open.push(events);
    const heard: string[] = [];
    let missed = 0;
    events.listen({ changed: (key, operation) => heard.push(`${key} ${operation}`), missed: () => missed++ });
    return { events, subscriber, heard, missed: () => missed };
  } finally {
    if (commands !== valkey) commands.disconnect();
  }
}

describe('keyspace events', () => {
  it('are switched on, and what others have switched on stays', async () => {
    await valkey.config('SET', 'notify-keyspace-events', 'El');
    await listen();
    const [, flags] = (await valkey.config('GET', 'notify-keyspace-events')) as [string, string];
    expect([...flags].sort().join('')).toBe('EKeghlx');
  });

  it('tell what is done to subscribed keys, and to no others', async () => {
    const { events, heard } = await listen();
    await events.subscribe(['one', 'ü {x}%']);
    await valkey.hset('one', 'a', 1);
    await valkey.hset('two', 'a', 1);
    await valkey.hset('ü {x}%', 'a', 1);
    await valkey.del('one');
    await valkey.pexpire('ü {x}%', 1);
    await until(async () => (await valkey.exists('ü {x}%')) === 0);
    await until(() => heard.length === 5);
    expect(heard).toEqual(['one hset', 'ü {x}% hset', 'one del', 'ü {x}% expire', 'ü {x}% expired']);
    events.unsubscribe(['one']);
    await events.subscribe(['last']);
    await valkey.hset('one', 'a', 2);
    await valkey.hset('last', 'a', 2);
    await until(() => heard.includes('last hset'));
    expect(heard.filter((one) => one === 'one hset')).toHaveLength(1);
  });

  it('are heard from the moment at which a subscription stands', async () => {
    const { events, heard } = await listen();
    for (let n = 0; n < 200; n++) {
      await events.subscribe([`at-once:${n}`]);
      await valkey.hset(`at-once:${n}`, 'a', 1);
    }
    await until(() => heard.length === 200);
  });

  it('are those of the database that the URL names', async () => {
    const { events, heard } = await listen(`${server.url}/3`);
    const third = connect(singleAddress(`${server.url}/3`));
    await events.subscribe(['key']);
    await valkey.hset('key', 'in', 'the wrong one');
    await third.hset('key', 'in', 'ours');
    await until(() => heard.length > 0);
    await third.del('key');
    await until(() => heard.length > 1);
    expect(heard).toEqual(['key hset', 'key del']);
    third.disconnect();
  });

  it('come back after the connection broke, with all subscriptions, and say that something may be missed', async () => {
    const { events, subscriber, heard, missed } = await listen();
    const keys = Array.from({ length: 2_500 }, (_, n) => `many:${n}`);
    await events.subscribe(keys);
    expect(missed()).toBe(0);
    const { localPort } = subscriber.stream as unknown as { localPort: number };
    await valkey.call('CLIENT', ['KILL', 'ADDR', `127.0.0.1:${localPort}`]);
    await until(() => missed() === 1);
    expect(events.problem).toBeNull();
    await valkey.hset('many:0', 'a', 1);
    await valkey.hset('many:2499', 'a', 1);
    await until(() => heard.length === 2);
    await valkey.del(...keys);
  });

  it('take in what is subscribed and unsubscribed while there is no connection', async () => {
    const { events, subscriber, heard, missed } = await listen();
    await events.subscribe(['dropped']);
    subscriber.disconnect(true);
    await until(() => events.problem);
    events.unsubscribe(['dropped']);
    await events.subscribe(['added']);
    await until(() => missed() === 1);
    await valkey.hset('dropped', 'a', 1);
    await valkey.hset('added', 'a', 1);
    await until(() => heard.length > 0);
    expect(heard).toEqual(['added hset']);
    await valkey.del('dropped', 'added');
  });

  it('are switched on again when they were switched off', async () => {
    const { events, heard, missed } = await listen(server.url, { heartbeatMs: 50, patienceMs: 200 });
    await events.subscribe(['key']);
    await valkey.config('SET', 'notify-keyspace-events', '');
    await until(() => missed() > 0);
    await valkey.hset('key', 'a', 1);
    await until(() => heard.length > 0);
    await valkey.del('key');
  });

  it('survive a restart of Valkey', async () => {
    const { events, heard, missed } = await listen();
    await events.subscribe(['key']);
    await server.stop();
    await until(() => events.problem);
    await server.start();
    await until(() => missed() === 1);
    await valkey.hset('key', 'a', 1);
    await until(() => heard.length > 0);
    await valkey.del('key');
  });
});

describe('where CONFIG is forbidden', () => {
  beforeEach(async () => {
    await valkey.call('ACL', ['SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-config']);
    await valkey.call('ACL', ['SETUSER', 'deaf', 'on', '>secret', '~*', 'resetchannels', '+@all']);
  });

  const as = (user: string) => server.url.replace('//', `//${user}:secret@`);

  it('a canary proves that notifications arrive', async () => {
    await valkey.config('SET', 'notify-keyspace-events', 'Kghxe');
    const { events, heard } = await listen(as('limited'));
    await events.subscribe(['key']);
    await valkey.hset('key', 'a', 1);
    await until(() => heard.length > 0);
    await valkey.del('key');
  });

  it('silence is an error that says what to set', async () => {
    await expect(listen(as('limited'), { patienceMs: 200 })).rejects.toMatchObject({
      code: 'KEYSPACE_EVENTS_SILENT',
      message: expect.stringMatching(/unheard: hset, del, expired.*notify-keyspace-events Kghxe/),
    });
  });

  it('what is still missing is named', async () => {
    await valkey.config('SET', 'notify-keyspace-events', 'Khg');
    // Time enough for the others to be heard also on a machine that is busy with something else.
    await expect(listen(as('limited'), { patienceMs: 1_500 })).rejects.toThrow(/unheard: expired\)/);
  });

  it('so is a user who may not subscribe', async () => {
    await expect(listen(as('deaf'), { patienceMs: 200 })).rejects.toThrow(/NOPERM/);
  });

  it('no Valkey at all is an error of its own', async () => {
    const nowhere = connectSubscriber({ ...singleAddress(server.url), port: 1 });
    await expect(
      KeyspaceEvents.open({ valkey, subscriber: nowhere, keyPrefix: 'test', patienceMs: 100 }),
    ).rejects.toThrow('Connection is closed.');
  });
});
