import { randomUUID } from 'node:crypto';
import { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { faultySchema } from '../../support/faulty-schema.ts';
import { HeldReads } from '../../support/held-reads.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
let valkey: Redis;
const opened: EventStream[] = [];

beforeAll(async () => {
  api = await startApi();
  valkey = new Redis(inject('valkeyUrl'));
});

afterEach(async () => {
  for (const stream of opened.splice(0)) stream.leave();
  await expectNothingWatched();
});

afterAll(async () => {
  valkey?.disconnect();
  await api?.stop();
});

/** Nothing is watched any more, here and at Valkey, where only the canary's channel is left. */
async function expectNothingWatched(): Promise<void> {
  const { hub } = api.backend.current();
  await until(() => hub.load.subscriptions === 0 && hub.load.entities === 0);
  const channels = () => valkey.pubsub('CHANNELS', `*${api.keyPrefix}:v1:*`) as Promise<string[]>;
  await until(async () => (await channels()).length === 0);
}

async function open(): Promise<{ readonly reserved: ReservedStream; readonly stream: EventStream }> {
  const reserved = await ReservedStream.reserve(api.graphqlUrl);
  const stream = await reserved.open();
  opened.push(stream);
  return { reserved, stream };
}

const watchUsers = `subscription ($userIds: [ID!]!) {
  userRiskProfileUpdated(userIds: $userIds) { cause user { id riskProfile { txnCount1h } } }
}`;
const readUser = (id: string) => `{ user(id: "${id}") { riskProfile { txnCount1h } } }`;
const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
const payment = (userId: string) => ({
  input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 2 },
});

const next = (id: string, data: unknown) => ({ event: 'next', data: { id, payload: { data } } });
const update = (id: string, cause: string, user: string, count: number) =>
  next(id, { userRiskProfileUpdated: [{ cause, user: { id: user, riskProfile: { txnCount1h: count } } }] });
const complete = (id: string) => ({ event: 'complete', data: { id } });

describe('a reserved event stream', () => {
  it('carries the results of all operations of its client, each under its id', async () => {
    const { reserved, stream } = await open();
    expect(stream.response.statusCode).toBe(200);
    expect(stream.response.headers['content-type']).toBe('text/event-stream');
    const [a, b] = [randomUUID(), randomUUID()];
    expect(await reserved.ask('a', watchUsers, { userIds: [a] })).toMatchObject({ status: 202, text: '' });
    expect((await reserved.ask('b', watchUsers, { userIds: [b] })).status).toBe(202);
    await until(() => stream.events.length === 2);
    expect((await reserved.ask('c', record, payment(b))).status).toBe(202);
    await until(() => stream.events.length === 5);
    expect(stream.about('a')).toEqual([update('a', 'SNAPSHOT', a, 0)]);
    expect(stream.about('b')).toEqual([update('b', 'SNAPSHOT', b, 0), update('b', 'EVENT', b, 1)]);
    expect(stream.about('c')).toEqual([next('c', { recordTransaction: { status: 'RECORDED' } }), complete('c')]);
  });

  it('is used and opened by its token in the address, too, as browsers’ EventSource must', async () => {
    const { token } = await ReservedStream.reserve(api.graphqlUrl);
    const address = `${api.graphqlUrl}?token=${token}`;
    const stream = await EventStream.open(address);
    opened.push(stream);
    const search = new URLSearchParams({ query: readUser('u'), extensions: '{"operationId":"q"}' });
    expect((await fetch(`${address}&${search}`)).status).toBe(202);
    await until(() => stream.events.length === 2);
    expect(stream.events).toEqual([next('q', { user: { riskProfile: { txnCount1h: 0 } } }), complete('q')]);
    expect((await fetch(`${address}&operationId=q`, { method: 'DELETE' })).status).toBe(200);
  });

  it('keeps what is asked for before it is opened', async () => {
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    const user = randomUUID();
    expect((await reserved.ask('w', watchUsers, { userIds: [user] })).status).toBe(202);
    expect((await reserved.ask('q', readUser('u'))).status).toBe(202);
    await api.ask(record, payment(user));
    const stream = await reserved.open();
    opened.push(stream);
    await until(() => stream.events.length === 4);
    expect(stream.about('w')).toEqual([update('w', 'SNAPSHOT', user, 0), update('w', 'EVENT', user, 1)]);
    expect(stream.about('q')).toEqual([next('q', { user: { riskProfile: { txnCount1h: 0 } } }), complete('q')]);
  });

  it('has an operation ended by its id, which may be used again', async () => {
    const { hub } = api.backend.current();
    const { reserved, stream } = await open();
    const [one, other] = [randomUUID(), randomUUID()];
    await reserved.ask('w', watchUsers, { userIds: [one] });
    await until(() => hub.load.entities === 1 && stream.events.length === 1);
    expect(await reserved.end('w')).toBe(200);
    await expectNothingWatched();
    expect((await reserved.ask('w', watchUsers, { userIds: [other] })).status).toBe(202);
    await api.ask(record, payment(one));
    await api.ask(record, payment(other));
    await until(() => stream.events.length === 3);
    expect(stream.events.slice(1)).toEqual([update('w', 'SNAPSHOT', other, 0), update('w', 'EVENT', other, 1)]);
    // One that is not there may have come to its end a moment ago.
    expect(await reserved.end('nothing')).toBe(200);
  });

  it('is over when its client leaves, with all its operations, and is not to be had again', async () => {
    const { hub } = api.backend.current();
    const { reserved, stream } = await open();
    for (const id of ['1', '2', '3']) await reserved.ask(id, watchUsers, { userIds: [id, 'all'] });
    await until(() => stream.events.length === 3);
    expect(hub.load).toEqual({ entities: 4, subscriptions: 3 });
    stream.leave();
    await expectNothingWatched();
    const again = await reserved.open();
    expect(again.response.statusCode).toBe(404);
    expect((await reserved.ask('q', readUser('u'))).status).toBe(404);
    expect(await reserved.end('1')).toBe(404);
  });

  it('has one connection only', async () => {
    const { reserved, stream } = await open();
    const second = await reserved.open();
    expect(second.response.statusCode).toBe(409);
    await reserved.ask('q', readUser('u'));
    await until(() => stream.events.length === 2);
  });

  it('leaves nothing of an operation that is ended, or whose client leaves, at whatever moment', async () => {
    for (const milliseconds of [0, 1, 2, 5, 10, 20]) {
      const { reserved, stream } = await open();
      const ids = Array.from({ length: 20 }, (_, i) => `o${i}`);
      const asked = ids.map((id) => reserved.ask(id, watchUsers, { userIds: [`early-${id}`] }));
      const ended = ids.slice(10).map((id) => reserved.end(id));
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      stream.leave();
      await Promise.all([...asked, ...ended]);
      await expectNothingWatched();
    }
  });

  it('says now and then that it is there', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { stream } = await open();
      await until(() => stream.comments === 1);
      vi.advanceTimersByTime(12_000);
      await until(() => stream.comments === 2);
      expect(stream.events).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a mistake on a reserved event stream', () => {
  it.each([
    ['no operationId', undefined, readUser('u'), 400],
    ['an empty operationId', '', readUser('u'), 400],
    ['an operationId that is no string', { a: 1 }, readUser('u'), 400],
    ['a long operationId', 'i'.repeat(257), readUser('u'), 400],
    ['a syntax error', 'q', '{ user(', 400],
    ['a field that is not there', 'q', '{ nothing }', 400],
    ['an operation that is not there', 'q', 'query A { __typename } query B { __typename }', 400],
  ])('in the request is answered to it: %s', async (_, id, query, status) => {
    const { reserved, stream } = await open();
    const answer = await reserved.ask(id, query);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).errors).toHaveLength(1);
    expect((await reserved.ask('q', readUser('u'))).status).toBe(202);
    await until(() => stream.events.length === 2);
    expect(stream.about('q')).toHaveLength(2);
  });

  it.each([
    ['a missing variable', {}, 'BAD_USER_INPUT'],
    ['too many ids', { userIds: Array(1_001).fill('u') }, 'TOO_MANY_IDS'],
  ])('in what it is executed with is told on the stream: %s', async (_, variables, code) => {
    const { reserved, stream } = await open();
    expect((await reserved.ask('w', watchUsers, variables)).status).toBe(202);
    await until(() => stream.events.length === 2);
    const [first, last] = stream.about('w');
    expect(first).toMatchObject({ data: { payload: { errors: [{ extensions: { code } }] } } });
    // What is meant for HTTP stays there.
    expect(JSON.stringify(first)).not.toContain('"http"');
    expect(last).toEqual(complete('w'));
  });

  it('is an id that is in use', async () => {
    const { reserved, stream } = await open();
    await reserved.ask('w', watchUsers, { userIds: ['u'] });
    expect((await reserved.ask('w', watchUsers, { userIds: ['other'] })).status).toBe(409);
    await until(() => stream.events.length === 1);
    expect(api.backend.current().hub.load.entities).toBe(1);
  });

  it('is a token of no stream, or none where it must be, or no id to end', async () => {
    const { reserved } = await open();
    const headers = { 'x-graphql-event-stream-token': randomUUID() };
    expect((await fetch(api.graphqlUrl, { headers: { ...headers, accept: 'text/event-stream' } })).status).toBe(404);
    expect((await fetch(`${api.graphqlUrl}?query={__typename}`, { headers })).status).toBe(404);
    expect((await fetch(`${api.graphqlUrl}?operationId=q`, { method: 'DELETE', headers })).status).toBe(404);
    expect((await fetch(`${api.graphqlUrl}?operationId=q`, { method: 'DELETE' })).status).toBe(404);
    expect((await fetch(api.graphqlUrl, { method: 'DELETE', headers: reserved.headers })).status).toBe(400);
    expect((await fetch(api.graphqlUrl, { method: 'PUT', headers: { accept: 'text/html' } })).status).toBe(406);
  });

  it('is a mutation by GET, which does not happen', async () => {
    const { reserved, stream } = await open();
    const user = randomUUID();
    const search = new URLSearchParams({
      query: record,
      variables: JSON.stringify(payment(user)),
      extensions: '{"operationId":"m"}',
    });
    expect((await fetch(`${api.graphqlUrl}?${search}`, { headers: reserved.headers })).status).toBe(405);
    await reserved.ask('q', readUser(user));
    await until(() => stream.events.length === 2);
    expect(stream.events[0]).toEqual(next('q', { user: { riskProfile: { txnCount1h: 0 } } }));
  });
});

describe('a fault of ours on a reserved event stream', () => {
  it('is told without a word of what happened, and ends its operation alone', async () => {
    const faulty = await startApi({ schema: faultySchema });
    try {
      const reserved = await ReservedStream.reserve(faulty.graphqlUrl);
      const stream = await reserved.open();
      expect((await reserved.ask('s', '{ secret }')).status).toBe(202);
      await reserved.ask('f', '{ fine }');
      await until(() => stream.events.length === 4);
      const extensions = { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) };
      expect(stream.about('s')).toEqual([
        {
          event: 'next',
          data: { id: 's', payload: { errors: [{ message: 'Something went wrong on our side.', extensions }] } },
        },
        complete('s'),
      ]);
      expect(stream.about('f')).toEqual([next('f', { fine: null }), complete('f')]);
      expect(faulty.log.join()).toContain('BigInt');
    } finally {
      await faulty.stop();
    }
  });
});

describe('a reserved event stream on which much is asked', () => {
  it('has a few operations under way at once, and all are answered', async () => {
    const { reserved, stream } = await open();
    const reads = new HeldReads(api.engine);
    const ids = Array.from({ length: 120 }, (_, i) => `q${i}`);
    const asked = ids.map((id) => reserved.ask(id, readUser(id)));
    await until(() => reads.begun === 50);
    // Whatever comes by another way is read meanwhile, and would show one more.
    const other = api.ask(readUser('other'));
    await until(() => reads.begun === 51);
    reads.letGo();
    await other;
    expect((await Promise.all(asked)).every(({ status }) => status === 202)).toBe(true);
    await until(() => stream.events.length === 2 * ids.length);
    for (const id of ids) expect(stream.about(id)).toHaveLength(2);
  });

  it('does nothing of what was ended while it waited', async () => {
    const { reserved, stream } = await open();
    const user = randomUUID();
    const reads = new HeldReads(api.engine);
    const asked = Array.from({ length: 50 }, (_, i) => reserved.ask(`q${i}`, readUser('u')));
    await until(() => reads.begun === 50);
    const waits = reserved.ask('m', record, payment(user));
    // A second of this id is refused once the first waits.
    await until(async () => (await reserved.ask('m', '{ __typename }')).status === 409);
    expect(await reserved.end('m')).toBe(200);
    expect((await waits).status).toBe(404);
    reads.letGo();
    await Promise.all(asked);
    await until(() => stream.events.length === 100);
    expect(stream.about('m')).toEqual([]);
    expect((await api.ask(readUser(user))).data).toEqual({ user: { riskProfile: { txnCount1h: 0 } } });
  });

  it('may have thousands of subscriptions, and is told when they are too many', async () => {
    const { hub } = api.backend.current();
    const { reserved, stream } = await open();
    for (let i = 0; i < 2_000; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, j) => reserved.ask(`w${i + j}`, watchUsers, { userIds: [`u${j % 10}`] })),
      );
    }
    await until(() => stream.events.length === 2_000);
    expect(hub.load).toEqual({ entities: 10, subscriptions: 2_000 });
    const refused = await reserved.ask('more', watchUsers, { userIds: ['u'] });
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('5');
    expect(JSON.parse(refused.text)).toMatchObject({
      errors: [{ message: expect.stringContaining('2000'), extensions: { code: 'RATE_LIMITED' } }],
    });
    await reserved.end('w0');
    expect((await reserved.ask('more', watchUsers, { userIds: ['u'] })).status).toBe(202);
  });
});

describe('event streams that are reserved and never opened', () => {
  const from = (n: number) => ({ 'x-forwarded-for': `198.51.100.${n}` });
  const put = (n: number) => fetch(api.graphqlUrl, { method: 'PUT', headers: from(n) });
  let api: TestApi;

  beforeEach(async () => {
    api = await startApi({ guard: { trustedProxies: ['127.0.0.1'] } });
  });
  afterEach(async () => {
    for (const stream of opened.splice(0)) stream.leave();
    await api.stop();
  });

  it('are so many of one client at most, and others have room', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const reserved = await ReservedStream.reserve(api.graphqlUrl, from(1));
    for (let i = 1; i < 100; i++) expect((await put(1)).status).toBe(201);
    const refused = await put(1);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toEqual({
      errors: [{ message: expect.stringContaining('100 event streams'), extensions: { code: 'RATE_LIMITED' } }],
    });
    expect(api.server.refusals).toMatchObject({ streams: 1, subscriptions: 0 });
    expect((await Scrape.of(api.url)).sum('freshet_refused_total', { what: 'event_streams' })).toBe(1);
    expect((await put(2)).status).toBe(201);
    // Opening one makes room, once.
    const stream = await reserved.open();
    opened.push(stream);
    expect((await put(1)).status).toBe(201);
    expect((await put(1)).status).toBe(429);
    stream.leave();
    expect((await put(1)).status).toBe(429);
    vi.advanceTimersByTime(30_000);
    for (let i = 0; i < 100; i++) expect((await put(1)).status).toBe(201);
    expect((await put(1)).status).toBe(429);
  });

  it('are so many at most, and are forgotten after half a minute, with what was asked for them', async () => {
    const { hub } = api.backend.current();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const reserved = await ReservedStream.reserve(api.graphqlUrl, from(0));
      await reserved.ask('w', watchUsers, { userIds: ['u'] });
      expect(hub.load.subscriptions).toBe(1);
      for (let i = 1; i < 1_000; i++) expect((await put(i % 10)).status).toBe(201);
      const before = api.log.length;
      const refused = await put(0);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await refused.text()).toContain('1000');
      expect(api.log.slice(before).map((line) => JSON.parse(line))).toContainEqual(
        expect.objectContaining({ level: 40, refused: 1 }),
      );
      // Opening one makes room.
      const stream = await reserved.open();
      opened.push(stream);
      expect((await put(0)).status).toBe(201);
      expect((await put(0)).status).toBe(503);
      vi.advanceTimersByTime(30_000);
      expect((await put(0)).status).toBe(201);
      // The one that was opened goes on.
      expect(stream.about('w')).toHaveLength(1);
      expect(hub.load.subscriptions).toBe(1);

      const forgotten = await ReservedStream.reserve(api.graphqlUrl);
      await forgotten.ask('w', watchUsers, { userIds: ['other'] });
      expect(hub.load.subscriptions).toBe(2);
      vi.advanceTimersByTime(30_000);
      expect(hub.load.subscriptions).toBe(1);
      expect((await forgotten.open()).response.statusCode).toBe(404);
    } finally {
      vi.useRealTimers();
    }
  });
});
