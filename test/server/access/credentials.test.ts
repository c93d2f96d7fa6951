import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authenticator, newKey } from '../../../src/access/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { TestIssuer } from '../../support/token-issuer.ts';
import { until } from '../../support/until.ts';

const reading = newKey('reading', ['features:read']);
const operating = newKey('operating', ['admin']);
const query = '{ user(id: "u") { id } }';

let issuer: TestIssuer;
let api: TestApi;

beforeAll(async () => {
  issuer = await TestIssuer.start();
  const keys = { text: JSON.stringify({ keys: [reading.entry, operating.entry] }) };
  api = await startApi({
    authenticator: new Authenticator({ keys, issuer: issuer.options, report: () => {} }),
    hotAfter: 1,
  });
});
afterAll(async () => {
  await api?.stop();
  await issuer?.stop();
});

const bearer = (credentials: string) => ({ authorization: `Bearer ${credentials}` });

function post(headers: { readonly [name: string]: string }, body: unknown = { query }): Promise<Response> {
  return fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

describe('a request that does not say who asks', () => {
  it.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
    ['text/event-stream', 'application/json; charset=utf-8'],
    ['text/html', 'application/json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
  ])('is a 401 that says what to send, accepting %s', async (accept, type) => {
    const response = await post({ accept });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(await response.json()).toEqual({
      errors: [
        { message: 'Send a key or a token, as Authorization: Bearer KEY', extensions: { code: 'UNAUTHENTICATED' } },
      ],
    });
  });

  it.each(['GET', 'PUT', 'DELETE'])('is one by %s, too', async (method) => {
    const response = await fetch(`${api.graphqlUrl}?query=${encodeURIComponent(query)}&operationId=1`, { method });
    expect(response.status).toBe(401);
  });

  it('has nothing done of it', async () => {
    const record =
      'mutation { recordTransaction(input: { transactionId: "t", userId: "nobody", merchantId: "m", amount: 1 }) { status } }';
    for (let i = 0; i < 3; i++) expect((await post({}, { query: record })).status).toBe(401);
    const { data } = await api.ask('{ user(id: "nobody") { riskProfile { txnCount1h } } }', {}, bearer(reading.secret));
    expect(data).toEqual({ user: { riskProfile: { txnCount1h: 0 } } });
  });

  it('keeps its connection, also when its body is large', async () => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    const body = `{"query":"${'x'.repeat(1_000_000)}"}`;
    const head = (authorization: string) =>
      `POST /graphql HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\n`;
    socket.write(`${head('')}Content-Length: ${body.length}\r\n\r\n`);
    const good = JSON.stringify({ query });
    socket.write(body);
    await until(() => heard.includes('401'));
    socket.write(`${head(`Authorization: Bearer ${reading.secret}\r\n`)}Content-Length: ${good.length}\r\n\r\n${good}`);
    await until(() => heard.includes('{"data":{"user":{"id":"u"}}}'));
    socket.destroy();
  });

  it('that says so twice is whoever is named first, as in any header that may come once', async () => {
    const ask = async (...credentials: string[]) => {
      const { hostname, port } = new URL(api.url);
      const socket = connect(Number(port), hostname);
      const body = JSON.stringify({ query });
      const lines = credentials.map((one) => `Authorization: Bearer ${one}\r\n`).join('');
      socket.write(
        `POST /graphql HTTP/1.1\r\nHost: x\r\n${lines}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      await until(() => heard.includes('}'));
      socket.destroy();
      return heard.split(' ')[1];
    };
    expect(await ask(reading.secret, 'x')).toBe('200');
    expect(await ask('x', reading.secret)).toBe('401');
  });
});

describe('a WebSocket', () => {
  it.each([
    ['nothing', undefined],
    ['no text', { authorization: 7 }],
    ['null', { authorization: null }],
    ['no list', { authorization: [`Bearer ${reading.secret}`] }],
    ['a key without its scheme', { authorization: reading.secret }],
  ])('that brings %s is closed with 4401, and nothing is acknowledged', async (_, payload) => {
    const socket = await ProtocolSocket.dial(api.webSocketUrl, {}, payload);
    expect(await socket.closed).toBe(4401);
    expect(socket.said).toEqual([]);
  });

  it('goes by what its connection_init says, and else by its handshake', async () => {
    const [good, bad] = [bearer(reading.secret), bearer('x')];
    const both = await ProtocolSocket.dial(api.webSocketUrl, { headers: bad }, good);
    await until(() => both.of('connection_ack').length === 1);
    const wrong = await ProtocolSocket.dial(api.webSocketUrl, { headers: good }, bad);
    expect(await wrong.closed).toBe(4401);
    const capital = await ProtocolSocket.dial(api.webSocketUrl, {}, { Authorization: good.authorization });
    await until(() => capital.of('connection_ack').length === 1);
    for (const each of [both, capital]) each.socket.close();
  });

  it('waits for a token to be looked at, and does nothing of what is asked before', async () => {
    const token = await issuer.token({ scope: 'features:read', jti: 'new' });
    const patient = await ProtocolSocket.open(api.webSocketUrl, {}, bearer(token));
    patient.subscribe('q', query);
    await until(() => patient.about('q').length === 2);
    const hasty = await ProtocolSocket.dial(api.webSocketUrl, {}, bearer(await issuer.token({ jti: 'another' })));
    hasty.subscribe('q', query);
    expect(await hasty.closed).toBe(4401);
    expect(hasty.about('q')).toEqual([]);
    patient.socket.close();
  });

  it('that leaves while its token is looked at leaves nothing behind', async () => {
    const slow = await TestIssuer.start();
    const answer = Promise.withResolvers<void>();
    slow.patience = answer.promise;
    const authenticator = slow.authenticator();
    const alone = await startApi({ authenticator });
    const headers = bearer(await slow.token({ scope: 'features:read' }));
    const leaving = await ProtocolSocket.dial(alone.webSocketUrl, {}, headers);
    await until(() => slow.asked === 1);
    leaving.socket.terminate();
    await until(() => alone.log.some((line) => line.includes('A WebSocket closed')));
    answer.resolve();
    const staying = await ProtocolSocket.open(alone.webSocketUrl, {}, headers);
    expect(authenticator.sessions).toBe(1);
    staying.socket.close();
    await until(() => authenticator.sessions === 0);
    await alone.stop();
    await slow.stop();
  });
});

describe('whoever is known and has no scope of ours', () => {
  const refused = [{ message: expect.stringContaining('no scope of this service'), extensions: { code: 'FORBIDDEN' } }];
  const introspecting = '{ __schema { queryType { name } } }';
  it.each(['{ __typename }', introspecting, '{ user(id: 1) { id } }', '{ usre }', '{ user(', '{ user { ids } }'])(
    'is answered nothing, not even what is wrong with it: %s',
    async (asked) => {
      const headers = bearer(await issuer.token({ scope: 'openid profile' }));
      const { status, data, errors } = await api.ask(asked, {}, headers);
      expect({ status, data }).toEqual({ status: 403, data: undefined });
      expect(errors).toMatchObject(refused);
      const socket = await ProtocolSocket.open(api.webSocketUrl, {}, headers);
      socket.subscribe('1', asked);
      await until(() => socket.about('1').length > 0);
      expect(socket.about('1')).toMatchObject([{ type: 'error', payload: refused }]);
      socket.socket.close();
    },
  );
});

describe('pages', () => {
  it.each(['/livez', '/readyz', '/'])('%s is for anyone', async (path) => {
    expect([401, 403]).not.toContain((await api.get(path)).status);
  });

  it('/schema.graphql is for whoever has a scope', async () => {
    const ask = async (headers = {}) => (await fetch(`${api.url}/schema.graphql`, { headers })).status;
    expect(await ask()).toBe(401);
    expect(await ask(bearer('x'))).toBe(401);
    expect(await ask(bearer(await issuer.token({ scope: 'openid' })))).toBe(403);
    expect(await ask(bearer(reading.secret))).toBe(200);
    expect(await ask(bearer(await issuer.token({ scope: 'events:write:User:a' })))).toBe(200);
  });

  it('GraphiQL is for anyone: whoever asks by it says who they are', async () => {
    const response = await fetch(api.graphqlUrl, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});

describe('the log', () => {
  it('names whoever asks, by whatever way, and never a key, a token or a hash', async () => {
    const token = await issuer.token({ sub: 'model-7', scope: 'features:read' });
    for (const credentials of [reading.secret, token]) {
      for (let i = 0; i < 3; i++) expect((await post(bearer(credentials))).status).toBe(200);
      expect((await post(bearer(credentials), { query: '{ nothing }' })).status).toBe(200);
      const socket = await ProtocolSocket.open(api.webSocketUrl, {}, bearer(credentials));
      socket.socket.close();
      await socket.closed;
    }
    await post(bearer('secret-that-is-wrong'));
    await until(() =>
      api.log.some((line) => line.includes('A WebSocket closed') && line.includes('"caller":"model-7"')),
    );
    const requests = api.log.filter((line) => line.includes('"msg":"request"'));
    for (const caller of ['reading', 'model-7']) {
      expect(requests.some((line) => line.includes(`"caller":"${caller}"`))).toBe(true);
    }
    const all = api.log.join('\n');
    for (const secret of [reading.secret, reading.entry.sha256, token, token.split('.')[2], 'secret-that-is-wrong']) {
      expect(all).not.toContain(secret);
    }
  });
});

describe('tokens whose issuer’s keys cannot be had', () => {
  it('are a 503 and a socket that may come back, and keys are served all the same', async () => {
    const broken = await TestIssuer.start();
    broken.isBroken = true;
    const keys = { text: JSON.stringify({ keys: [reading.entry] }) };
    const authenticator = new Authenticator({ keys, issuer: broken.options, report: () => {} });
    const alone = await startApi({ authenticator });
    const headers = bearer(await broken.token({ scope: 'features:read' }));
    const answer = await alone.ask(query, {}, headers);
    expect(answer).toMatchObject({ status: 503, errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    const socket = await ProtocolSocket.dial(alone.webSocketUrl, {}, headers);
    expect(await socket.closed).toBe(1013);
    expect((await alone.ask(query, {}, bearer(reading.secret))).status).toBe(200);
    broken.isBroken = false;
    await until(async () => (await alone.ask(query, {}, headers)).status === 200);
    await alone.stop();
    await broken.stop();
  });
});
