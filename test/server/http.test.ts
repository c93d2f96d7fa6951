import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { speakTo } from '../support/raw-socket.ts';
import { until } from '../support/until.ts';

const bodyLimitBytes = 100_000;
let api: TestApi;

beforeAll(async () => {
  api = await startApi({ bodyLimitBytes });
});

afterAll(() => api?.stop());

/** Says these bytes to the API as they are. */
const speak = (bytes: string | Buffer) => speakTo(api.url, bytes);

function post(body: string | ReadableStream, headers: { readonly [name: string]: string } = {}): Promise<Response> {
  return fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    ...(typeof body !== 'string' && { duplex: 'half' }),
  });
}

describe('a path', () => {
  it('/livez says that the process lives', async () => {
    expect(await api.get('/livez')).toEqual({ status: 200, body: { alive: true } });
  });

  it('/readyz says whether requests can be served', async () => {
    expect(await api.get('/readyz')).toMatchObject({ status: 200, body: { ready: true, problems: [] } });
  });

  it('/schema.graphql is the schema', async () => {
    const { status, body } = await api.get('/schema.graphql');
    expect(status).toBe(200);
    expect(body).toMatch(/^type Query \{/m);
    expect(body).toMatch(/^type UserRiskProfile \{/m);
  });

  it('/graphql is GraphiQL to a browser, and loads nothing from elsewhere', async () => {
    const response = await fetch(api.graphqlUrl, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    const page = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page).toContain('Freshet');
    expect(page).not.toMatch(/<script[^>]*\ssrc=|<link[^>]*href="(https?:)?\/\//);
  });

  it('that is no other is not found', async () => {
    for (const path of ['/nowhere', '/graphql/', '/graphqlx', '//', '/%2e%2e/etc/passwd']) {
      expect((await api.get(path)).status).toBe(404);
    }
  });

  it('is only to be read, unless it is /graphql', async () => {
    const response = await fetch(`${api.url}/livez`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('a request id', () => {
  it('is the caller’s, if it can be logged', async () => {
    const given = `order/42:${randomUUID()}`;
    const { headers } = await api.ask('{ __typename }', undefined, { 'x-request-id': given });
    expect(headers.get('x-request-id')).toBe(given);
  });

  it.each(['', 'a b', 'a"b', 'x'.repeat(129)])('%j is replaced', async (given) => {
    const { headers } = await api.ask('{ __typename }', undefined, { 'x-request-id': given });
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}-\d+$/);
  });

  it('is in the one line that a request leaves in the log, which holds nothing of the body', async () => {
    const requestId = randomUUID();
    const query = '{ user(id: "someone-private") { riskProfile { txnCount1m } } }';
    await api.ask(query, undefined, { 'x-request-id': requestId });
    const lines = await until(() => {
      const found = api.log.filter((line) => line.includes(requestId));
      return found.length > 0 && found;
    });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 20, requestId, method: 'POST', path: '/graphql', status: 200, durationMs: expect.any(Number) },
    ]);
    expect(lines.join()).not.toContain('someone-private');
  });
});

describe('a body', () => {
  const query = (bytes: number) => JSON.stringify({ query: `{ __typename } #${'x'.repeat(bytes)}` });

  it('up to the limit is read', async () => {
    const envelope = query(0).length;
    expect((await post(query(bodyLimitBytes - envelope))).status).toBe(200);
    expect((await post(query(bodyLimitBytes - envelope + 1))).status).toBe(413);
  });

  it('past the limit is refused in words, also when it does not say how long it is', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 30; i++) controller.enqueue(new TextEncoder().encode(query(10_000)));
        controller.close();
      },
    });
    for (const body of [query(10 * bodyLimitBytes), chunks]) {
      const response = await post(body);
      expect(response.status).toBe(413);
      expect(await response.json()).toEqual({ errors: [{ message: 'The body is larger than 100000 bytes' }] });
    }
  });

  it('without end is cut off', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const status = await post(endless).then(
      (response) => response.status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(status);
    expect(sent).toBeLessThan(100 * bodyLimitBytes);
  });

  it('that stops halfway is no request', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n';
    const requestId = randomUUID();
    socket.end(`${head.replace('Host: x', `Host: x\r\nX-Request-Id: ${requestId}`)}{"query":`);
    const line = await until(() => api.log.find((one) => one.includes(requestId)));
    expect(JSON.parse(line)).toMatchObject({ level: 20, aborted: true });
  });

  it.each(['', '{', 'nonsense', 'null', '42', '"{}"', '[]', '[{"query":"{ __typename }"}]'])(
    'that is no request is 400: %s',
    async (body) => {
      expect((await post(body)).status).toBe(400);
    },
  );

  it.each(['application/json', 'application/graphql-response+json', 'text/event-stream', 'multipart/mixed'])(
    'that is no JSON is not repeated to a client of %s, however long',
    async (accept) => {
      const response = await post('['.repeat(90_000), { accept });
      const answer = await response.text();
      expect(answer).toContain('JSON');
      expect(answer.length).toBeLessThan(500);
    },
  );

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
  ])('of type %s, which any page may send, is 415', async (type) => {
    expect((await post('query=%7B__typename%7D', { 'content-type': type })).status).toBe(415);
  });
});

describe('a request', () => {
  it('may come by GET, unless it changes something', async () => {
    const get = (query: string) => fetch(`${api.graphqlUrl}?query=${encodeURIComponent(query)}`);
    expect(await (await get('{ __typename }')).json()).toEqual({ data: { __typename: 'Query' } });
    expect((await get('mutation { __typename }')).status).toBe(405);
  });

  it('by another method is 405, and for another type of answer 406', async () => {
    expect((await fetch(api.graphqlUrl, { method: 'PATCH' })).status).toBe(405);
    expect((await post('{"query":"{ __typename }"}', { accept: 'image/png' })).status).toBe(406);
  });

  it('that offers HTTP/2 is answered in HTTP/1.1', async () => {
    const answer = await speak(
      'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
  });

  it('that is no HTTP is 400', async () => {
    expect(await speak('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
  });

  it('from a page of another origin is not allowed to read', async () => {
    const response = await post('{"query":"{ __typename }"}', { origin: 'https://elsewhere.example' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a WebSocket handshake', () => {
  const handshake = (path: string, headers: string) =>
    `GET ${path} HTTP/1.1\r\nHost: api.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n`;
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

  it('that is cut short is 400', async () => {
    expect(await speak(handshake('/graphql', ''))).toMatch(/^HTTP\/1.1 400 /);
    expect(await speak(handshake('/graphql', 'Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n'))).toMatch(
      /^HTTP\/1.1 400 /,
    );
  });

  it('to another path is 404', async () => {
    expect(await speak(handshake('/elsewhere', key))).toMatch(/^HTTP\/1.1 404 /);
  });

  it('from a page of another origin is 403', async () => {
    expect(await speak(handshake('/graphql', `${key}Origin: https://elsewhere.example\r\n`))).toMatch(
      /^HTTP\/1.1 403 /,
    );
  });

  it('that stops halfway leaves everything else as it was', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write('GET /graphql HTTP/1.1\r\nUpgrade: webso');
    await until(() => socket.bytesWritten > 0);
    expect((await api.ask('{ __typename }')).status).toBe(200);
    socket.destroy();
  });
});
