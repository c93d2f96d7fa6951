import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { newKeyPrefix } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ThrowawayValkey } from '../../support/throwaway-valkey.ts';
import { until } from '../../support/until.ts';
import { clientAt, letThrough, one, rateLimited, start } from './limited-clients.ts';

describe('a client that sends too many requests', () => {
  /** So few that the time which a test takes adds none. */
  const guard = { requestsPerSecond: 1 };

  it.each([
    ["Node's HTTP", Number.POSITIVE_INFINITY],
    ['the plain way', 1],
  ])('is told so, and when it may come again, by %s', async (_, hotAfter) => {
    const api = await start({ requestsPerSecond: 5 }, { hotAfter });
    const ask = clientAt(api);
    expect(await letThrough(() => ask(one), 5)).toBe(5);
    const refused = await until(async () => {
      const answer = await ask(one);
      return answer.status !== 200 && answer;
    });
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.headers['x-content-type-options']).toBe('nosniff');
    const said = JSON.parse(refused.body) as { errors: [{ extensions: { retryAfterMs: number } }] };
    expect(said).toMatchObject(rateLimited);
    expect(said.errors[0].extensions.retryAfterMs).toBeLessThanOrEqual(200);
    expect(api.server.refusals.requests).toBeGreaterThan(0);
    if (hotAfter === 1) expect(api.server.ways.plain).toBeGreaterThan(0);
    // On the same connection, a while later.
    await until(async () => (await ask(one)).status === 200);
  });

  it('keeps nobody else waiting, and nobody else from asking', async () => {
    const api = await start(guard);
    const [greedy, other] = [clientAt(api), clientAt(api, '127.0.0.2')];
    expect(await letThrough(() => greedy(one), 6)).toBeLessThanOrEqual(3);
    expect((await other(one)).status).toBe(200);
  });

  it('is counted over all processes that share a store', async () => {
    const keyPrefix = newKeyPrefix();
    const three = [
      await start(guard, { keyPrefix }),
      await start(guard, { keyPrefix }),
      await start(guard, { keyPrefix }),
    ];
    const clients = three.map((api) => clientAt(api));
    let through = 0;
    for (let n = 0; n < 4; n++) for (const ask of clients) if ((await ask(one)).status === 200) through++;
    expect(through).toBeGreaterThanOrEqual(2);
    expect(through).toBeLessThanOrEqual(3);
  });

  it('is refused whatever it asks by HTTP, but not its health', async () => {
    const api = await start(guard);
    const ask = clientAt(api);
    await letThrough(() => ask(one), 4);
    expect((await ask(null, {}, 'PUT')).status).toBe(429);
    expect((await ask(null, { accept: 'text/event-stream' }, 'GET')).status).toBe(429);
    expect((await ask(null, {}, 'DELETE')).status).toBe(429);
    expect((await ask({ query: 'x'.repeat(100_000) })).status).toBe(429);
    expect((await ask(null, {}, 'PATCH')).status).toBe(429);
    // Larger than is kept, and than is dropped.
    expect((await ask({ query: 'x'.repeat(6_000_000) })).status).toBe(429);
    expect((await api.get('/livez')).status).toBe(200);
  });

  it('is told so by its WebSocket, operation by operation', async () => {
    const api = await start(guard);
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    for (let n = 0; n < 6; n++) {
      socket.subscribe(`${n}`, one.query);
      await until(() => socket.about(`${n}`).length > 0);
    }
    const errors = socket.of('error');
    expect(errors.length).toBeGreaterThanOrEqual(3);
    for (const { payload } of errors) {
      expect({ errors: payload }).toMatchObject(rateLimited);
      expect(JSON.stringify(payload)).not.toContain('"http"');
    }
    expect(socket.of('next').length + errors.length).toBe(6);
    socket.socket.close();
  });

  it('is told so by a WebSocket that it opens: to come again', async () => {
    const api = await start(guard);
    const codes: number[] = [];
    for (let n = 0; n < 6; n++) {
      const socket = await ProtocolSocket.dial(api.webSocketUrl);
      await until(() => socket.said.length === 1 || socket.socket.readyState === socket.socket.CLOSED);
      socket.socket.close(1000);
      codes.push(await socket.closed);
    }
    expect(new Set(codes)).toEqual(new Set([1000, 1013]));
    const through = codes.indexOf(1013);
    expect(through).toBeGreaterThanOrEqual(2);
    expect(through).toBeLessThanOrEqual(4);
    expect(api.server.refusals.requests).toBe(codes.filter((code) => code === 1013).length);
  });

  it('is by its key another than strangers of the same address, by WebSocket too', async () => {
    const keys = new KeyRing();
    const api = await start(guard, { authenticator: keys.authenticator });
    const ask = clientAt(api);
    await until(async () => (await ask(one, { authorization: 'Bearer fsk_nobody' })).status === 429);
    const { authorization } = await keys.add('known', ['features:read']);
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, { authorization });
    expect(socket.of('connection_ack')).toHaveLength(1);
    socket.socket.close();
    const stranger = await ProtocolSocket.dial(api.webSocketUrl, {}, { authorization: 'Bearer fsk_nobody' });
    expect(await stranger.closed).toBe(1013);
    keys.close();
  });

  it('is one for all connections of it, and those behind a proxy are each their own', async () => {
    const api = await start({ ...guard, trustedProxies: ['127.0.0.1'] }, { hotAfter: 1 });
    const proxy = clientAt(api);
    for (const client of ['198.51.100.1', '198.51.100.2', '2001:db8::1']) {
      const ask = () => proxy(one, { 'x-forwarded-for': client });
      const through = await letThrough(ask, 5);
      expect(through).toBeGreaterThanOrEqual(2);
      expect(through).toBeLessThanOrEqual(4);
    }
    // Of the same /64.
    expect((await proxy(one, { 'x-forwarded-for': '2001:db8::2' })).status).toBe(429);
    expect(api.server.ways.plain).toBeGreaterThan(0);
    const untrusted = await start(guard);
    const ask = clientAt(untrusted);
    let through = 0;
    for (let n = 0; n < 6; n++)
      if ((await ask(one, { 'x-forwarded-for': `198.51.100.${n}` })).status === 200) through++;
    expect(through).toBeLessThanOrEqual(4);
  });
});
describe('while Valkey cannot be asked', () => {
  it('each process counts by itself, at once, and goes by Valkey again when it is back', async () => {
    const valkey = await ThrowawayValkey.create();
    try {
      await valkey.start();
      const api = await start({ requestsPerSecond: 5 }, { valkeyUrl: valkey.url });
      const ask = clientAt(api);
      const name = { query: '{ __typename }' };
      expect((await ask(name)).status).toBe(200);
      expect(api.server.refusals.limitedLocally).toBe(0);
      await valkey.crash();
      const begun = performance.now();
      const statuses: (number | undefined)[] = [];
      for (let n = 0; n < 30; n++) statuses.push((await ask(name)).status);
      // Less than a command may take.
      expect(performance.now() - begun).toBeLessThan(3_000);
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(5);
      expect(statuses).toContain(429);
      expect(api.server.refusals.limitedLocally).toBeGreaterThan(0);
      expect(api.log.filter((line) => line.includes('Rates cannot be counted in Valkey')).length).toBeGreaterThan(0);
      await valkey.start();
      await until(async () => {
        const { limitedLocally } = api.server.refusals;
        return (await ask(name)).status === 200 && api.server.refusals.limitedLocally === limitedLocally;
      }, 20_000);
    } finally {
      await valkey.destroy();
    }
  });

  it('nobody who waits for leave waits as long as for what Valkey is asked', async () => {
    const valkey = await ThrowawayValkey.create();
    try {
      await valkey.start();
      const api = await start({ requestsPerSecond: 50 }, { valkeyUrl: valkey.url });
      // Of one without limits, which waits for Valkey alone.
      const unlimited = await start({}, { valkeyUrl: valkey.url });
      const [ask, reader] = [clientAt(api), clientAt(unlimited)];
      await ask(one);
      valkey.freeze();
      let isRead = false;
      const read = reader({ query: '{ user(id: "u") { riskProfile { txnCount1h } } }' }).then((answer) => {
        isRead = true;
        return answer;
      });
      for (let n = 0; n < 5; n++) expect((await ask({ query: '{ __typename }' })).status).toBe(200);
      expect(isRead).toBe(false);
      expect(api.server.refusals.limitedLocally).toBeGreaterThan(0);
      expect((await read).body).toContain('UNAVAILABLE');
    } finally {
      await valkey.destroy();
    }
  });
});
