import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestApi } from '../support/api.ts';
import { asks, BothWays } from '../support/both-ways.ts';
import { HeldReads } from '../support/held-reads.ts';
import { speakTo } from '../support/raw-socket.ts';
import { until } from '../support/until.ts';

const hot = String(asks('query ($id: ID!) { user(id: $id) { id riskProfile { txnCount1h } } }', { id: 'ü' }).body);
const cold = (n: number) => String(asks(`{ user(id: ${n}) { id } featureViews { name } }`).body);
const mutation = (transactionId: string) =>
  String(
    asks('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
      input: { transactionId, userId: 'leaver', merchantId: 'm', amount: 1 },
    }).body,
  );

let ways: BothWays;
beforeEach(async () => {
  ways = await BothWays.start();
  await ways.warm({ body: hot });
  await ways.warm({ body: mutation('warm') });
});
afterEach(() => ways?.stop());

function post(body: string, headers: readonly string[] = [], version = '1.1'): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const head = [
    `POST /graphql HTTP/${version}`,
    'Host: x',
    'Content-Type: application/json',
    'X-Request-Id: one',
    length,
  ];
  return [...head, ...headers, '', body].join('\r\n');
}

/** Says the same to both, and expects to hear the same lines, but for the date and the order of headers. */
async function hearFromBoth(bytes: string): Promise<string> {
  const [short, reference] = await Promise.all(
    [ways.short, ways.reference].map(async ({ url }) =>
      (await speakTo(url, bytes)).replaceAll(/Date: .*/g, 'Date: now'),
    ),
  );
  expect(short?.split('\r\n').sort()).toEqual(reference?.split('\r\n').sort());
  return short as string;
}

async function dial(to: TestApi): Promise<Socket> {
  const socket = connect({ port: Number(new URL(to.url).port), host: '127.0.0.1' }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('a connection on which a compiled operation answers', () => {
  const close = ['Connection: close'];

  it.each([
    ['of HTTP/1.0 ends with it', post(hot, [], '1.0')],
    ['is kept or ended as its client says', post(hot) + post(hot, close)],
    [
      'answers in the order asked, whichever way each goes',
      post(cold(1)) + post(hot) + post(cold(2)) + post(hot, close),
    ],
    ['goes the same way for a client that takes anything', post(hot, [...close, 'Accept: */*'])],
    ['takes leave from a client that expects no more', post(hot, [...close, 'Expect: 100-continue'])],
  ])('%s', async (_, bytes) => {
    const before = ways.short.server.ways.short;
    const said = await hearFromBoth(bytes);
    expect(ways.short.server.ways.short).toBe(before + bytes.split('ID!').length - 1);
    expect(said).toContain('{"data":{"user":{"id":"ü","riskProfile":{"txnCount1h":0}}}}');
  });

  it('has nothing to say to HEAD', async () => {
    expect(
      await hearFromBoth('HEAD /graphql HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\nConnection: close\r\n\r\n'),
    ).toContain('405');
  });

  it('may be left while it waits, and nobody is the worse for it', async () => {
    const held = new HeldReads(ways.short.engine);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(ways.short)));
    for (const socket of sockets) socket.write(post(hot));
    await until(() => held.begun === 20);
    for (const [i, socket] of sockets.entries()) i % 2 === 0 ? socket.destroy() : socket.resetAndDestroy();
    await until(() => ways.short.log.filter((line) => line.includes('"aborted":true')).length === 20);
    held.letGo();
    await until(() => ways.short.server.ways.short === 20);
    expect((await ways.compare({ body: hot })).way).toBe('short');
    expect(ways.short.log.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });

  it('may be left by who sent a mutation, which happens once', async () => {
    const { short } = ways.short.server.ways;
    const socket = await dial(ways.short);
    socket.write(post(mutation('left')), () => socket.destroy());
    await until(() => ways.short.server.ways.short > short);
    const again = await ways.warm({ body: mutation('left') });
    expect(JSON.parse(again.body).data.recordTransaction.status).toBe('DUPLICATE');
  });
});

describe('a server that is draining', () => {
  it('answers by a compiled operation what it was asked before, and then closes', async () => {
    const held = new HeldReads(ways.short.engine);
    const socket = await dial(ways.short);
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk;
    });
    socket.write(post(hot));
    await until(() => held.begun === 1);
    ways.short.server.drain();
    held.letGo();
    await once(socket, 'close');
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(said.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(said.match(/x-request-id/gi)).toHaveLength(1);
    expect(said).toContain('{"data":{"user":{"id":"ü","riskProfile":{"txnCount1h":0}}}}');
    await ways.short.server.close();
  });
});
