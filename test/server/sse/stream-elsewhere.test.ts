import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import type { EventStream } from '../../support/event-stream.ts';
import { speakTo } from '../../support/raw-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';

let sockets: string;
/** The worker that holds the streams, and another one, which is asked about them. */
let holder: TestApi;
let other: TestApi;
const opened: EventStream[] = [];

beforeEach(async () => {
  sockets = await mkdtemp(join(tmpdir(), 'freshet-test-'));
  const keyPrefix = newKeyPrefix();
  holder = await startApi({ keyPrefix, worker: { id: 1, sockets }, bodyLimitBytes: 100_000 });
  other = await startApi({ keyPrefix, worker: { id: 12, sockets }, bodyLimitBytes: 100_000 });
});

afterEach(async () => {
  vi.useRealTimers();
  for (const stream of opened.splice(0)) stream.leave();
  await Promise.all([holder.stop(), other.stop()]);
  await rm(sockets, { recursive: true });
});

const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
const payment = () => ({ input: { transactionId: randomUUID(), userId: 'u', merchantId: 'm', amount: 1 } });

async function open(stream: ReservedStream): Promise<EventStream> {
  const own = await stream.open();
  opened.push(own);
  return own;
}

/** Whether a worker has logged the requests of this id. */
function has(api: TestApi, requestId: string): boolean {
  return api.log.some((line) => line.includes(requestId));
}

describe('an event stream that another worker holds', () => {
  it('is a connection of its client where that has it, and not at its holder as well', async () => {
    const guard = { clientConnections: 1, trustedProxies: ['127.0.0.1'] };
    const own = await startApi({ worker: { id: 21, sockets }, guard });
    const asked = await startApi({ worker: { id: 22, sockets }, guard });
    onTestFinished(async () => {
      for (const stream of opened.splice(0)) stream.leave();
      await Promise.all([own.stop(), asked.stop()]);
    });
    const reserve = () => ReservedStream.reserve(own.graphqlUrl, { 'x-forwarded-for': '198.51.100.1' });
    const statusOf = async (stream: ReservedStream) => (await open(stream)).response.statusCode;
    const first = await open((await reserve()).at(asked.graphqlUrl));
    expect(first.response.statusCode).toBe(200);
    const second = (await reserve()).at(asked.graphqlUrl);
    expect(await statusOf(second)).toBe(429);
    expect(await statusOf(await reserve())).toBe(200);
    expect([own, asked].map(({ server }) => server.refusals.clientConnections)).toEqual([0, 1]);
    first.leave();
    await until(async () => (await statusOf(second)) === 200);
  });

  it('is used, opened and its operations ended there as here', async () => {
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    expect(await reserved.ask('w', watch)).toMatchObject({ status: 202, text: '' });
    const stream = await open(reserved);
    expect(stream.response.statusCode).toBe(200);
    expect(stream.response.headers['content-type']).toBe('text/event-stream');
    await until(() => stream.about('w').length === 1);
    expect((await reserved.ask('r', record, payment())).status).toBe(202);
    await until(() => stream.about('w').length === 2 && stream.about('r').length === 2);
    expect(stream.about('w')).toMatchObject([
      {},
      { data: { payload: { data: { userRiskProfileUpdated: [{ cause: 'EVENT' }] } } } },
    ]);
    expect((await reserved.ask('w', watch)).status).toBe(409);
    expect(await reserved.end('w')).toBe(200);
    await until(() => holder.backend.current().hub.load.subscriptions === 0);
    expect(other.backend.current().hub.load.subscriptions).toBe(0);
  });

  it('asks who it is there as here, and ends there when its key is taken back', async () => {
    const keys = new KeyRing();
    onTestFinished(() => keys.close());
    const { authenticator } = keys;
    const keyed = await Promise.all([2, 3].map((id) => startApi({ authenticator, worker: { id, sockets } })));
    onTestFinished(() => Promise.all(keyed.map((api) => api.stop())).then(() => {}));
    const [first, second] = keyed as [TestApi, TestApi];
    const [own, foreign] = [await keys.add('own', ['features:read']), await keys.add('foreign', ['features:read'])];
    const reserved = (await ReservedStream.reserve(first.graphqlUrl, own)).at(second.graphqlUrl);
    const stream = await open(reserved);
    expect((await reserved.ask('w', watch)).status).toBe(202);
    await until(() => stream.about('w').length === 1);
    for (const [headers, status] of [
      [{}, 401],
      [foreign, 404],
    ] as const) {
      const all = { ...reserved.headers, authorization: '', ...headers };
      const response = await fetch(second.graphqlUrl, { headers: { ...all, accept: 'text/event-stream' } });
      expect(response.status).toBe(status);
      await response.body?.cancel();
    }
    keys.revoke('own');
    await stream.closed();
    expect(stream.about('w').slice(1)).toMatchObject([
      { data: { payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } } },
      { event: 'complete' },
    ]);
  });

  it('has an answer to what is wrong just as its holder gives it', async () => {
    const reserved = await ReservedStream.reserve(holder.graphqlUrl);
    const json = { 'content-type': 'application/json' };
    const requests: readonly RequestInit[] = [
      { method: 'POST', headers: json, body: '{' },
      { method: 'POST', headers: json, body: '{"query":"{ nonsense }","extensions":{"operationId":"q"}}' },
      { method: 'POST', headers: json, body: JSON.stringify({ query: watch }) },
      { method: 'POST', headers: json, body: ' '.repeat(200_000) },
      { method: 'POST', headers: json, body: ' '.repeat(2_000_000) },
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: ' '.repeat(5_000_000) },
      { method: 'POST', headers: { ...json, accept: 'image/png' }, body: '{}' },
      { method: 'GET' },
      { method: 'DELETE' },
      { method: 'DELETE', body: 'nothing that anybody reads' },
    ];
    const answered = ({ graphqlUrl }: TestApi, init: RequestInit) =>
      fetch(graphqlUrl, { ...init, headers: { ...init.headers, ...reserved.headers, 'x-request-id': 'same' } });
    for (const init of requests) {
      const [here, there] = [await answered(holder, init), await answered(other, init)];
      const shown = async ({ status, headers }: Response, text: string) => ({
        status,
        text,
        headers: Object.fromEntries([...headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name))),
      });
      expect(await shown(there, await there.text())).toEqual(await shown(here, await here.text()));
    }
  });

  it('is asked under the id of the request, by which both have it in their logs', async () => {
    const reserved = await ReservedStream.reserve(holder.graphqlUrl);
    const body = JSON.stringify({ query: '{ __typename }', extensions: { operationId: 'q' } });
    const headers = { ...reserved.headers, 'content-type': 'application/json' };
    const { headers: told } = await fetch(other.graphqlUrl, { method: 'POST', headers, body });
    const requestId = told.get('x-request-id') ?? '';
    expect(requestId).not.toBe('');
    await until(() => has(holder, requestId) && has(other, requestId));
  });

  it('is unknown where nobody, or nobody any more, holds it', async () => {
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    const statusOf = async (token: string) =>
      (await fetch(`${other.graphqlUrl}?operationId=q&token=${encodeURIComponent(token)}`, { method: 'DELETE' }))
        .status;
    expect(await statusOf(reserved.token)).toBe(200);
    for (const id of ['1', '2', '12', '0', '01', '999999999', '../1', '1/../1', '']) {
      expect(await statusOf(`${id}.${randomUUID()}`)).toBe(404);
    }
    await holder.leave();
    expect((await reserved.ask('q', '{ __typename }')).status).toBe(404);
  });

  it('is given up, with all that is watched, when its client leaves', async () => {
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    const stream = await open(reserved);
    await reserved.ask('w', watch);
    await until(() => stream.events.length === 1);
    stream.leave();
    await until(() => holder.backend.current().hub.load.subscriptions === 0);
    expect((await reserved.ask('w', watch)).status).toBe(404);
  });

  it('is cut short, and does not end well, when its holder breaks', async () => {
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    const stream = await open(reserved);
    await reserved.ask('w', watch);
    await until(() => stream.events.length === 1);
    holder.server.terminate();
    await stream.closed();
    expect(stream.response.complete).toBe(false);
  });

  it('ends well, but is not complete, when both go away', async () => {
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    const stream = await open(reserved);
    await reserved.ask('w', watch);
    await until(() => stream.events.length === 1);
    await Promise.all([other.leave(), holder.leave()]);
    await stream.closed();
    expect(stream.response.complete).toBe(true);
    expect(stream.events.map(({ event }) => event)).toEqual(['next']);
  });

  it('passes on no body of a request that has none, which would be taken for another request', async () => {
    const { token } = await ReservedStream.reserve(holder.graphqlUrl);
    const hidden = `GET /livez HTTP/1.1\r\nHost: x\r\nx-request-id: hidden\r\n\r\n`;
    const head = `DELETE /graphql?operationId=q&token=${token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
    const framed = `Transfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    for (const body of [`Content-Length: ${hidden.length}\r\n\r\n${hidden}`, framed]) {
      expect(await speakTo(other.url, head + body)).toMatch(/^HTTP\/1\.1 200/);
    }
    expect(has(holder, 'hidden')).toBe(false);
  });

  it('is kept waiting by no client that sends half of a body and leaves', async () => {
    const { token } = await ReservedStream.reserve(holder.graphqlUrl);
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1').on('error', () => {});
    let told = '';
    socket.on('data', (chunk) => {
      told += chunk;
    });
    const head = `POST /graphql?token=${token} HTTP/1.1\r\nHost: x\r\nx-request-id: half\r\nExpect: 100-continue\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n`);
    await until(() => told.includes('100 Continue'));
    socket.write('{"query":');
    socket.destroy();
    await until(() => has(other, 'half'));
    await holder.leave(); // which waits for what is under way
  });

  it('is dropped, with all that it watches, for a client that reads nothing', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const reserved = (await ReservedStream.reserve(holder.graphqlUrl)).at(other.graphqlUrl);
    const stream = await open(reserved);
    stream.readNothing();
    const aliases = Array.from({ length: 20 }, (_, i) => `${'a'.repeat(300)}${i}: txnCount1h`);
    const userIds = Array.from({ length: 1_000 }, (_, i) => `u${i}`);
    const much = `subscription ($userIds: [ID!]!) { userRiskProfileUpdated(userIds: $userIds) { user { riskProfile { ${aliases} } } } }`;
    expect((await reserved.ask('w', much, { userIds })).status).toBe(202);
    const { hub } = holder.backend.current();
    expect(hub.load.subscriptions).toBe(1);
    await until(() => {
      vi.advanceTimersByTime(12_000);
      return hub.load.subscriptions === 0;
    });
    stream.readOn();
    await stream.closed();
    expect(stream.response.complete).toBe(false);
  });
});
