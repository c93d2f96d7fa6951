import { describe, expect, it } from 'vitest';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';
import { clientAt, one, rateLimited, start } from './limited-clients.ts';

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
