import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { TestIssuer } from '../../support/token-issuer.ts';
import { until } from '../../support/until.ts';

const bodyBytes = 1_000_000;
const bad = { authorization: 'Bearer fsk_nobody' };

let keys: KeyRing;
let api: TestApi;
let known: { readonly authorization: string };
const sockets: Socket[] = [];

beforeAll(async () => {
  keys = new KeyRing();
  api = await startApi({ authenticator: keys.authenticator, bodyLimitBytes: 2 * bodyBytes });
  known = await keys.add('known', ['features:read']);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await api?.stop();
  keys?.close();
});

/** Begins a long request and never ends it. @returns what is answered meanwhile. */
async function beginLongRequest(authorization: readonly string[]): Promise<() => string> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let heard = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...authorization];
  const begun = [...head, `Content-Length: ${bodyBytes}`, '', ' '.repeat(bodyBytes / 2)].join('\r\n');
  await new Promise((resolve) => socket.write(begun, resolve));
  return () => heard;
}

describe('a caller whom nobody knows', () => {
  it.each([
    ['without a key', []],
    ['with one that there is not', [`Authorization: ${bad.authorization}`]],
  ])('%s is told so before its body has come', async (_, authorization) => {
    const heard = await beginLongRequest(authorization);
    await until(() => heard().startsWith('HTTP/1.1 401 '));
  });

  it('is, unlike whoever is known, who is waited for', async () => {
    const patient = await beginLongRequest([`Authorization: ${known.authorization}`]);
    const stranger = await beginLongRequest([]);
    await until(() => stranger().startsWith('HTTP/1.1 401 '));
    expect(patient()).toBe('');
  });
});

describe('callers, known or not, at the pages', () => {
  it('are let in as often as at the path of GraphQL, and told when to come again', async () => {
    const limited = await startApi({ authenticator: keys.authenticator, guard: { requestsPerSecond: 1 } });
    try {
      for (const [path, headers] of [
        ['/metrics', bad],
        ['/schema.graphql', known],
      ] as const) {
        const statuses: number[] = [];
        let last = await fetch(limited.url + path, { headers });
        for (; last.status !== 429 && statuses.length < 20; last = await fetch(limited.url + path, { headers })) {
          await last.text();
          statuses.push(last.status);
        }
        expect(last.status, path).toBe(429);
        expect(Number(last.headers.get('retry-after')), path).toBeGreaterThan(0);
        expect(await last.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
      }
    } finally {
      await limited.stop();
    }
  });

  it('are told no more of how it is than whether it serves, unless they may know all', async () => {
    const operator = await keys.add('operator', ['admin']);
    const health = async (headers: { readonly [name: string]: string }) =>
      (await fetch(`${api.url}/readyz`, { headers })).json();
    for (const headers of [{}, bad, known]) expect(await health(headers)).toEqual({ ready: true });
    expect(await health(operator)).toMatchObject({ ready: true, problems: [], warnings: expect.any(Array) });
  });

  it('are told how it is by a token, if that can be looked at soon, and not too many come', async () => {
    const issuer = await TestIssuer.start();
    const authenticator = issuer.authenticator();
    const limited = await startApi({ authenticator, guard: { requestsPerSecond: 1 } });
    const answer = Promise.withResolvers<void>();
    onTestFinished(async () => {
      answer.resolve();
      await limited.stop();
      authenticator.close();
      await issuer.stop();
    });
    let tokens = 0;
    const health = async (sub = `operator ${tokens++}`) => {
      const authorization = `Bearer ${await issuer.token({ scope: 'admin', sub })}`;
      const response = await fetch(`${limited.url}/readyz`, { headers: { authorization } });
      return { status: response.status, body: await response.json() };
    };
    const [all, little] = [
      { status: 200, body: { ready: true, problems: [], warnings: [] } },
      { status: 200, body: { ready: true } },
    ];
    issuer.patience = answer.promise;
    expect(await health()).toEqual(little); // which is answered though the keys are not there yet
    answer.resolve();
    await until(async () => (await health()).body.problems !== undefined);
    const others = await Promise.all(Array.from({ length: 20 }, () => health('one of them')));
    expect(others).toContainEqual(little);
    for (const other of others) expect([all, little]).toContainEqual(other);
    expect(limited.server.refusals.requests).toBeGreaterThan(0);
  });
});
