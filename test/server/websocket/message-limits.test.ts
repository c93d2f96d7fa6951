import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { HeldReads } from '../../support/held-reads.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const readUser = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const ids = 'query ($ids: [ID!]!) { users(ids: $ids) { id } }';

let api: TestApi;
let refused: number;
const opened: ProtocolSocket[] = [];

beforeAll(async () => {
  api = await startApi();
});
beforeEach(() => {
  refused = api.server.refusals.messages;
});
afterEach(() => {
  for (const { socket } of opened.splice(0)) socket.terminate();
});
afterAll(() => api?.stop());

async function open(payload?: unknown): Promise<ProtocolSocket> {
  const client = await ProtocolSocket.open(api.webSocketUrl, {}, payload);
  opened.push(client);
  return client;
}

/** With what a socket is closed. */
function closing({ socket }: ProtocolSocket): Promise<readonly [number, string]> {
  return new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, String(reason)])));
}

/** Values, of which each counts twice. */
const manyValues = (values: number) => `[${Array(values).fill('[]').join()}]`;

describe('a WebSocket is closed with', () => {
  it.each(['ping', 'pong'])('1009 for a long %s', async (type) => {
    const client = await open();
    const closed = closing(client);
    client.send({ type, payload: { x: 'x'.repeat(65_536) } });
    expect(await closed).toEqual([1009, `A ${type} may have 65536 characters`]);
    expect(api.server.refusals.messages).toBe(refused + 1);
  });

  it.each([
    ['a long beginning', { type: 'connection_init', payload: { x: 'x'.repeat(65_536) } }],
    ['a long ping before its beginning', { type: 'ping', payload: { x: 'x'.repeat(65_536) } }],
    ['a long operation before its beginning', { type: 'subscribe', id: '1', payload: { query: ' '.repeat(65_536) } }],
  ])('1009 for %s', async (_, message) => {
    const client = await ProtocolSocket.connect(api.webSocketUrl);
    opened.push(client);
    const closed = closing(client);
    client.send(message);
    expect(await closed).toEqual([1009, 'Before connection_ack a message may have 65536 characters']);
    expect(client.said).toEqual([]);
    expect(api.server.refusals.messages).toBe(refused + 1);
  });

  it('1009 for a message of too many values, which is not even parsed', async () => {
    const client = await open();
    const closed = closing(client);
    client.socket.send(
      `{"type":"subscribe","id":"1","payload":{"query":"{ a }","extensions":{"x":${manyValues(50_000)}}} no JSON`,
    );
    expect(await closed).toEqual([1009, 'A message may have 100000 values']);
    expect(api.server.refusals.messages).toBe(refused + 1);
  });

  it('1009 for a message beyond 4 MiB', async () => {
    const client = await open();
    client.send({ type: 'ping', payload: { x: 'x'.repeat(4_194_304) } });
    expect(await client.closed).toBe(1009);
    await until(() => api.server.refusals.messages === refused + 1);
  });

  it('4400 for a long id of an operation', async () => {
    const client = await open();
    client.subscribe('x'.repeat(256), readUser);
    await until(() => client.of('complete').length === 1);
    const closed = closing(client);
    client.subscribe('x'.repeat(257), readUser);
    expect(await closed).toEqual([4400, 'The id of an operation may have 256 characters']);
    expect((await Scrape.of(api.url)).sum('freshet_refused_total', { what: 'messages' })).toBe(refused + 1);
  });
});

describe('a WebSocket goes on', () => {
  it('after a beginning and a ping of 60,000 characters', async () => {
    const x = 'x'.repeat(60_000);
    const client = await open({ x });
    client.send({ type: 'ping', payload: { x } });
    await until(() => client.of('pong').length === 1);
    expect(client.of('pong')).toEqual([{ type: 'pong', payload: { x } }]);
  });

  it('after an operation of more values than one may have, which is told so', async () => {
    const client = await open();
    client.send({ type: 'subscribe', id: '1', payload: { query: ids, variables: { ids: Array(60_000).fill('u') } } });
    await until(() => client.of('complete').length === 1);
    expect(client.of('next')).toMatchObject([{ payload: { errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] } }]);
    expect(api.server.refusals.messages).toBe(refused);
  });
});

it('a WebSocket on which a message of a MiB is under way is not read until that is over', async () => {
  const client = await open();
  const reads = new HeldReads(api.engine);
  const extensions = { x: 'x'.repeat(1_048_576) };
  client.send({ type: 'subscribe', id: 'long', payload: { query: readUser, extensions } });
  await until(() => reads.begun === 1);
  client.subscribe('short', readUser);
  client.send({ type: 'ping' });
  // It has been sent before this, which is answered.
  await fetch(`${api.url}/livez`);
  expect(reads.begun).toBe(1);
  expect(client.said).toHaveLength(1);
  reads.letGo();
  await until(() => client.of('complete').length === 2 && client.of('pong').length === 1);
  expect(client.of('complete').map(({ id }) => id)).toEqual(['long', 'short']);
});
