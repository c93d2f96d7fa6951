import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { Draw } from '../../support/draw.ts';
import { HeldReads } from '../../support/held-reads.ts';
import { holdsFor, patienceMs } from '../../support/property.ts';
import { until } from '../../support/until.ts';

const hotQuery = 'query ($id: ID!) { user(id: $id) { id riskProfile { txnCount1h avgTxnAmount24h } } }';
const twoMutations = `mutation ($a: TransactionInput!, $b: TransactionInput!) {
  a: recordTransaction(input: $a) { status }
  b: recordTransaction(input: $b) { user { riskProfile { txnCount1h } } }
}`;
const leftBetween = `mutation ($a: TransactionInput!, $b: TransactionInput!) {
  a: recordTransaction(input: $a) { user { riskProfile { txnCount1h } } }
  b: recordTransaction(input: $b) { status }
}`;
const json = ['Host: x', 'X-Request-Id: one', 'Content-Type: application/json'];

let api: TestApi;

beforeAll(async () => {
  api = await startApi({ hotAfter: 1, bodyLimitBytes: 200_000 });
  await until(async () => {
    await api.ask(hotQuery, { id: 'u' });
    return api.server.ways.plain > 0;
  });
});
afterAll(() => api?.stop());

function hot(id = 'u', padding = 0): string {
  return JSON.stringify({ query: hotQuery, variables: { id } }) + ' '.repeat(padding);
}

const cold = (n: number) => JSON.stringify({ query: `{ user(id: ${n}) { id } featureViews { name } }` });

function request(first: string, headers: readonly string[], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([first, ...headers, '', ''].join('\r\n')), Buffer.from(body)]);
}

function post(body: string | Buffer, headers: readonly string[] = [], path = '/graphql'): Buffer {
  return request(`POST ${path} HTTP/1.1`, [...json, ...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);
}

/** A client that says what it is told to, and keeps what it hears. */
class Caller {
  readonly socket: Socket;
  #heard = '';

  private constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true).on('error', () => {});
    socket.setEncoding('utf8').on('data', (text) => {
      this.#heard += text;
    });
  }

  static async dial(halfOpen = false): Promise<Caller> {
    const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1', allowHalfOpen: halfOpen });
    await once(socket, 'connect');
    return new Caller(socket);
  }

  get heard(): string {
    return this.#heard.replaceAll(/^Date: .*/gm, 'Date: now');
  }

  get answers(): number {
    return this.#heard.match(/HTTP\/1\.1 \d/g)?.length ?? 0;
  }

  async ask(bytes: Buffer): Promise<void> {
    const before = this.answers;
    this.socket.write(bytes);
    await until(() => this.answers > before);
  }
}

/** Says requests on one connection, cut at these places of them all, and hears what is answered until that is closed. */
async function converse(requests: readonly Buffer[], cuts: readonly number[] = [], inTurn = false): Promise<string> {
  const caller = await Caller.dial();
  let isClosed = false;
  caller.socket.once('close', () => {
    isClosed = true;
  });
  let at = 0;
  for (const [i, one] of requests.entries()) {
    const inside = cuts.map((cut) => cut - at).filter((cut) => cut > 0 && cut < one.length);
    for (const [j, from] of [0, ...inside].entries()) {
      caller.socket.write(one.subarray(from, inside[j]));
      if (j < inside.length) await turn();
    }
    at += one.length;
    if (inTurn) await until(() => isClosed || caller.answers > i);
  }
  await until(() => isClosed);
  return caller.heard;
}

/** What Node answers, without us: before these it is asked what is no plain request, so that the connection is its own. */
async function byNode(requests: readonly Buffer[]): Promise<string> {
  const heard = await converse([notPlain, ...requests]);
  return heard.slice(heard.indexOf('HTTP/1.1', 1));
}

const notPlain = request('GET /livez HTTP/1.1', json);
const last = request('GET /livez HTTP/1.1', [...json, 'Connection: close']);

describe('a plain connection', () => {
  it('has what goes the short way answered past Node, as Node would say it', async () => {
    const requests = [post(hot()), post(hot('ü')), post(hot('u', 50_000)), post(hot(), ['Accept: */*'])];
    const { plain } = api.server.ways;
    const caller = await Caller.dial();
    for (const one of requests) await caller.ask(one);
    expect(api.server.ways.plain).toBe(plain + requests.length);
    await caller.ask(last);
    expect(caller.heard).toBe(await byNode([...requests, last]));
  });

  it('lets Node answer what goes another way, and is as it was then', async () => {
    const { plain, reference } = api.server.ways;
    const caller = await Caller.dial();
    for (const n of [1, 2, 3]) {
      await caller.ask(post(cold(n)));
      await caller.ask(post('{"query":"{"}'));
      await caller.ask(post(Buffer.from([0x22, 0xff, 0x22])));
      await caller.ask(post(hot()));
    }
    expect(api.server.ways).toMatchObject({ plain: plain + 3, reference: reference + 6 });
    expect(caller.heard.match(/HTTP\/1.1 \d+/g)).toEqual(
      [1, 2, 3].flatMap(() => ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']),
    );
    caller.socket.destroy();
  });

  it('does once what a compiled operation began and left to the reference', async () => {
    const record = (transactionId: string, userId: string) => ({ transactionId, userId, merchantId: 'm', amount: 1 });
    const sent = (a: string, b: string, user = 'well') =>
      post(JSON.stringify({ query: twoMutations, variables: { a: record(a, 'well'), b: record(b, user) } }));
    const caller = await Caller.dial();
    await caller.ask(sent('1', '2', 'spoilt'));
    const valkey = new Redis(inject('valkeyUrl'));
    await valkey.set(`${api.keyPrefix}:log:v1:user_risk_profile:{spoilt}`, 'spoilt');
    valkey.disconnect();
    const { plain, left } = await until(async () => {
      const before = { ...api.server.ways };
      await caller.ask(sent('3', '4'));
      return api.server.ways.plain > before.plain && api.server.ways;
    });
    const known = caller.heard.length;
    await caller.ask(sent('5', '6', 'spoilt'));
    expect(api.server.ways).toMatchObject({ plain, left: left + 1 });
    expect(caller.heard.slice(known)).toMatch(/"a":\{"status":"RECORDED"/);
    expect(caller.heard.slice(known)).toContain('"errors":[');
    caller.socket.destroy();
  });

  it('has done by the reference what a compiled operation left, though its client has left meanwhile', async () => {
    const record = (transactionId: string, userId: string) => ({ transactionId, userId, merchantId: 'm', amount: 1 });
    const ask = (a: object, b: object) => post(JSON.stringify({ query: leftBetween, variables: { a, b } }));
    const caller = await Caller.dial();
    await until(async () => {
      const { plain } = api.server.ways;
      await caller.ask(ask(record('x', 'well'), record('y', 'well')));
      return api.server.ways.plain > plain;
    });
    const valkey = new Redis(inject('valkeyUrl'));
    await valkey.set(`${api.keyPrefix}:log:v1:user_risk_profile:{broken}`, 'spoilt');
    valkey.disconnect();
    const { left } = api.server.ways;
    const { engine } = api;
    const held = Promise.withResolvers<void>();
    const recording = Promise.withResolvers<void>();
    const { record: recordNow } = engine;
    engine.record = async (...args) => {
      recording.resolve();
      await held.promise;
      return recordNow.apply(engine, args);
    };
    caller.socket.write(ask(record('7', 'broken'), record('8', 'after')));
    await recording.promise;
    engine.record = recordNow;
    const aborted = () => api.log.filter((line) => line.includes('"aborted":true')).length;
    const before = aborted();
    caller.socket.destroy();
    await until(() => aborted() > before);
    held.resolve();
    await until(async () => {
      const { data } = await api.ask(hotQuery, { id: 'after' });
      return (data as { user: { riskProfile: { txnCount1h: number } } }).user.riskProfile.txnCount1h === 1;
    });
    expect(api.server.ways.left).toBe(left + 1);
  });

  it('answers in turn who asks again before it was answered', async () => {
    const reads = new HeldReads(api.engine);
    const caller = await Caller.dial();
    caller.socket.write(post(hot('one')));
    await until(() => reads.begun === 1);
    caller.socket.write(post(hot('two')));
    caller.socket.write(post(cold(3)));
    await turn();
    reads.letGo();
    await until(() => caller.answers === 3);
    expect(caller.heard.match(/"id":"(\w+)"/g)).toEqual(['"id":"one"', '"id":"two"', '"id":"3"']);
    caller.socket.destroy();
  });

  it('ends a subscription that came on it as soon as its client has left', async () => {
    const watchers = () => api.backend.current().hub.load.subscriptions;
    const caller = await Caller.dial();
    await caller.ask(post(hot()));
    const query = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    await caller.ask(post(JSON.stringify({ query }), ['Accept: */*']));
    await until(() => caller.heard.includes('SNAPSHOT'));
    expect(watchers()).toBe(1);
    caller.socket.end();
    await until(() => watchers() === 0);
  });

  it('sees who leaves a subscription also if it had said more', async () => {
    const watchers = () => api.backend.current().hub.load.subscriptions;
    const caller = await Caller.dial();
    const query = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    await caller.ask(post(JSON.stringify({ query }), ['Accept: */*']));
    await until(() => watchers() === 1);
    for (const more of ['a', 'b', 'c']) {
      caller.socket.write(more);
      await turn();
    }
    caller.socket.end();
    await until(() => watchers() === 0, 5_000);
  });

  it('says to who leaves in the middle of a request what Node says', async () => {
    const part = post(hot()).subarray(0, -5);
    const heard = await Promise.all(
      [post(hot()), notPlain].map(async (before) => {
        const caller = await Caller.dial(true);
        await caller.ask(before);
        const known = caller.heard.length;
        caller.socket.end(part);
        await once(caller.socket, 'close');
        return caller.heard.slice(known);
      }),
    );
    expect(heard[0]).toBe(heard[1]);
    expect(heard[0]).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('whatever comes on a connection', () => {
  const chunked = request('POST /graphql HTTP/1.1', [...json, 'Transfer-Encoding: chunked'], '0\r\n\r\n');
  const menu: readonly ((draw: Draw) => Buffer)[] = [
    () => post(hot()),
    () => post(hot('ü')),
    (draw) => post(hot('u', draw.upTo(150_000))),
    (draw) =>
      post(
        hot(),
        draw.some(3, () => draw.one(['Accept: application/graphql-response+json', 'X: y', 'Z: é'])),
      ),
    (draw) => post(cold(draw.upTo(3))),
    () => post('{"query":'),
    () => post(Buffer.from([0x22, 0xff])),
    () => post(hot('u', 200_000)),
    () => post(hot(), ['Accept: text/html']),
    () => post(hot(), ['Content-Encoding: gzip']),
    () => post(hot(), [], '/elsewhere'),
    () => post(hot(), [], '/graphql?'),
    () => request('GET /livez HTTP/1.1', json),
    () => request('HEAD /livez HTTP/1.1', json),
    () => chunked,
  ];

  it(
    'in whatever pieces, is answered as Node answers it',
    async () => {
      const { plain } = api.server.ways;
      await holdsFor(fc.noShrink(fc.gen()), 150, async (next) => {
        const draw = new Draw(next);
        const requests = draw.some(5, () => (draw.chance(40) ? post(hot()) : draw.one(menu)(draw))).concat(last);
        const { length } = Buffer.concat(requests);
        const cuts = draw.chance(50) ? draw.some(6, () => draw.upTo(length)).sort((a, b) => a - b) : [];
        const heard = await converse(requests, cuts, draw.chance(80));
        expect(heard).toBe(await byNode(requests));
      });
      expect(api.server.ways.plain).toBeGreaterThan(plain + 50);
    },
    patienceMs,
  );
});
