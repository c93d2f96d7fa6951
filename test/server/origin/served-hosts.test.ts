import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ServedHosts } from '../../../src/server/origin/served-hosts.ts';
import { KeyRing } from '../../support/access/key-ring.ts';
import { startApi, type TestApi } from '../../support/api.ts';

const query = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const own = [
  'localhost',
  'LOCALHOST:4000',
  'freshet.localhost',
  '127.0.0.1',
  '[::1]:4000',
  '10.0.0.7:80',
  'box',
  'localhost.:4000',
  '',
];
const foreign = ['evil.example', 'evil.example:4000', 'localhost.evil.example', '127.0.0.1.evil.example', 'a.b.'];

describe('hosts', () => {
  it.each(own)('%s means this machine', (host) => {
    expect(new ServedHosts({ any: false }).serves(host)).toBe(true);
  });

  it.each(foreign)('%s may be anyone', (host) => {
    expect(new ServedHosts({ any: false }).serves(host)).toBe(false);
    expect(new ServedHosts({ any: true }).serves(host)).toBe(true);
  });

  it('that are listed are ours, at whatever port, and all others are foreign', () => {
    const hosts = new ServedHosts({ any: false, names: ['freshet.example'] });
    const served = [
      'freshet.example',
      'FRESHET.example.:443',
      'a.freshet.example',
      'freshet.example.evil',
      'localhost',
    ];
    expect(served.filter((host) => hosts.serves(host))).toEqual([
      'freshet.example',
      'FRESHET.example.:443',
      'localhost',
    ]);
  });

  it('of listed origins are ours', () => {
    const hosts = new ServedHosts({ any: false, origins: ['https://shop.example', 'http://desk.example:8080'] });
    const served = ['shop.example', 'desk.example:8080', 'desk.example', 'other.example'].filter((h) =>
      hosts.serves(h),
    );
    expect(served).toEqual(['shop.example', 'desk.example:8080']);
  });
});

interface Told {
  readonly status: number | undefined;
  readonly body: string;
}

/** @param agent whose connection is kept; false: none is. */
function ask(
  url: string,
  method: string,
  headers: { readonly [name: string]: string },
  body?: string,
  agent: Agent | false = false,
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent }, async (response) =>
      resolve({ status: response.statusCode, body: await text(response) }),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A page's own host, as its browser says it, whatever address that leads to. */
const page = (host: string) => ({ host, origin: `http://${host}` });
const json = { 'content-type': 'application/json', accept: 'application/json' };

async function handshake(api: TestApi, headers: { readonly host: string; readonly origin: string }): Promise<boolean> {
  const socket = new WebSocket(api.webSocketUrl, 'graphql-transport-ws', { headers });
  const opened = await Promise.race([
    once(socket, 'open').then(() => true),
    once(socket, 'unexpected-response').then(() => false),
  ]);
  socket.on('error', () => {});
  socket.terminate();
  return opened;
}

describe('a page that has its name lead here', () => {
  let keys: KeyRing;
  let open: TestApi;
  let asking: TestApi;

  beforeAll(async () => {
    keys = new KeyRing();
    open = await startApi({ hotAfter: 1 });
    asking = await startApi({ authenticator: keys.authenticator });
  });
  afterAll(async () => {
    await Promise.all([open?.stop(), asking?.stop()]);
    keys?.close();
  });

  it('is told nothing, by no way, where nobody is asked who they are', async () => {
    const evil = page(`evil.example:${new URL(open.url).port}`);
    const here = page(new URL(open.url).host);
    const body = JSON.stringify({ query });
    // The second time the operation is compiled.
    for (const round of [1, 2, 3]) {
      expect((await ask(open.graphqlUrl, 'POST', { ...here, ...json }, body)).status, `${round}`).toBe(200);
      const refused = await ask(open.graphqlUrl, 'POST', { ...evil, ...json }, body);
      expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('"FORBIDDEN"') });
    }
    for (const path of ['/metrics', '/schema.graphql', '/readyz', '/', '/graphql?query={__typename}']) {
      expect((await ask(open.url + path, 'GET', { ...evil, accept: 'application/json' })).status, path).toBe(403);
    }
    expect(await handshake(open, evil)).toBe(false);
    expect(await handshake(open, here)).toBe(true);
  });

  it('is told nothing by a connection that is kept, where a request of ours goes past the HTTP of Node', async () => {
    const evil = page(`evil.example:${new URL(open.url).port}`);
    const here = page(new URL(open.url).host);
    const body = JSON.stringify({ query });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const { plain } = open.server.ways;
    for (let round = 0; round < 5; round++)
      expect((await ask(open.graphqlUrl, 'POST', { ...here, ...json }, body, agent)).status).toBe(200);
    expect(open.server.ways.plain).toBeGreaterThan(plain);
    const answered = open.server.ways.short;
    for (let round = 0; round < 3; round++)
      expect((await ask(open.graphqlUrl, 'POST', { ...evil, ...json }, body, agent)).status).toBe(403);
    expect(open.server.ways.short).toBe(answered);
  });

  it('is told nothing where names are listed, by none of which it comes, on whatever address we listen', async () => {
    const listed = await startApi({ guard: { hosts: ['freshet.example'], trustedProxies: ['127.0.0.1'] } });
    onTestFinished(() => listed.stop());
    const proxied = await startApi({ guard: { trustedProxies: ['127.0.0.1'] } });
    onTestFinished(() => proxied.stop());
    const body = JSON.stringify({ query });
    const statusOf = async (api: TestApi, host: string) =>
      (await ask(api.graphqlUrl, 'POST', { ...page(host), ...json }, body)).status;
    expect(await statusOf(listed, 'freshet.example')).toBe(200);
    expect(await statusOf(listed, 'evil.example')).toBe(403);
    // What a proxy was asked by we cannot know.
    expect(await statusOf(proxied, 'evil.example')).toBe(200);
  });

  it('gains nothing by it where callers are asked who they are, whose names are their own', async () => {
    const named = page('freshet.example');
    const known = await keys.add('named', ['features:read']);
    const body = JSON.stringify({ query });
    expect((await ask(asking.graphqlUrl, 'POST', { ...named, ...json, ...known }, body)).status).toBe(200);
    expect((await ask(asking.graphqlUrl, 'POST', { ...named, ...json }, body)).status).toBe(401);
  });
});
