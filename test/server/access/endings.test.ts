import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { KeyRing } from '../../support/access/key-ring.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { ServerProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';

const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
const query = '{ user(id: "u") { riskProfile { txnCount1h } } }';

let keys: KeyRing;
let api: TestApi;
let made = 0;

beforeAll(async () => {
  keys = new KeyRing();
  api = await startApi({ authenticator: keys.authenticator, hotAfter: 1 });
});
afterAll(async () => {
  await api?.stop();
  keys?.close();
});

/** How the credentials of somebody who is connected come to nothing. */
const endings = [
  // Long enough to be connected by then.
  { how: 'expires', code: 4401, expiresInMs: 3_000, end: () => {} },
  { how: 'is taken back', code: 4401, expiresInMs: undefined, end: (name: string) => keys.revoke(name) },
  {
    how: 'is allowed something else',
    code: 4403,
    expiresInMs: undefined,
    end: (name: string) => keys.change(name, ['features:read:User:v*']),
  },
] as const;

async function newKey({ expiresInMs }: { readonly expiresInMs: number | undefined }) {
  const name = `key ${++made}`;
  return { name, headers: await keys.add(name, ['features:read'], expiresInMs) };
}

describe.each(endings)('when a key $how', ({ code, end, ...ending }) => {
  it('its sockets are closed, with what runs on them, and those of others are not', async () => {
    const { name, headers } = await newKey(ending);
    const other = await newKey({ expiresInMs: undefined });
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, headers);
    const staying = await ProtocolSocket.open(api.webSocketUrl, { headers: other.headers });
    onTestFinished(() => staying.socket.terminate());
    for (const each of [socket, staying]) each.subscribe('w', watch);
    await until(() => socket.of('next').length === 1 && staying.of('next').length === 1);
    end(name);
    expect(await socket.closed).toBe(code);
    expect(socket.of('complete')).toEqual([]);
    staying.subscribe('again', query);
    await until(() => staying.about('again').length === 2);
    expect(staying.socket.readyState).toBe(WebSocket.OPEN);
    staying.socket.close();
    await until(() => api.backend.current().hub.load.subscriptions === 0);
  });

  it('an event stream says why, and ends', async () => {
    const { name, headers } = await newKey(ending);
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', headers, body: { query: watch } });
    onTestFinished(() => stream.leave());
    await until(() => stream.events.length === 1);
    end(name);
    await stream.closed();
    expect(stream.events.slice(1)).toMatchObject([
      { event: 'next', data: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } },
      { event: 'complete' },
    ]);
    await until(() => api.backend.current().hub.load.subscriptions === 0);
  });

  it('a reserved event stream says why of each operation, and ends', async () => {
    const { name, headers } = await newKey(ending);
    const reserved = await ReservedStream.reserve(api.graphqlUrl, headers);
    const stream = await reserved.open();
    onTestFinished(() => stream.leave());
    for (const id of ['a', 'b']) expect((await reserved.ask(id, watch)).status).toBe(202);
    await until(() => stream.about('a').length === 1 && stream.about('b').length === 1);
    end(name);
    await stream.closed();
    for (const id of ['a', 'b']) {
      expect(stream.about(id).slice(1)).toMatchObject([
        { event: 'next', data: { payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } } },
        { event: 'complete' },
      ]);
    }
    await until(() => api.backend.current().hub.load.subscriptions === 0);
  });
});

describe('of a socket whose key is taken back', () => {
  it('nothing is begun that waited for its turn, though the client does not close', async () => {
    const store = await ServerProcess.start();
    const own = await startApi({ valkeyUrl: store.url, authenticator: keys.authenticator });
    onTestFinished(async () => {
      await own.stop();
      await store.destroy();
    });
    const writer = await keys.add('writer', ['events:write']);
    const reader = await keys.add('reader of what was written', ['features:read']);
    const socket = await ProtocolSocket.open(own.webSocketUrl, { headers: writer });
    onTestFinished(() => socket.socket.terminate());
    const record = (userId: string) =>
      `mutation { recordTransaction(input: { transactionId: "${userId}", userId: "${userId}", merchantId: "m", amount: 1 }) { status } }`;
    const count = async (id: string) => {
      const { data } = await own.ask(`{ user(id: "${id}") { riskProfile { txnCount1h } } }`, {}, reader);
      return (data as { readonly user: { readonly riskProfile: { readonly txnCount1h: number } } }).user.riskProfile
        .txnCount1h;
    };
    // The first is under way for as long as the store takes no writes; the second has its id, and waits until it is over.
    await store.admin.call('CLIENT', 'PAUSE', '2000', 'WRITE');
    socket.subscribe('1', record('first'));
    socket.complete('1');
    socket.subscribe('1', record('late'));
    socket.subscribe('2', '{ __typename }');
    await until(() => socket.about('2').length > 0);
    // From here on it hears nothing, and so does not close.
    socket.socket.pause();
    keys.revoke('writer');
    await until(() => keys.authenticator.recognise(writer.authorization) === null);
    await store.admin.call('CLIENT', 'UNPAUSE');
    await until(async () => (await count('first')) === 1);
    await until(
      async () => (await own.ask(record('last'), {}, await keys.add('another', ['events:write']))).status === 200,
    );
    expect(await count('late')).toBe(0);
  });
});

describe('whoever has left', () => {
  it('is told nothing any more, and nothing is kept of it', async () => {
    const { name, headers } = await newKey({ expiresInMs: undefined });
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, headers);
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', headers, body: { query: watch } });
    const reserved = await ReservedStream.reserve(api.graphqlUrl, headers);
    const shared = await reserved.open();
    await reserved.ask('a', watch);
    await until(() => stream.events.length === 1 && shared.about('a').length === 1);
    const hasty = await ProtocolSocket.dial(api.webSocketUrl, {}, headers);
    for (const each of [socket, hasty]) each.socket.terminate();
    stream.leave();
    shared.leave();
    await until(() => keys.authenticator.sessions === 0);
    const { ended } = keys.authenticator.counts;
    keys.revoke(name);
    await until(() => keys.authenticator.recognise(headers.authorization) === null);
    expect(keys.authenticator.counts.ended).toBe(ended);
  });
});

describe('a reserved event stream', () => {
  it('is nobody else’s', async () => {
    const [one, other] = [await newKey({ expiresInMs: undefined }), await newKey({ expiresInMs: undefined })];
    const reserved = await ReservedStream.reserve(api.graphqlUrl, one.headers);
    const stolen = { ...other.headers, ...{ 'x-graphql-event-stream-token': reserved.token } };
    const stream = await EventStream.open(api.graphqlUrl, { headers: stolen });
    expect(stream.response.statusCode).toBe(404);
    const own = await reserved.open();
    const body = { query, extensions: { operationId: 'x' } };
    const asked = await fetch(api.graphqlUrl, {
      method: 'POST',
      headers: { ...stolen, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(asked.status).toBe(404);
    const ended = await fetch(`${api.graphqlUrl}?operationId=x`, { method: 'DELETE', headers: stolen });
    expect(ended.status).toBe(404);
    own.leave();
  });
});

describe('a connection that is kept', () => {
  const body = JSON.stringify({ query });

  function ask(agent: Agent, headers: { readonly authorization: string }): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const all = { 'content-type': 'application/json', 'content-length': body.length, ...headers };
      const asked = request(
        api.graphqlUrl,
        { method: 'POST', agent, headers: all },
        async (response: IncomingMessage) => {
          resolve({ status: response.statusCode ?? 0, body: await text(response) });
        },
      );
      asked.on('error', reject).end(body);
    });
  }

  it.each(endings)('knows when the key by which it was asked $how', async ({ how, end, ...ending }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { name, headers } = await newKey(ending);
    await until(async () => (await ask(agent, headers)) && api.server.ways.plain > 0);
    const { plain } = api.server.ways;
    expect((await ask(agent, headers)).status).toBe(200);
    expect(api.server.ways.plain).toBe(plain + 1);
    end(name);
    if (how === 'is allowed something else') {
      await until(async () => (await ask(agent, headers)).body.includes('FORBIDDEN'));
    } else {
      await until(async () => (await ask(agent, headers)).status === 401);
      expect(JSON.parse((await ask(agent, headers)).body)).toMatchObject({
        errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
      });
    }
    agent.destroy();
  });

  it('knows each by their own header, though all else of two heads is the same', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const whole = await newKey({ expiresInMs: undefined });
    const narrow = await keys.add('narrow', ['features:read:User:v*']);
    for (let i = 0; i < 3; i++) {
      expect((await ask(agent, whole.headers)).body).toContain('"riskProfile":{');
      expect((await ask(agent, narrow)).body).toMatch(/"riskProfile":null.*FORBIDDEN|FORBIDDEN.*"riskProfile":null/);
      expect((await ask(agent, { authorization: whole.headers.authorization.toUpperCase() })).status).toBe(401);
    }
    agent.destroy();
  });
});

describe('a client of graphql-ws', () => {
  const clientFor = (headers: { readonly authorization: string }) =>
    createClient({
      url: api.webSocketUrl,
      webSocketImpl: WebSocket,
      connectionParams: headers,
      retryWait: async () => {},
    });

  it('comes back by itself when its key is allowed something else, and has that', async () => {
    const headers = await keys.add('changing', ['features:read']);
    const client = clientFor(headers);
    const said: unknown[] = [];
    const ids = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause user { riskProfile { txnCount1h } } } }';
    const stop = client.subscribe(
      { query: ids },
      { next: (one) => said.push(one), error: () => {}, complete: () => {} },
    );
    await until(() => said.length === 1);
    keys.change('changing', ['features:read:User:v*']);
    await until(() => said.length === 2);
    expect(said).toMatchObject([
      { data: { userRiskProfileUpdated: [{ user: { riskProfile: { txnCount1h: 0 } } }] } },
      { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
    ]);
    stop();
    await client.dispose();
  });

  it('takes it for the end when its key is taken back, or is none', async () => {
    const headers = await keys.add('going', ['features:read']);
    const client = clientFor(headers);
    const over = Promise.withResolvers<unknown>();
    const said: unknown[] = [];
    client.subscribe({ query: watch }, { next: (one) => said.push(one), error: over.resolve, complete: () => {} });
    await until(() => said.length === 1);
    keys.revoke('going');
    expect(await over.promise).toMatchObject({ code: 4401, reason: 'The key was taken back' });
    const again = Promise.withResolvers<unknown>();
    client.subscribe({ query: watch }, { next: () => {}, error: again.resolve, complete: () => {} });
    expect(await again.promise).toMatchObject({ code: 4401, reason: 'There is no such key' });
  });
});
