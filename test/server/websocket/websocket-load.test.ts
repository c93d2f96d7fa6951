import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
const opened: ProtocolSocket[] = [];

beforeAll(async () => {
  api = await startApi();
});

afterAll(async () => {
  for (const { socket } of opened) socket.terminate();
  await api?.stop();
});

async function open(): Promise<ProtocolSocket> {
  const socket = await ProtocolSocket.open(api.webSocketUrl);
  opened.push(socket);
  return socket;
}

/** Has every read of the engine go through `around` while `work` goes on. */
async function withReads(around: (read: () => Promise<unknown>) => Promise<unknown>, work: () => Promise<void>) {
  const { engine } = api;
  const read = engine.readEach;
  engine.readEach = ((...args: Parameters<typeof read>) => around(() => read.apply(engine, args))) as typeof read;
  try {
    await work();
  } finally {
    engine.readEach = read;
  }
}

const readUser = (id: string) => `{ user(id: "${id}") { riskProfile { txnCount1h } } }`;

describe('a WebSocket that asks for much at once', () => {
  it('has a few operations under way, and gets all its answers', async () => {
    const socket = await open();
    let [now, most] = [0, 0];
    const slowly = async (read: () => Promise<unknown>) => {
      most = Math.max(most, ++now);
      try {
        await sleep(20);
        return await read();
      } finally {
        now--;
      }
    };
    await withReads(slowly, async () => {
      for (let i = 0; i < 1_500; i++) socket.subscribe(`q${i}`, readUser(`u${i}`));
      await until(() => socket.of('complete').length === 1_500, 20_000);
    });
    expect(socket.of('next')).toHaveLength(1_500);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(50);
  });

  it('leaves others their share', async () => {
    const flood = await open();
    for (let i = 0; i < 20_000; i++) flood.subscribe(`q${i}`, readUser(`u${i}`));
    for (let i = 0; i < 5; i++) expect((await api.ask(readUser('other'))).status).toBe(200);
    // They came after all of these, and are answered before most of them.
    expect(flood.of('complete').length).toBeLessThan(10_000);
    const before = api.log.length;
    flood.socket.terminate();
    await until(() => api.log.slice(before).some((line) => line.includes('A WebSocket closed')));
  });

  it('has what waits dropped when it closes', async () => {
    const flood = await open();
    const held = Promise.withResolvers<void>();
    let [begun, over] = [0, 0];
    const hold = async (read: () => Promise<unknown>) => {
      begun++;
      await held.promise;
      return read().finally(() => over++);
    };
    await withReads(hold, async () => {
      for (let i = 0; i < 500; i++) flood.subscribe(`q${i}`, readUser(`u${i}`));
      await until(() => begun === 50);
      const before = api.log.length;
      flood.socket.terminate();
      await until(() => api.log.slice(before).some((line) => line.includes('A WebSocket closed')));
      held.resolve();
      await until(() => over === 50);
      // More than whoever would take the place of these needs to begin. What was asked often would be read another way.
      await api.ask('{ user(id: "other") { riskProfile { txnCount5m } } }');
      expect(begun).toBe(51);
    });
  });

  it('may have thousands of subscriptions, and is told when they are too many', async () => {
    const { hub } = api.backend.current();
    const socket = await open();
    const watch = (id: string) => `subscription { userRiskProfileUpdated(userIds: ["${id}"]) { cause } }`;
    for (let i = 0; i < 2_000; i++) socket.subscribe(`s${i}`, watch(`w${i % 10}`));
    await until(() => socket.of('next').length === 2_000, 20_000);
    expect(hub.load.subscriptions).toBe(2_000);
    socket.subscribe('more', watch('w'));
    await until(() => socket.of('error').length === 1);
    expect(socket.of('error')).toMatchObject([
      { id: 'more', payload: [{ message: expect.stringContaining('2000'), extensions: { code: 'RATE_LIMITED' } }] },
    ]);
    // Ending one makes room, and queries go on.
    socket.complete('s0');
    await until(() => hub.load.subscriptions === 1_999);
    socket.subscribe('again', watch('w'));
    socket.subscribe('query', '{ __typename }');
    await until(() => socket.about('query').length === 2);
    await until(() => hub.load.subscriptions === 2_000);
    socket.socket.terminate();
    await until(() => hub.load.subscriptions === 0);
  });
});

describe('a WebSocket message', () => {
  const closeCode = async (message: string | Buffer) => {
    const { socket, closed } = await open();
    socket.send(message);
    return closed;
  };

  it('that only a server may send closes the socket with 4400, and is no fault of ours', async () => {
    const before = api.log.length;
    for (const type of ['next', 'error', 'connection_ack']) {
      const payload = type === 'error' ? [{ message: 'x' }] : {};
      expect(await closeCode(JSON.stringify({ type, id: '1', payload }))).toBe(4400);
    }
    expect(api.log.slice(before).filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });

  it('that is no UTF-8 closes the socket', async () => {
    const text = Buffer.from(JSON.stringify({ type: 'ping', payload: { id: `${randomUUID()}?` } }));
    text[text.indexOf('?')] = 0xff;
    expect(await closeCode(text)).toBe(4400);
  });
});
