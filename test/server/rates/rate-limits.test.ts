import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { GuardOptions } from '../../../src/server/guard/guard-options.ts';
import { KeyRing } from '../../support/access/key-ring.ts';
import { type ApiOptions, newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { ThrowawayValkey } from '../../support/throwaway-valkey.ts';
import { until } from '../../support/until.ts';

const apis: TestApi[] = [];
const agents: Agent[] = [];

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await Promise.all(apis.splice(0).map((api) => api.stop()));
});

async function start(guard: GuardOptions, options: ApiOptions = {}): Promise<TestApi> {
  const api = await startApi({ guard, ...options });
  apis.push(api);
  return api;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A client with a connection of its own, from an address of its own. */
function clientAt(api: TestApi, localAddress = '127.0.0.1') {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return async (body: object | null, headers: { [name: string]: string } = {}, method = 'POST'): Promise<Answer> => {
    const type = body === null ? {} : { 'content-type': 'application/json' };
    const accept = 'application/graphql-response+json';
    const sent = request(api.graphqlUrl, { method, agent, localAddress, headers: { accept, ...type, ...headers } });
    sent.end(body === null ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
}

const one = { query: '{ user(id: "u") { id } }' };
const rateLimited = { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }] };

/** How many of so many requests, one behind the other, are let through. */
async function letThrough(ask: () => Promise<Answer>, times: number): Promise<number> {
  let through = 0;
  for (let n = 0; n < times; n++) if ((await ask()).status === 200) through++;
  return through;
}

describe('a client that sends too many requests', () => {
  /** So few that the time which a test takes adds none. */
  const guard = { requestsPerSecond: 1 };

  it.each([
    ["Node's HTTP", Number.POSITIVE_INFINITY],
    ['the plain way', 1],
  ])('is told so, and when it may come again, by %s', async (_, hotAfter) => {
    const api = await start({ requestsPerSecond: 5 }, { hotAfter });
    const ask = clientAt(api);
    expect(await letThrough(() => ask(one), 5)).toBe(5);
    const refused = await until(async () => {
      const answer = await ask(one);
      return answer.status !== 200 && answer;
    });
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers['x-content-type-options']).toBe('nosniff');
    const said = JSON.parse(refused.body) as { errors: [{ extensions: { retryAfterMs: number } }] };
    expect(said).toMatchObject(rateLimited);
    expect(said.errors[0].extensions.retryAfterMs).toBeLessThanOrEqual(200);
    expect(api.server.refusals.requests).toBeGreaterThan(0);
    if (hotAfter === 1) expect(api.server.ways.plain).toBeGreaterThan(0);
    // On the same connection, a while later.
    await until(async () => (await ask(one)).status === 200);
  });

  it('keeps nobody else waiting, and nobody else from asking', async () => {
    const api = await start(guard);
    const [greedy, other] = [clientAt(api), clientAt(api, '127.0.0.2')];
    expect(await letThrough(() => greedy(one), 6)).toBeLessThanOrEqual(3);
    expect((await other(one)).status).toBe(200);
  });

  it('is counted over all processes that share a store', async () => {
    const keyPrefix = newKeyPrefix();
    const three = [
      await start(guard, { keyPrefix }),
      await start(guard, { keyPrefix }),
      await start(guard, { keyPrefix }),
    ];
    const clients = three.map((api) => clientAt(api));
    let through = 0;
    for (let n = 0; n < 4; n++) for (const ask of clients) if ((await ask(one)).status === 200) through++;
    expect(through).toBeGreaterThanOrEqual(2);
    expect(through).toBeLessThanOrEqual(3);
  });

  it('is refused whatever it asks by HTTP, but not its health', async () => {
    const api = await start(guard);
    const ask = clientAt(api);
    await letThrough(() => ask(one), 4);
    expect((await ask(null, {}, 'PUT')).status).toBe(429);
    expect((await ask(null, { accept: 'text/event-stream' }, 'GET')).status).toBe(429);
    expect((await ask(null, {}, 'DELETE')).status).toBe(429);
    expect((await ask({ query: 'x'.repeat(100_000) })).status).toBe(429);
    expect((await ask(null, {}, 'PATCH')).status).toBe(429);
    // Larger than is kept, and than is dropped.
    expect((await ask({ query: 'x'.repeat(6_000_000) })).status).toBe(429);
    expect((await api.get('/livez')).status).toBe(200);
  });

  it('is told so by its WebSocket, operation by operation', async () => {
    const api = await start(guard);
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    for (let n = 0; n < 6; n++) {
      socket.subscribe(`${n}`, one.query);
      await until(() => socket.about(`${n}`).length > 0);
    }
    const errors = socket.of('error');
    expect(errors.length).toBeGreaterThanOrEqual(3);
    for (const { payload } of errors) {
      expect({ errors: payload }).toMatchObject(rateLimited);
      expect(JSON.stringify(payload)).not.toContain('"http"');
    }
    expect(socket.of('next').length + errors.length).toBe(6);
    socket.socket.close();
  });

  it('is told so by a WebSocket that it opens: to come again', async () => {
    const api = await start(guard);
    const codes: number[] = [];
    for (let n = 0; n < 6; n++) {
      const socket = await ProtocolSocket.dial(api.webSocketUrl);
      await until(() => socket.said.length === 1 || socket.socket.readyState === socket.socket.CLOSED);
      socket.socket.close(1000);
      codes.push(await socket.closed);
    }
    expect(new Set(codes)).toEqual(new Set([1000, 1013]));
    const through = codes.indexOf(1013);
    expect(through).toBeGreaterThanOrEqual(2);
    expect(through).toBeLessThanOrEqual(4);
    expect(api.server.refusals.requests).toBe(codes.filter((code) => code === 1013).length);
  });

  it('is by its key another than strangers of the same address, by WebSocket too', async () => {
    const keys = new KeyRing();
    const api = await start(guard, { authenticator: keys.authenticator });
    const ask = clientAt(api);
    await until(async () => (await ask(one, { authorization: 'Bearer fsk_nobody' })).status === 429);
    const { authorization } = await keys.add('known', ['features:read']);
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, { authorization });
    expect(socket.of('connection_ack')).toHaveLength(1);
    socket.socket.close();
    const stranger = await ProtocolSocket.dial(api.webSocketUrl, {}, { authorization: 'Bearer fsk_nobody' });
    expect(await stranger.closed).toBe(1013);
    keys.close();
  });

  it('is one for all connections of it, and those behind a proxy are each their own', async () => {
    const api = await start({ ...guard, trustedProxies: ['127.0.0.1'] }, { hotAfter: 1 });
    const proxy = clientAt(api);
    for (const client of ['198.51.100.1', '198.51.100.2', '2001:db8::1']) {
      const ask = () => proxy(one, { 'x-forwarded-for': client });
      const through = await letThrough(ask, 5);
      expect(through).toBeGreaterThanOrEqual(2);
      expect(through).toBeLessThanOrEqual(4);
    }
    // Of the same /64.
    expect((await proxy(one, { 'x-forwarded-for': '2001:db8::2' })).status).toBe(429);
    expect(api.server.ways.plain).toBeGreaterThan(0);
    const untrusted = await start(guard);
    const ask = clientAt(untrusted);
    let through = 0;
    for (let n = 0; n < 6; n++)
      if ((await ask(one, { 'x-forwarded-for': `198.51.100.${n}` })).status === 200) through++;
    expect(through).toBeLessThanOrEqual(4);
  });
});

describe('a client whose operations cost too much', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `u${n}`);
  const read = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1h } } }';
  const reading = (count: number) => ({ query: read, variables: { ids: ids(count) } });
  const events = (count: number) =>
    ids(count).map((userId, n) => ({ transactionId: `t${n}`, userId, merchantId: 'm', amount: 1 }));
  const record = 'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }';

  it.each([
    ['the reference', Number.POSITIVE_INFINITY],
    ['compiled operations', 1],
  ])('is told so by %s, and nothing is done', async (_, hotAfter) => {
    const api = await start({ costPerSecond: 10 }, { hotAfter });
    const ask = clientAt(api);
    expect((await ask(reading(1))).status).toBe(200);
    expect((await ask(reading(15))).status).toBe(200);
    const { short } = api.server.ways;
    if (hotAfter === 1) expect(short).toBe(1);
    const refused = await ask(reading(20));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(refused.body)).toMatchObject({
      errors: [{ message: expect.stringContaining('costs 20'), ...rateLimited.errors[0] }],
    });
    expect(JSON.parse(refused.body).data).toBeUndefined();
    expect(api.server.refusals).toMatchObject({ requests: 0, cost: 1 });
    // What never could be let through is not to come again.
    const tooMuch = await ask(reading(21));
    expect(tooMuch.status).toBe(400);
    expect(tooMuch.body).toContain('QUERY_TOO_COMPLEX');
    expect(tooMuch.body).toContain('the limit is 20');
    expect(api.server.refusals.cost).toBe(1);
  });

  it('by what it records, of which nothing is then recorded', async () => {
    const api = await start({ costPerSecond: 10 });
    const ask = clientAt(api);
    expect((await ask({ query: record, variables: { input: events(18) } })).status).toBe(200);
    const more = events(9).map((event) => ({ ...event, transactionId: `more ${event.transactionId}`, userId: 'z' }));
    expect((await ask({ query: record, variables: { input: more } })).status).toBe(429);
    const unlimited = await start({}, { keyPrefix: api.keyPrefix });
    const { data } = await unlimited.ask('{ users(ids: ["z", "u1"]) { riskProfile { txnCount1h } } }');
    expect(data).toEqual({ users: [{ riskProfile: { txnCount1h: 0 } }, { riskProfile: { txnCount1h: 1 } }] });
  });

  it.each([
    ['the reference', Number.POSITIVE_INFINITY],
    ['what compiles operations', 1],
  ])('by what it searches, by %s', async (_, hotAfter) => {
    const api = await start({ costPerSecond: 60 }, { hotAfter });
    const ask = clientAt(api);
    const searching = (count: number) => ({
      query: `{ ${ids(count).map((name) => `${name}: searchEntities(text: "x", first: 1) { complete }`)} }`,
    });
    const ten = await ask(searching(10));
    expect(ten.status).toBe(400);
    expect(ten.body).toContain('The query costs 1000: the limit is 120 at a time');
    expect((await ask(searching(1))).status).toBe(200);
    expect((await ask(searching(1))).status).toBe(429);
    expect(api.server.refusals).toMatchObject({ requests: 0, cost: 1 });
  });

  it('is told by its WebSocket of what cannot be measured, which goes on with all else', async () => {
    const api = await start({ costPerSecond: 100 });
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    const conditional = (operation: string) => `${operation} ($x: Boolean = true) `;
    const asked = [
      `${conditional('query')} { user(id: "a") @include(if: $x) { id } }`,
      `${conditional('query')} { user(id: "a") { id @skip(if: $x) } }`,
      `${conditional('subscription')} { userRiskProfileUpdated(userIds: ["a"]) @include(if: $x) { cause } }`,
    ];
    for (const [n, query] of asked.entries()) {
      socket.send({ type: 'subscribe', id: `${n}`, payload: { query, variables: { x: null } } });
      await until(() => socket.about(`${n}`).length > 0);
      expect(JSON.stringify(socket.about(`${n}`)[0])).toContain('BAD_USER_INPUT');
    }
    socket.subscribe('last', one.query);
    await until(() => socket.about('last').length > 0);
    expect(socket.about('last')[0]).toMatchObject({ type: 'next', payload: { data: { user: { id: 'u' } } } });
    socket.socket.close();
  });

  it('by WebSocket and event streams, as an error of the operation', async () => {
    const api = await start({ costPerSecond: 2 });
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    const watch = `subscription { userRiskProfileUpdated(userIds: ${JSON.stringify(ids(4))}) { user { riskProfile { txnCount1h } } } }`;
    socket.subscribe('1', watch);
    await until(() => socket.about('1').length > 0);
    expect(socket.about('1')).toMatchObject([{ type: 'next', payload: { data: {} } }]);
    socket.subscribe('2', watch);
    await until(() => socket.about('2').length === 2);
    expect(socket.about('2')).toMatchObject([{ payload: rateLimited }, { type: 'complete' }]);
    expect(JSON.stringify(socket.about('2'))).not.toContain('"http"');
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    const stream = await reserved.open();
    await reserved.ask('3', watch);
    await until(() => stream.events.length === 2);
    expect(stream.events[0]?.data?.payload).toMatchObject(rateLimited);
    const response = await fetch(api.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: watch }),
    });
    expect(response.status).toBe(429);
    expect(await response.text()).toContain('retryAfterMs');
    stream.leave();
    socket.socket.close();
  });

  it('pays once for what a compiled operation leaves to the reference', async () => {
    const api = await start({ costPerSecond: 10 }, { hotAfter: 1 });
    const ask = clientAt(api);
    await ask(reading(1));
    // An id that is refused: only the reference says so.
    const bad = { query: read, variables: { ids: [...ids(8), ''] } };
    expect((await ask(bad)).body).toContain('ID_INVALID');
    expect(api.server.ways.left).toBe(1);
    expect((await ask(reading(9))).status).toBe(200);
  });
});

describe('while Valkey cannot be asked', () => {
  it('each process counts by itself, at once, and goes by Valkey again when it is back', async () => {
    const valkey = await ThrowawayValkey.create();
    try {
      await valkey.start();
      const api = await start({ requestsPerSecond: 5 }, { valkeyUrl: valkey.url });
      const ask = clientAt(api);
      const name = { query: '{ __typename }' };
      expect((await ask(name)).status).toBe(200);
      expect(api.server.refusals.limitedLocally).toBe(0);
      await valkey.crash();
      const begun = performance.now();
      const statuses: (number | undefined)[] = [];
      for (let n = 0; n < 30; n++) statuses.push((await ask(name)).status);
      // Less than a command may take.
      expect(performance.now() - begun).toBeLessThan(3_000);
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(5);
      expect(statuses).toContain(429);
      expect(api.server.refusals.limitedLocally).toBeGreaterThan(0);
      expect(api.log.filter((line) => line.includes('Rates cannot be counted in Valkey')).length).toBeGreaterThan(0);
      await valkey.start();
      await until(async () => {
        const { limitedLocally } = api.server.refusals;
        return (await ask(name)).status === 200 && api.server.refusals.limitedLocally === limitedLocally;
      }, 20_000);
    } finally {
      await valkey.destroy();
    }
  });

  it('nobody who waits for leave waits as long as for what Valkey is asked', async () => {
    const valkey = await ThrowawayValkey.create();
    try {
      await valkey.start();
      const api = await start({ requestsPerSecond: 50 }, { valkeyUrl: valkey.url });
      // Of one without limits, which waits for Valkey alone.
      const unlimited = await start({}, { valkeyUrl: valkey.url });
      const [ask, reader] = [clientAt(api), clientAt(unlimited)];
      await ask(one);
      valkey.freeze();
      let isRead = false;
      const read = reader({ query: '{ user(id: "u") { riskProfile { txnCount1h } } }' }).then((answer) => {
        isRead = true;
        return answer;
      });
      for (let n = 0; n < 5; n++) expect((await ask({ query: '{ __typename }' })).status).toBe(200);
      expect(isRead).toBe(false);
      expect(api.server.refusals.limitedLocally).toBeGreaterThan(0);
      expect((await read).body).toContain('UNAVAILABLE');
    } finally {
      await valkey.destroy();
    }
  });
});
