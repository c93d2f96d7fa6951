import { once } from 'node:events';
import { Agent, type OutgoingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { roomForConnections } from '../../../src/server/guard/file-limit.ts';
import type { GuardOptions } from '../../../src/server/guard/guard-options.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { speakTo } from '../../support/raw-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await api?.stop();
});

async function start(guard: GuardOptions): Promise<void> {
  api = await startApi({ guard });
}

async function dial(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1', localAddress });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const livez = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

async function answer(socket: Socket): Promise<string> {
  let heard = '';
  socket.setEncoding('utf8').on('data', (text) => {
    heard += text;
  });
  socket.write(livez);
  await once(socket, 'close');
  return heard;
}

/** Asks over a connection that was open before. */
async function isServed(socket: Socket): Promise<void> {
  expect(await answer(socket)).toMatch(/^HTTP\/1\.1 200 /);
}

describe('connections', () => {
  it('beyond the limit are told so, and those that are there are served', async () => {
    await start({ maxConnections: 4, clientConnections: 4 });
    const before = [await dial(), await dial('127.0.0.2'), await dial('127.0.0.3'), await dial('127.0.0.4')];
    for (let n = 0; n < 3; n++) {
      const refused = await speakTo(api.url, livez);
      expect(refused).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
      expect(refused).toMatch(/\r\nRetry-After: \d+\r\n/);
      expect(JSON.parse(refused.slice(refused.indexOf('\r\n\r\n')))).toEqual({
        errors: [{ message: expect.stringContaining('More than 4 connections'), extensions: { code: 'UNAVAILABLE' } }],
      });
    }
    expect(api.server.refusals).toMatchObject({ connections: 3, clientConnections: 0 });
    for (const socket of before) await isServed(socket);
    await until(async () => (await speakTo(api.url, livez)).startsWith('HTTP/1.1 200 '));
  });

  it('of one client beyond its own limit are, and others come in', async () => {
    await start({ maxConnections: 10, clientConnections: 2 });
    const before = [await dial(), await dial()];
    expect(await answer(await dial())).toMatch(
      /^HTTP\/1\.1 429 Too Many Requests\r\n[\s\S]*More than 2 connections[\s\S]*RATE_LIMITED/,
    );
    expect(api.server.refusals).toMatchObject({ connections: 0, clientConnections: 1 });
    await isServed(await dial('127.0.0.2'));
    for (const socket of before) await isServed(socket);
    await until(async () => (await answer(await dial())).startsWith('HTTP/1.1 200 '));
  });

  it('are half of all for each client, if nothing else is said', async () => {
    await start({ maxConnections: 5 });
    for (let n = 0; n < 3; n++) await dial();
    expect(await answer(await dial())).toMatch(/^HTTP\/1\.1 429 /);
    for (let n = 0; n < 2; n++) await dial('127.0.0.2');
    expect(await answer(await dial('127.0.0.2'))).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('that are refused and say nothing are closed all the same, and those of a crowd at once', async () => {
    await start({ maxConnections: 1, clientConnections: 1 });
    await dial();
    const crowd = await Promise.all(Array.from({ length: 300 }, () => dial()));
    await Promise.all(
      crowd.map(
        async (socket) =>
          socket.resume().closed ||
          (await once(
            socket.on('error', () => {}),
            'close',
          )),
      ),
    );
    expect(api.server.refusals.connections).toBe(300);
  });

  it('of a proxy are not its own: its WebSockets are those of their clients', async () => {
    await start({ maxConnections: 20, clientConnections: 1, trustedProxies: ['127.0.0.1'] });
    const ask = (client: string) =>
      new Promise((resolve) => {
        const headers = { 'x-forwarded-for': client };
        const socket = new WebSocket(api.webSocketUrl, 'graphql-transport-ws', { headers });
        socket.once('open', () => resolve(socket));
        socket.once('unexpected-response', (_, response) => {
          resolve([response.statusCode, response.headers['retry-after']]);
          socket.terminate();
        });
        socket.on('error', () => {});
      });
    const first = (await ask('198.51.100.1')) as WebSocket;
    expect(first).toBeInstanceOf(WebSocket);
    expect(await ask('198.51.100.1')).toEqual([429, '5']);
    const other = (await ask('198.51.100.2')) as WebSocket;
    expect(other).toBeInstanceOf(WebSocket);
    expect(api.server.refusals.clientConnections).toBe(1);
    first.close();
    const again = (await until(async () => {
      const socket = await ask('198.51.100.1');
      return socket instanceof WebSocket && socket;
    })) as WebSocket;
    again.terminate();
    other.terminate();
  });

  describe('of a proxy, on which event streams stay open', () => {
    const from = (client: string) => ({ 'x-forwarded-for': client });
    const headers = { ...from('198.51.100.1'), 'content-type': 'application/json', accept: 'text/event-stream' };
    const body = { query: 'subscription { userRiskProfileUpdated(userIds: ["a"]) { cause } }' };
    const distinct = (client: string) =>
      EventStream.open(api.graphqlUrl, { method: 'POST', headers: { ...headers, ...from(client) }, body });
    const single = async (client: string) => (await ReservedStream.reserve(api.graphqlUrl, from(client))).open();
    const statusOf = ({ response }: EventStream) => response.statusCode;

    it.each([
      ['distinct', distinct],
      ['single', single],
    ])('are connections of their clients: %s', async (_, open) => {
      await start({ maxConnections: 20, clientConnections: 2, trustedProxies: ['127.0.0.1'] });
      const first = await open('198.51.100.1');
      const others = [await open('198.51.100.1'), await open('198.51.100.2')];
      expect([first, ...others].map(statusOf)).toEqual([200, 200, 200]);
      const refused = await open('198.51.100.1');
      expect([statusOf(refused), refused.response.headers['retry-after']]).toEqual([429, '5']);
      expect(api.server.refusals.clientConnections).toBe(1);
      first.leave();
      const again = await until(async () => {
        const stream = await open('198.51.100.1');
        return statusOf(stream) === 200 && stream;
      });
      for (const stream of [again, ...others]) (stream as EventStream).leave();
    });

    it('are counted as long as the response lasts, however long the connection is kept', async () => {
      await start({ maxConnections: 20, clientConnections: 1, trustedProxies: ['127.0.0.1'] });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      const asked = (method: string, more: OutgoingHttpHeaders, text?: string) =>
        new Promise<readonly [status: number | undefined, isReused: boolean]>((resolve, reject) => {
          const sent = request(api.graphqlUrl, { method, agent, headers: { ...headers, ...more } }, (response) => {
            response.resume().once('end', () => resolve([response.statusCode, sent.reusedSocket]));
          });
          sent.once('error', reject).end(text);
        });
      // None of these is a stream for longer than its answer, and what is refused holds nothing.
      const wrong = JSON.stringify({ query: body.query.replace('cause', 'nothing') });
      const token = { 'x-graphql-event-stream-token': 'of nobody' };
      expect(await asked('GET', token)).toEqual([404, false]);
      for (let n = 0; n < 3; n++) {
        expect(await asked('GET', token)).toEqual([404, true]);
        expect(await asked('POST', {}, JSON.stringify({ query: '{ __typename }' }))).toEqual([200, true]);
        expect((await asked('POST', {}, wrong))[1]).toBe(true);
      }
      expect(api.server.refusals.clientConnections).toBe(0);
      const stream = await distinct('198.51.100.1');
      expect(statusOf(stream)).toBe(200);
      expect(await asked('GET', token)).toEqual([429, true]);
      // A query is answered all the same: it keeps nothing open.
      expect(await asked('POST', {}, JSON.stringify({ query: '{ __typename }' }))).toEqual([200, true]);
      stream.leave();
      await until(async () => (await asked('GET', token))[0] === 404);
    });
  });

  it('of no proxy are counted once, whatever stays open on them', async () => {
    await start({ maxConnections: 20, clientConnections: 1 });
    const stream = await EventStream.open(api.graphqlUrl, {
      method: 'POST',
      body: { query: 'subscription { userRiskProfileUpdated(userIds: ["a"]) { cause } }' },
    });
    expect(stream.response.statusCode).toBe(200);
    stream.leave();
  });

  it('are as many, at least, as half of the files that may be open', () => {
    expect([20_000, 1_024, 600, 2_000_000, null].map((files) => roomForConnections(files))).toEqual([
      19_500, 524, 300, 50_000, 10_000,
    ]);
  });
});

describe('subscriptions of one client', () => {
  const query = 'subscription { userRiskProfileUpdated(userIds: ["a"]) { cause } }';
  const watch = { query };

  it('are counted over all its sockets and streams, and given back by each of them', async () => {
    await start({ clientSubscriptions: 4 });
    const held = () => api.backend.current().hub.load.subscriptions;
    const open = async () => {
      const socket = await ProtocolSocket.open(api.webSocketUrl);
      socket.subscribe('1', query);
      await until(() => socket.of('next').length === 1);
      socket.subscribe('2', query);
      await until(() => socket.of('next').length === 2);
      const own = await EventStream.open(api.graphqlUrl, { method: 'POST', body: watch });
      await until(() => own.events.length === 1);
      const reserved = await ReservedStream.reserve(api.graphqlUrl);
      const stream = await reserved.open();
      await reserved.ask('1', query);
      await until(() => stream.events.length === 1);
      expect(held()).toBe(4);
      return { socket, own, reserved, stream };
    };

    const { socket, own, reserved, stream } = await open();
    // One more by each.
    socket.subscribe('3', query);
    const refused = {
      message: expect.stringContaining('More than 4 subscriptions'),
      extensions: { code: 'RATE_LIMITED' },
    };
    await until(() => socket.about('3').length === 2);
    expect(socket.about('3')).toMatchObject([{ type: 'next', payload: { errors: [refused] } }, { type: 'complete' }]);
    const response = await fetch(api.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(watch),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await response.text()).toContain('RATE_LIMITED');
    await reserved.ask('2', query);
    await until(() => stream.events.length >= 2);
    expect(JSON.stringify(stream.events.at(1))).toContain('RATE_LIMITED');
    expect(held()).toBe(4);
    expect(api.server.refusals.subscriptions).toBe(3);

    // What is ended makes room, however it is.
    socket.complete('1');
    await until(() => held() === 3);
    socket.subscribe('4', query);
    await until(() => held() === 4);
    expect(await reserved.end('1')).toBe(200);
    await until(() => held() === 3);
    await reserved.ask('5', query);
    await until(() => held() === 4);
    socket.socket.terminate();
    own.leave();
    stream.leave();
    await until(() => held() === 0);
    const again = await open();
    again.socket.socket.terminate();
    again.own.leave();
    again.stream.leave();
    await until(() => held() === 0);
  });

  it('that fail are no subscriptions', async () => {
    await start({ clientSubscriptions: 1 });
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    const many = Array.from({ length: 1_001 }, (_, n) => `"${n}"`).join();
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    const stream = await reserved.open();
    for (const id of ['1', '2']) {
      socket.subscribe(id, `subscription { userRiskProfileUpdated(userIds: [${many}]) { cause } }`);
      await until(() => socket.about(id).length > 0);
      expect(JSON.stringify(socket.about(id))).toContain('TOO_MANY_IDS');
      const response = await fetch(api.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: `subscription { userRiskProfileUpdated(userIds: [${many}]) { cause } }` }),
      });
      expect(await response.text()).toContain('TOO_MANY_IDS');
      const told = stream.events.length;
      await reserved.ask(id, `subscription { userRiskProfileUpdated(userIds: [${many}]) { cause } }`);
      await until(() => stream.events.length === told + 2);
      expect(JSON.stringify(stream.events[told])).toContain('TOO_MANY_IDS');
    }
    expect(api.server.refusals.subscriptions).toBe(0);
    socket.subscribe('3', query);
    await until(() => socket.about('3').length === 1);
    expect(socket.about('3')).toMatchObject([{ type: 'next', payload: { data: {} } }]);
    socket.socket.terminate();
    stream.leave();
  });
});
