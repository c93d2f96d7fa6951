import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { logSerializers } from '../../src/server/index.ts';
import { graphiqlPage } from '../../src/server/pages/graphiql.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { speakTo } from '../support/raw-socket.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api?.stop());

/** Says these bytes to the API as they are. */
const speak = (bytes: string | Buffer) => speakTo(api.url, bytes);

function post(body: string | Uint8Array, headers: { readonly [name: string]: string } = {}): Promise<Response> {
  return fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as BodyInit,
  });
}

const mutation = (userId: string) =>
  JSON.stringify({
    query: 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }',
    variables: { input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 4242.5 } },
  });

async function count(userId: string): Promise<unknown> {
  const { data } = await api.ask('query ($id: ID!) { user(id: $id) { riskProfile { txnCount1h } } }', { id: userId });
  return (data as { user: { riskProfile: { txnCount1h: number } } }).user.riskProfile.txnCount1h;
}

function loggedErrors(): string[] {
  return api.log.filter((line) => JSON.parse(line).level >= 40);
}

describe('a mutation whose answer nobody can take', () => {
  it.each(['image/png', 'application/json;q=0', 'text/html', 'application/json;charset=latin1', 'nonsense'])(
    'is refused and not executed: %s',
    async (accept) => {
      const user = randomUUID();
      const response = await post(mutation(user), { accept });
      expect(response.status).toBe(406);
      expect(await response.text()).toContain('application/graphql-response+json');
      expect(await count(user)).toBe(0);
    },
  );

  it.each([
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json;q=0.5, application/graphql-response+json', 'application/graphql-response+json'],
    ['image/png, */*;q=0.1', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['multipart/mixed', 'multipart/mixed'],
  ])('unlike one that accepts %s', async (accept, type) => {
    const user = randomUUID();
    const response = await post(mutation(user), { accept });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain(type);
    expect(await response.text()).toContain('RECORDED');
    expect(await count(user)).toBe(1);
  });
});

describe('a GET', () => {
  it.each([
    'variables=%7B',
    'extensions=nonsense',
    'variables={"a":',
    'operationName=%FF',
    'variables=%7B%22a%22%3A%22%FF%22%7D',
  ])('with malformed parameters is 400 and no fault of ours: %s', async (parameters) => {
    const before = loggedErrors().length;
    const response = await fetch(`${api.graphqlUrl}?query=%7B__typename%7D&${parameters}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.any(String) }] });
    expect(loggedErrors().length).toBe(before);
  });

  it('with good ones is answered', async () => {
    const query = encodeURIComponent('query ($id: ID!) { user(id: $id) { id } }');
    const response = await fetch(
      `${api.graphqlUrl}?query=${query}&variables=${encodeURIComponent('{"id":"ü +&"}')}&extensions=`,
    );
    expect(await response.json()).toEqual({ data: { user: { id: 'ü +&' } } });
  });
});

describe('a body', () => {
  it('that is no UTF-8 is 400: other ids must not become one', async () => {
    for (const byte of [0xff, 0xfe]) {
      const text = Buffer.from(mutation('a?'));
      text[text.indexOf('a?') + 1] = byte;
      const response = await post(text);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ message: expect.stringContaining('UTF-8') }] });
    }
    expect(await count('a\ufffd')).toBe(0);
  });

  it('that is compressed, or in another charset, is 415', async () => {
    const body = '{"query":"{ __typename }"}';
    expect((await post(gzipSync(body), { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await post(body, { 'content-type': 'application/json; charset=utf-16' })).status).toBe(415);
    expect((await post(body, { 'content-type': 'application/json; charset=utf-8; charset=utf-16' })).status).toBe(415);
    expect((await post(body, { 'content-encoding': 'identity' })).status).toBe(200);
    expect((await post(body, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(200);
  });
});

describe('a transfer coding', () => {
  const chunked = (coding: string) =>
    speak(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: ${coding}\r\n\r\n18\r\n{"query":"{__typename}"}\r\n0\r\n\r\n`,
    );

  it('that is nothing but chunked is undone', async () => {
    expect(await chunked('chunked')).toContain('{"data":{"__typename":"Query"}}');
    expect(await chunked('Chunked')).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each(['gzip, chunked', 'deflate,chunked'])('that compresses is 415: %s', async (coding) => {
    expect(await chunked(coding)).toMatch(/^HTTP\/1.1 415 /);
  });
});

describe('another method', () => {
  it.each(['HEAD', 'OPTIONS', 'PATCH'])('is refused as such whatever it accepts: %s', async (method) => {
    for (const accept of ['*/*', 'text/html', 'image/png', 'text/event-stream']) {
      const response = await fetch(api.graphqlUrl, { method, headers: { accept } });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, PUT, DELETE']);
    }
  });
});

describe('a request without a query', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'is malformed to a client of %s',
    async (accept) => {
      const missing = [
        post('{}', { accept }),
        post('{ "query": null, "variables": {} }', { accept }),
        fetch(api.graphqlUrl, { headers: { accept } }),
        fetch(`${api.graphqlUrl}?query=`, { headers: { accept } }),
      ];
      for (const response of await Promise.all(missing)) {
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({
          errors: [{ message: expect.stringContaining('query is missing') }],
        });
      }
    },
  );
});

describe('the address of a request', () => {
  const ask = '?query=%7B__typename%7D';

  it.each(['[', 'a b', 'x:99999999', 'elsewhere/livez?', 'x#y', ''])('is not what its Host says: %j', async (host) => {
    const answer = await speak(`GET /graphql${ask} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toContain('{"data":{"__typename":"Query"}}');
  });

  it.each(['http://elsewhere:80', 'HTTPS://[::1]'])('may be whole: %s', async (origin) => {
    const get = (path: string) => speak(`GET ${origin}${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await get(`/graphql${ask}`)).toContain('{"data":{"__typename":"Query"}}');
    expect(await get('/livez')).toContain('"alive":true');
    expect(await get('')).toMatch(/<title>Freshet<\/title>/); // the dashboard, or that it is not built
  });
});

describe('GraphiQL', () => {
  const page = async (accept: string) => {
    const response = await fetch(api.graphqlUrl, { headers: { accept } });
    await response.arrayBuffer();
    return response;
  };

  it.each(['text/html', 'text/html, application/json', 'text/html;q=0.9, */*;q=0.8'])('is for %s', async (accept) => {
    const { headers } = await page(accept);
    expect(headers.get('content-type')).toContain('text/html');
    expect(headers.get('cache-control')).toMatch(/max-age=\d+/);
  });

  it.each(['application/json, text/html;q=0.5', 'application/json, text/html', 'text/html;q=0, */*'])(
    'is not for %s',
    async (accept) => {
      expect((await page(accept)).headers.get('content-type')).toContain('application/json');
    },
  );

  it('is made once, and kept as the bytes that are sent', async () => {
    const { bytes } = await graphiqlPage();
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect((await graphiqlPage()).bytes === bytes).toBe(true);
    const response = await fetch(api.graphqlUrl, { headers: { accept: 'text/html' } });
    expect(bytes.equals(new Uint8Array(await response.arrayBuffer()))).toBe(true);
  });
});

describe('the log', () => {
  it('holds nothing of the commands that fail, and of what fails a hundred times only the first few', async () => {
    const users = Array.from({ length: 100 }, (_, i) => `private-${i}`);
    const valkey = new Redis(inject('valkeyUrl'));
    await Promise.all(users.map((user) => post(mutation(user))));
    const keys = await valkey.keys(`${api.keyPrefix}*private-*`);
    expect(keys.length).toBeGreaterThanOrEqual(users.length);
    await Promise.all(keys.map((key) => valkey.set(key, 'spoilt')));
    valkey.disconnect();
    const requestId = randomUUID();
    const { data } = await api.ask(
      'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1h } } }',
      { ids: users },
      { 'x-request-id': requestId },
    );
    expect(data).toBeTruthy();
    await post(mutation('private-1'), { 'x-request-id': requestId });
    const lines = api.log.filter((line) => line.includes(requestId) && JSON.parse(line).level >= 50);
    expect(lines.length).toBeGreaterThan(0);
    // Two requests: of each the first few.
    expect(lines.length).toBeLessThanOrEqual(20);
    const reports = lines.map((line) => JSON.parse(line) as { readonly msg: string; readonly err: Error });
    expect(new Set(reports.map(({ msg, err }) => `${msg}: ${err.message}`)).size).toBe(reports.length);
    for (const { err } of reports)
      expect(['type', 'message', 'stack', 'code', 'cause']).toContain(Object.keys(err).at(-1));
    expect(lines.join('\n')).not.toMatch(/"command"|"args"|4242\.5/);
    expect(lines.join('\n').length).toBeLessThan(40_000);
  });

  it('keeps of an error, and of its causes, only where it comes from', () => {
    const reply = Object.assign(new Error('ERR no'), {
      name: 'ReplyError',
      code: 'E1',
      command: { name: 'fcall', args: ['secret'] },
    });
    const { stack, ...rest } = logSerializers.err(new TypeError('outer', { cause: reply }));
    expect(stack).toContain('outer');
    expect(rest).toEqual({
      type: 'TypeError',
      message: 'outer',
      cause: { type: 'ReplyError', message: 'ERR no', code: 'E1', stack: expect.any(String) },
    });
    const round = new Error('round');
    round.cause = round;
    expect(JSON.stringify(logSerializers.err(round)).length).toBeLessThan(60_000);
    expect(logSerializers.err({ secret: 1 })).toEqual({ type: 'object', message: '' });
  });
});
