import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { until } from '../support/until.ts';

const page = 'https://app.example.com';
const hot = '{ user(id: "u") { id } }';

let closed: TestApi;
let open: TestApi;

beforeAll(async () => {
  closed = await startApi({ hotAfter: 1 });
  open = await startApi({ hotAfter: 1, guard: { corsOrigins: [page], hstsSeconds: 600 } });
  for (const api of [closed, open]) {
    await until(async () => {
      await api.ask(hot);
      return api.server.ways.plain > 0;
    });
  }
});
afterAll(() => Promise.all([closed?.stop(), open?.stop()]));

const json = { 'content-type': 'application/json' };
const post = (body: string, headers: object = {}): RequestInit => ({
  method: 'POST',
  headers: { ...json, ...headers },
  body,
});

/** Every way in which something is answered, and how what it answers may be kept. */
const ways: readonly (readonly [string, string, RequestInit, number, string])[] = [
  ['the plain way', '/graphql', post(JSON.stringify({ query: hot })), 200, 'no-store'],
  ["the short way by Node's HTTP", '/graphql?a=', post(JSON.stringify({ query: hot })), 200, 'no-store'],
  ['Yoga', '/graphql?query={__typename}', {}, 200, 'no-store'],
  ['Yoga, refusing', '/graphql', post('{"query":"{ nonsense }"}', { accept: 'application/json' }), 200, 'no-store'],
  ['a malformed body', '/graphql', post('{'), 400, 'no-store'],
  ['another method', '/graphql', { method: 'PATCH' }, 405, 'no-store'],
  ['another media type', '/graphql', post('x', { 'content-type': 'text/plain' }), 415, 'no-store'],
  ['a reserved stream', '/graphql', { method: 'PUT' }, 201, 'no-store'],
  ['an event stream', '/graphql?query={__typename}', { headers: { accept: 'text/event-stream' } }, 200, 'no-cache'],
  ['GraphiQL', '/graphql', { headers: { accept: 'text/html' } }, 200, 'private, max-age=3600'],
  ['health', '/livez', {}, 200, 'no-store'],
  ['the schema', '/schema.graphql', {}, 200, 'no-store'],
  ['what is not there', '/nowhere', {}, 404, 'no-store'],
];

async function headersOf(api: TestApi, path: string, init: RequestInit, origin?: string) {
  const headers = { ...init.headers, ...(origin && { origin }) };
  const response = await fetch(api.url + path, { ...init, headers });
  await response.arrayBuffer();
  return { status: response.status, headers: response.headers };
}

describe('a response', () => {
  it.each(ways)('of %s bears what all bear', async (_, path, init, status, keep) => {
    const heard = await headersOf(closed, path, init, page);
    expect(heard.status).toBe(status);
    expect(Object.fromEntries(heard.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': keep,
      'x-request-id': expect.any(String),
    });
    for (const name of ['access-control-allow-origin', 'strict-transport-security'])
      expect(heard.headers.get(name)).toBeNull();
    expect(heard.headers.get('vary') ?? '').not.toContain('origin');
  });

  it.each(ways)('of %s is for the pages that are listed, and no others', async (_, path, init, status) => {
    const allowed = await headersOf(open, path, init, page);
    expect(allowed.status).toBe(status);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-expose-headers': 'retry-after, x-request-id',
      vary: expect.stringMatching(/^(accept, )?origin$/),
      'strict-transport-security': 'max-age=600',
      'x-content-type-options': 'nosniff',
    });
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    for (const origin of ['https://elsewhere.example', 'https://app.example.com.evil.example', 'null', undefined]) {
      const { headers } = await headersOf(open, path, init, origin);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toMatch(/^(accept, )?origin$/);
    }
  });

  it('of the plain way and of the others has the same headers', async () => {
    const body = JSON.stringify({ query: hot });
    // On a connection of its own, that nothing but plain requests came on.
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const ask = async (api: TestApi, path: string, origin?: string) => {
      const headers = { ...json, 'x-request-id': 'one', ...(origin && { origin }) };
      const sent = request(api.url + path, { method: 'POST', agent, headers }).end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      await text(response);
      const { date: _, ...told } = response.headers;
      return told;
    };
    for (const [api, origin] of [
      [closed, page],
      [open, page],
      [open, undefined],
    ] as const) {
      const plain = api.server.ways.plain;
      const one = await ask(api, '/graphql', origin);
      expect(api.server.ways.plain).toBe(plain + 1);
      expect(await ask(api, '/graphql?a=', origin)).toEqual(one);
      expect(api.server.ways.plain).toBe(plain + 1);
      agent.destroy();
    }
  });

  it('of a stream that was reserved is open to the page, too', async () => {
    const reserved = await ReservedStream.reserve(open.graphqlUrl);
    const response = await fetch(open.graphqlUrl, {
      headers: { ...reserved.headers, accept: 'text/event-stream', origin: page },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe(page);
    await response.body?.cancel();
  });
});
