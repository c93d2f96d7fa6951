import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startApi, type TestApi } from '../../support/api.ts';
import { faultySchema } from '../../support/faulty-schema.ts';
import { HeldReads } from '../../support/held-reads.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const bodyLimitBytes = 100_000;
let api: TestApi;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  api = await startApi({ bodyLimitBytes });
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

afterAll(() => api?.stop());

const protocol = 'graphql-transport-ws';
const init = { type: 'connection_init' };
const ask = (id: string, query: string) => ({ type: 'subscribe', id, payload: { query } });
const readUser = '{ user(id: "u") { riskProfile { txnCount1h } } }';

interface Talk {
  readonly socket: WebSocket;
  /** The types of what the server said. */
  readonly said: string[];
  /** The code and the reason it was closed with. */
  readonly closed: Promise<readonly [number, string]>;
}

/** Opens a socket and says all of this at once. */
async function talk(messages: readonly unknown[], subprotocol: string | undefined = protocol): Promise<Talk> {
  const socket = new WebSocket(api.webSocketUrl, subprotocol);
  sockets.push(socket);
  const said: string[] = [];
  socket.on('message', (data) => said.push(JSON.parse(String(data)).type));
  const closed = new Promise<readonly [number, string]>((resolve) =>
    socket.once('close', (code, reason) => resolve([code, String(reason)])),
  );
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  for (const message of messages) socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  return { socket, said, closed };
}

describe('a WebSocket is closed with', () => {
  it.each([
    ['text that is no JSON', 'nonsense'],
    ['JSON that is no message', '[]'],
    ['no type', {}],
    ['a type that is not there', { type: 'start', id: '1', payload: {} }],
    ['a subscribe without an id', { type: 'subscribe', payload: { query: readUser } }],
    ['a subscribe with an empty id', ask('', readUser)],
    ['a subscribe without a query', { type: 'subscribe', id: '1', payload: {} }],
    ['variables that are a list', { type: 'subscribe', id: '1', payload: { query: readUser, variables: [] } }],
    ['a complete without an id', { type: 'complete' }],
    ['a payload that is text', { type: 'connection_init', payload: 'text' }],
  ])('4400 for %s', async (_, message) => {
    const { closed } = await talk([message]);
    expect(await closed).toEqual([4400, 'Invalid message received']);
  });

  it('4401 for an operation before the connection was acknowledged', async () => {
    const { closed, said } = await talk([ask('1', readUser)]);
    expect(await closed).toEqual([4401, 'Unauthorized']);
    expect(said).toEqual([]);
  });

  it('4406 without the subprotocol', async () => {
    const socket = new WebSocket(api.webSocketUrl);
    sockets.push(socket);
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4406);
  });

  it('4408 for a client that does not begin in three seconds, whatever else it says', async () => {
    const begun = performance.now();
    const silent = await talk([{ type: 'ping' }]);
    const begins = await talk([init]);
    expect(await silent.closed).toEqual([4408, 'Connection initialisation timeout']);
    expect(performance.now() - begun).toBeGreaterThan(2_900);
    expect(silent.said).toEqual(['pong']);
    // The other was opened before that: it would have been closed by the same time.
    begins.socket.send(JSON.stringify(ask('1', readUser)));
    await until(() => begins.said.includes('complete'));
  });

  it.each([
    ['as the protocol words it', 'my operation', 'Subscriber for my operation already exists'],
    ['in short where its id is long', '商'.repeat(40), 'Subscriber for this id already exists'],
  ])('4409 for the id of an operation that goes on, %s', async (_, id, reason) => {
    const { socket, said, closed } = await talk([init]);
    await until(() => said.length === 1);
    const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    socket.send(JSON.stringify(ask(id, watch)));
    socket.send(JSON.stringify(ask(id, watch)));
    expect(await closed).toEqual([4409, reason]);
    await until(() => api.backend.current().hub.load.subscriptions === 0);
  });

  it('4429 for a second beginning, be it before the first is acknowledged or long after', async () => {
    expect(await (await talk([init, init])).closed).toEqual([4429, 'Too many initialisation requests']);
    const { socket, said, closed } = await talk([init]);
    await until(() => said.length === 1);
    socket.send(JSON.stringify(init));
    expect(await closed).toEqual([4429, 'Too many initialisation requests']);
  });

  it('1009 for a message beyond the limit', async () => {
    const { closed } = await talk([{ type: 'ping', payload: { x: 'x'.repeat(bodyLimitBytes) } }]);
    expect((await closed)[0]).toBe(1009);
  });

  it('4500 for a fault of ours, which is not told', async () => {
    const faulty = await startApi({ schema: faultySchema });
    try {
      const client = await ProtocolSocket.open(faulty.webSocketUrl);
      const reason = new Promise((resolve) => client.socket.once('close', (_, text) => resolve(String(text))));
      client.subscribe('1', '{ secret }');
      expect(await client.closed).toBe(4500);
      expect(await reason).toBe('Internal server error');
      expect(faulty.log.join()).toContain('BigInt');
    } finally {
      await faulty.stop();
    }
  });
});

describe('a WebSocket that is being closed', () => {
  it('does nothing of what was said after the mistake', async () => {
    const user = randomUUID();
    const input = `{ transactionId: "${randomUUID()}", userId: "${user}", merchantId: "m", amount: 1 }`;
    const { closed, said } = await talk([
      ask('1', readUser),
      init,
      // So much that what comes after it is read later, when the beginning above would have been acknowledged.
      ...Array(20).fill({ type: 'ping', payload: { x: 'x'.repeat(bodyLimitBytes - 100) } }),
      ask('2', `mutation { recordTransaction(input: ${input}) { status } }`),
    ]);
    expect((await closed)[0]).toBe(4401);
    expect(said).toEqual([]);
    const { data } = await api.ask(`{ user(id: "${user}") { riskProfile { txnCount1h } } }`);
    expect(data).toEqual({ user: { riskProfile: { txnCount1h: 0 } } });
  });
});

describe('a WebSocket on which as much is under way as may be', () => {
  async function busy() {
    const client = await ProtocolSocket.open(api.webSocketUrl);
    sockets.push(client.socket);
    const reads = new HeldReads(api.engine);
    for (let i = 0; i < 60; i++) client.subscribe(`q${i}`, readUser);
    await until(() => reads.begun === 50);
    return { client, reads };
  }

  it('answers a ping at once', async () => {
    const { client, reads } = await busy();
    client.send({ type: 'ping', payload: { n: 1 } });
    await until(() => client.of('pong').length === 1);
    expect(client.of('pong')).toEqual([{ type: 'pong', payload: { n: 1 } }]);
    expect(client.of('next')).toEqual([]);
    reads.letGo();
    await until(() => client.of('complete').length === 60);
  });

  it.each([
    ['what is no message', 4400, { type: 'start' }],
    ['a second beginning', 4429, init],
  ])('is closed at once for %s', async (_, code, message) => {
    const { client, reads } = await busy();
    client.send(message);
    expect(await client.closed).toBe(code);
    reads.letGo();
  });
});
