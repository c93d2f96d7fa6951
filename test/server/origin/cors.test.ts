import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startApi, type TestApi } from '../../support/api.ts';

const page = 'https://app.example.com';

let closed: TestApi;
let open: TestApi;
beforeAll(async () => {
  closed = await startApi();
  open = await startApi({ guard: { corsOrigins: [page, 'http://localhost:3000'] } });
});
afterAll(() => Promise.all([closed?.stop(), open?.stop()]));

function preflight(api: TestApi, headers: { readonly [name: string]: string }): Promise<Response> {
  return fetch(api.graphqlUrl, { method: 'OPTIONS', headers });
}

describe('a preflight', () => {
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-key' };

  it('of a page that is listed is answered, without cookies', async () => {
    const response = await preflight(open, { origin: page, ...asked });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'content-type,x-key',
      'access-control-max-age': '7200',
      vary: 'origin',
    });
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it.each(['https://elsewhere.example', 'http://app.example.com', 'https://app.example.com:8443', 'null', '*'])(
    'of a page of %s is not',
    async (origin) => {
      const response = await preflight(open, { origin, ...asked });
      expect(response.status).toBe(405);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expect(response.headers.get('access-control-allow-methods')).toBeNull();
    },
  );

  it('is none without a page, or without a question', async () => {
    expect((await preflight(open, asked)).status).toBe(405);
    expect((await preflight(open, { origin: page })).status).toBe(405);
  });

  it('repeats no names that are none', async () => {
    for (const named of ['content-type;x', 'a\tb', 'x'.repeat(1_001)]) {
      const response = await preflight(open, { origin: page, ...asked, 'access-control-request-headers': named });
      expect(response.headers.get('access-control-allow-headers')).toBeNull();
    }
  });

  it('is refused to all where nobody is listed', async () => {
    expect((await preflight(closed, { origin: page, ...asked })).status).toBe(405);
  });
});

describe('a WebSocket', () => {
  function handshake(api: TestApi, origin: string): Promise<number> {
    const socket = new WebSocket(api.webSocketUrl, 'graphql-transport-ws', { origin });
    return new Promise((resolve) => {
      socket.once('open', () => {
        socket.close();
        resolve(101);
      });
      socket.once('unexpected-response', (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('error', () => {});
    });
  }

  it('is opened to pages that are listed, and to our own', async () => {
    for (const origin of [page, 'http://localhost:3000', open.url]) expect(await handshake(open, origin)).toBe(101);
    expect(await handshake(closed, closed.url)).toBe(101);
  });

  it.each(['https://elsewhere.example', 'http://localhost:3001', 'null', 'https://app.example.com.elsewhere.example'])(
    'is refused to a page of %s',
    async (origin) => {
      expect(await handshake(open, origin)).toBe(403);
      expect(await handshake(closed, origin)).toBe(403);
    },
  );
});

describe('a request that browsers send unasked', () => {
  const ask = (api: TestApi, headers: { readonly [name: string]: string }) =>
    fetch(`${api.graphqlUrl}?query={__typename}`, { headers });

  it.each(['cross-site', 'same-site'])('is refused to a page %s', async (site) => {
    for (const accept of ['*/*', 'text/event-stream', 'application/json']) {
      const response = await ask(closed, { 'sec-fetch-site': site, accept });
      expect(response.status).toBe(403);
      const { errors } = (await response.json()) as { errors: unknown };
      const message = expect.stringContaining('FRESHET_CORS_ORIGINS');
      expect(errors).toEqual([{ message, extensions: { code: 'FORBIDDEN' } }]);
    }
  });

  it('is not to one that is listed', async () => {
    expect((await ask(open, { 'sec-fetch-site': 'cross-site', origin: page })).status).toBe(200);
    expect((await ask(open, { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' })).status).toBe(403);
  });

  it.each(['same-origin', 'none'])('is not to our own, or to the user: %s', async (site) => {
    expect((await ask(closed, { 'sec-fetch-site': site })).status).toBe(200);
  });

  it('may be a link to GraphiQL', async () => {
    const response = await ask(closed, { 'sec-fetch-site': 'cross-site', accept: 'text/html,*/*;q=0.8' });
    expect(response.headers.get('content-type')).toContain('text/html');
    await response.arrayBuffer();
  });
});
