import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { HeldReads } from '../support/held-reads.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { until } from '../support/until.ts';

let api: TestApi;
const clients: Socket[] = [];

beforeEach(async () => {
  api = await startApi();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await api?.stop();
});

/** A connection whose client never closes its side, and all that it was told. */
async function dial(): Promise<{ readonly client: Socket; said(): string }> {
  const client = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1', allowHalfOpen: true });
  clients.push(client);
  client.on('error', () => {});
  await once(client, 'connect');
  let said = '';
  client.on('data', (chunk) => {
    said += chunk;
  });
  return { client, said: () => said };
}

function handshake(path: string, headers: readonly string[] = []): string {
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  return [`GET ${path} HTTP/1.1`, 'Host: x', ...upgrade, key, ...headers, '', ''].join('\r\n');
}

describe('a WebSocket handshake that is refused', () => {
  it.each([
    ['404', '/elsewhere', []],
    ['403', '/graphql', ['Origin: https://elsewhere.example']],
    ['400', '/graphql', ['Sec-WebSocket-Protocol: ,']],
  ] as const)('with %s is over, though its client does not close', async (status, path, headers) => {
    const { client, said } = await dial();
    client.write(handshake(path, headers));
    await until(() => said().includes(`HTTP/1.1 ${status}`));
    // To a server that holds its side open one might write for ever.
    await until(() => {
      client.write('x');
      return client.errored;
    });
    api.server.drain();
    await api.server.close();
  });

  it('is broken with the rest when its client does not even read', async () => {
    const { client } = await dial();
    client.pause();
    client.write('GET /schema.graphql HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000) + handshake('/elsewhere'));
    await until(() => api.log.filter((line) => line.includes('/schema.graphql')).length > 0);
    api.server.drain();
    api.server.terminate();
    await api.server.close();
  });
});

describe('a server that is draining', () => {
  const body = '{"query":"{ user(id: \\"u\\") { riskProfile { txnCount1h } } }"}';

  it.each(['application/json', 'text/event-stream'])('lets no client use a connection again: %s', async (accept) => {
    const { client, said } = await dial();
    const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', `Accept: ${accept}`];
    client.write([...head, `Content-Length: ${body.length}`, 'Expect: 100-continue', '', ''].join('\r\n'));
    await until(() => said().includes('100 Continue'));
    api.server.drain();
    client.write(body);
    await once(client, 'end');
    expect(said()).toMatch(/HTTP\/1\.1 200 OK[\s\S]*"txnCount1h":0/);
    expect(said()).toMatch(/^connection: close\r$/im);
    expect(said()).not.toMatch(/keep-alive/i);
  });

  it('answers all that were sent on one connection', async () => {
    const { client, said } = await dial();
    const reads = new HeldReads(api.engine);
    const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    client.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`.repeat(3));
    await until(() => reads.begun === 3);
    api.server.drain();
    reads.letGo();
    await once(client, 'end');
    expect(said().match(/"txnCount1h":0/g)).toHaveLength(3);
    expect(said().match(/^connection: close\r$/gim)).toHaveLength(1);
  });

  it('answers what was asked for a reserved stream, and ends the stream then', async () => {
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    const stream = await reserved.open();
    const reads = new HeldReads(api.engine);
    const asked = reserved.ask('q', '{ user(id: "u") { riskProfile { txnCount1h } } }');
    await until(() => reads.begun === 1);
    api.server.drain();
    api.backend.endSubscriptions();
    const closed = api.server.close();
    reads.letGo();
    expect((await asked).status).toBe(202);
    await closed;
    await stream.closed();
    expect(stream.events).toMatchObject([{ event: 'next' }, { event: 'complete' }]);
    expect(stream.response.complete).toBe(true);
  });

  it('takes no new operations on its WebSockets, and says that they may be tried again', async () => {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    api.server.drain();
    for (const query of ['{ __typename }', 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }']) {
      socket.subscribe(query, query);
      await until(() => socket.about(query).length > 0);
      expect(socket.about(query)).toMatchObject([
        { type: 'error', payload: [{ extensions: { code: 'UNAVAILABLE' } }] },
      ]);
    }
    await api.server.close();
    expect(await socket.closed).toBe(1001);
  });
});

describe('a WebSocket whose client takes nothing', () => {
  // It is let go itself after half a minute: nobody else is to wait for that.
  it('keeps no other from its goodbye', { timeout: 10_000 }, async () => {
    const [stuck, well] = await Promise.all([
      ProtocolSocket.open(api.webSocketUrl),
      ProtocolSocket.open(api.webSocketUrl),
    ]);
    const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    for (const each of [stuck, well]) each.subscribe('watch', watch);
    await until(() => stuck.of('next').length === 1 && well.of('next').length === 1);
    // More than the system takes for a client that does not read.
    stuck.socket.pause();
    const views = Array.from({ length: 45 }, (_, i) => `v${i}: featureViews { features { ...F } }`).join(' ');
    const fields =
      'fragment F on Feature { name description hashField type nullable aggregation window windowSeconds }';
    for (let i = 0; i < 45; i++) stuck.subscribe(`q${i}`, `{ ${views} } ${fields}`);
    well.subscribe('q', `{ ${views} } ${fields}`);
    await until(() => well.about('q').length > 0);
    const input = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1 };
    await api.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', { input });
    await until(() => well.about('watch').length === 2);
    api.server.drain();
    api.backend.endSubscriptions();
    const closing = api.server.close();
    expect(await well.closed).toBe(1001);
    expect(well.about('watch').map(({ type }) => type)).toEqual(['next', 'next']);
    stuck.socket.terminate();
    await closing;
  });
});
