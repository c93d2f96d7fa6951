import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startApi, type TestApi } from '../support/api.ts';
import { until } from '../support/until.ts';

let api: TestApi;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  api = await startApi();
});

afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await api?.stop();
});

interface Said {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A socket after the handshake, and all it was told. */
async function open(): Promise<{ socket: WebSocket; said: Said[] }> {
  const socket = new WebSocket(api.webSocketUrl, 'graphql-transport-ws');
  sockets.push(socket);
  const said: Said[] = [];
  socket.on('message', (data) => said.push(JSON.parse(String(data)) as Said));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('{"type":"connection_init"}');
  await until(() => said.length === 1);
  return { socket, said };
}

function subscribe(socket: WebSocket, id: string, query: string): void {
  socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query } }));
}

const of = (said: readonly Said[], type: string) => said.filter((one) => one.type === type);

/** How many reads are under way at most while this goes on, as the engine sees them. */
async function mostReadsDuring(work: () => Promise<void>): Promise<{ most: number; total: number }> {
  const { engine } = api;
  const read = engine.readEach;
  let [now, most, total] = [0, 0, 0];
  engine.readEach = async (...args: Parameters<typeof read>) => {
    now++;
    total++;
    most = Math.max(most, now);
    try {
      await sleep(20);
      return await read.apply(engine, args);
    } finally {
      now--;
    }
  };
  try {
    await work();
  } finally {
    engine.readEach = read;
  }
  return { most, total };
}

const readUser = (id: string) => `{ user(id: "${id}") { riskProfile { txnCount1h } } }`;

describe('a WebSocket that asks for much at once', () => {
  it('has a few operations under way, and gets all its answers', async () => {
    const { socket, said } = await open();
    const { most } = await mostReadsDuring(async () => {
      for (let i = 0; i < 1_500; i++) subscribe(socket, `q${i}`, readUser(`u${i}`));
      await until(() => of(said, 'complete').length === 1_500, 20_000);
    });
    expect(of(said, 'next')).toHaveLength(1_500);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(50);
  });

  it('leaves others their share', async () => {
    const before = api.log.length;
    const { socket } = await open();
    for (let i = 0; i < 20_000; i++) subscribe(socket, `q${i}`, readUser(`u${i}`));
    const begun = performance.now();
    for (let i = 0; i < 5; i++) expect((await api.ask(readUser('other'))).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(3_000);
    socket.terminate();
    await until(() => api.log.slice(before).some((line) => line.includes('A WebSocket closed')), 5_000);
  });

  it('has what waits dropped when it closes', async () => {
    const { socket } = await open();
    const { total } = await mostReadsDuring(async () => {
      for (let i = 0; i < 500; i++) subscribe(socket, `q${i}`, readUser(`u${i}`));
      await sleep(50);
      socket.terminate();
      await sleep(800);
    });
    expect(total).toBeLessThan(400);
  });

  it('may have thousands of subscriptions, and is told when they are too many', async () => {
    const { hub } = api.backend.current();
    const { socket, said } = await open();
    const watch = (id: string) => `subscription { userRiskProfileUpdated(userIds: ["${id}"]) { cause } }`;
    for (let i = 0; i < 2_000; i++) subscribe(socket, `s${i}`, watch(`w${i % 10}`));
    await until(() => of(said, 'next').length === 2_000, 20_000);
    expect(hub.load.subscriptions).toBe(2_000);
    subscribe(socket, 'more', watch('w'));
    await until(() => of(said, 'error').length === 1);
    expect(of(said, 'error')).toMatchObject([
      { id: 'more', payload: [{ message: expect.stringContaining('2000'), extensions: { code: 'RATE_LIMITED' } }] },
    ]);
    // Ending one makes room, and queries go on.
    socket.send('{"type":"complete","id":"s0"}');
    await until(() => hub.load.subscriptions === 1_999);
    subscribe(socket, 'again', watch('w'));
    subscribe(socket, 'query', '{ __typename }');
    await until(() => said.some(({ id, type }) => id === 'query' && type === 'complete'));
    await until(() => hub.load.subscriptions === 2_000);
    socket.terminate();
    await until(() => hub.load.subscriptions === 0);
  });
});

describe('a WebSocket message', () => {
  const closeCode = async (message: string | Buffer) => {
    const { socket } = await open();
    socket.send(message);
    return new Promise((resolve) => socket.once('close', resolve));
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
