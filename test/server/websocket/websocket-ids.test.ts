import { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
let valkey: Redis;

beforeAll(async () => {
  api = await startApi();
  valkey = new Redis(inject('valkeyUrl'));
});

afterAll(async () => {
  valkey?.disconnect();
  await api?.stop();
});

const opened: ProtocolSocket[] = [];

async function open(): Promise<ProtocolSocket> {
  const socket = await ProtocolSocket.open(api.webSocketUrl);
  opened.push(socket);
  return socket;
}

afterEach(() => {
  for (const { socket } of opened.splice(0)) socket.terminate();
});

const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

const watch = (userId: string) => `subscription { userRiskProfileUpdated(userIds: ["${userId}"]) { user { id } } }`;
const snapshot = (userId: string) => ({ data: { userRiskProfileUpdated: [{ user: { id: userId } }] } });

/** Nothing is watched any more, here and at Valkey, where only the canary's channel is left. */
async function expectNothingWatched(): Promise<void> {
  const { hub } = api.backend.current();
  await until(() => hub.load.subscriptions === 0 && hub.load.entities === 0);
  const channels = () => valkey.pubsub('CHANNELS', `*${api.keyPrefix}:v1:*`) as Promise<string[]>;
  await until(async () => (await channels()).length === 0);
}

// A few at a time, so that they are all taken at once: an operation may be answered before its `complete` is read.
const atOnce = 10;

describe('an id of any characters', () => {
  it('comes back as it was sent, with every message of its operation', async () => {
    const socket = await open();
    const asked = ['"', '\\', '}{', 'naïve 🐟', '\u2028', '__proto__'];
    for (const id of asked) socket.subscribe(id, watch('any'));
    await until(() => socket.of('next').length === asked.length);
    for (const id of asked) expect(socket.about(id)).toEqual([{ id, type: 'next', payload: snapshot('any') }]);
  });
});

describe('an id that is used again once its operation was completed', () => {
  it('gets the answer of the new operation, and never that of the old one', async () => {
    const socket = await open();
    for (let round = 0; round < 20; round++) {
      const asked = ids(`q${round}-`, atOnce);
      for (const id of asked) {
        socket.subscribe(id, '{ user(id: "first") { id riskProfile { txnCount1h } } }');
        socket.complete(id);
        socket.subscribe(id, '{ users(ids: ["second"]) { id riskProfile { txnCount1h } } }');
      }
      await until(() => asked.every((id) => socket.about(id).at(-1)?.type === 'complete'));
      for (const id of asked) {
        expect(socket.about(id)).toEqual([
          { id, type: 'next', payload: { data: { users: [{ id: 'second', riskProfile: { txnCount1h: 0 } }] } } },
          { id, type: 'complete' },
        ]);
      }
    }
  });

  it('watches what the new subscription watches, and nothing of the old one is left', async () => {
    const { hub } = api.backend.current();
    const socket = await open();
    const watching = ids('s', 200);
    for (let at = 0; at < watching.length; at += atOnce) {
      const begun = watching.slice(at, at + atOnce);
      for (const id of begun) {
        socket.subscribe(id, watch(`old-${id}`));
        socket.complete(id);
        socket.subscribe(id, watch(`new-${id}`));
      }
      await until(() => begun.every((id) => socket.about(id).length > 0));
    }
    for (const id of watching) {
      expect(socket.about(id)).toEqual([{ id, type: 'next', payload: snapshot(`new-${id}`) }]);
    }
    await until(() => hub.load.entities === watching.length);
    expect(hub.load.subscriptions).toBe(watching.length);
    for (const id of watching) socket.complete(id);
    await expectNothingWatched();
  });

  it('may be completed and used again over and over, and the last one counts', async () => {
    const socket = await open();
    for (const nth of ids('', 2 * atOnce)) {
      socket.subscribe('again', watch(nth));
      socket.complete('again');
    }
    socket.subscribe('again', watch('last'));
    await until(() => socket.said.length > 1);
    expect(socket.about('again')).toEqual([{ id: 'again', type: 'next', payload: snapshot('last') }]);
    expect(api.backend.current().hub.load).toEqual({ entities: 1, subscriptions: 1 });
    socket.socket.terminate();
    await expectNothingWatched();
  });

  it('leaves nothing behind when the socket breaks, at whatever moment', async () => {
    for (const milliseconds of [0, 1, 2, 5, 10, 20]) {
      const socket = await open();
      for (const id of ids('b', 60)) {
        socket.subscribe(id, watch(`old-${id}`));
        socket.complete(id);
        socket.subscribe(id, watch(`new-${id}`));
      }
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      socket.socket.terminate();
    }
    // The last of what they began is over when a new one is answered.
    const socket = await open();
    socket.subscribe('q', '{ user(id: "u") { riskProfile { txnCount1h } } }');
    await until(() => socket.about('q').length === 2);
    await expectNothingWatched();
  });
});

describe('an id that is used again while its operation goes on', () => {
  it.each(['i', 'i'.repeat(256)])('closes the socket with 4409', async (id) => {
    const socket = await open();
    socket.subscribe(id, watch('one'));
    socket.subscribe(id, watch('other'));
    expect(await socket.closed).toBe(4409);
    await expectNothingWatched();
  });

  it('closes it, too, when the operation waits for another of its id to be over', async () => {
    const socket = await open();
    socket.subscribe('i', watch('one'));
    socket.complete('i');
    socket.subscribe('i', watch('two'));
    socket.subscribe('i', watch('three'));
    expect(await socket.closed).toBe(4409);
    await expectNothingWatched();
  });
});
