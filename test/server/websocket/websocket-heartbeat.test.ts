import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { HeldReads } from '../../support/held-reads.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const bodyLimitBytes = 20_000;
let api: TestApi;

beforeAll(async () => {
  api = await startApi({ bodyLimitBytes });
});

afterAll(() => api?.stop());

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets a client ask until it is read no further. */
async function askTooMuch(client: ProtocolSocket, query: string) {
  const reads = new HeldReads(api.engine);
  const count = 50 + bodyLimitBytes / 50;
  for (let i = 0; i < count; i++) client.subscribe(`q${i}`, query);
  await until(() => reads.begun === 50);
  return { count, reads };
}

/** Lets a client ask for much, and take nothing of it, until the log says something of it. */
async function takeNothing(client: ProtocolSocket, said: string): Promise<void> {
  client.socket.pause();
  const views = Array.from({ length: 45 }, (_, i) => `v${i}: featureViews { features { name description } }`);
  const { reads } = await askTooMuch(client, `{ user(id: "u") { riskProfile { id } } ${views.join(' ')} }`);
  reads.letGo();
  const before = api.log.length;
  await until(() => {
    beat();
    return api.log.slice(before).some((line) => line.includes(said));
  });
}

const beat = () => vi.advanceTimersByTime(12_000);

describe('a client over WebSocket', () => {
  it('that does not say that it is still there is dropped', async () => {
    const { socket, closed } = await ProtocolSocket.open(api.webSocketUrl, { autoPong: false });
    beat();
    await once(socket, 'ping');
    expect(socket.readyState).toBe(socket.OPEN);
    beat();
    expect(await closed).toBe(1006);
  });

  it('that only says that it is still there stays', async () => {
    const { socket } = await ProtocolSocket.open(api.webSocketUrl);
    for (let i = 0; i < 5; i++) {
      beat();
      await once(socket, 'ping');
      // Its answer has been heard once one that it asks for later is there.
      socket.ping();
      await once(socket, 'pong');
    }
    expect(socket.readyState).toBe(socket.OPEN);
    socket.terminate();
  });

  it('stays while it cannot be heard, because too much of what it has said waits', async () => {
    const client = await ProtocolSocket.open(api.webSocketUrl);
    const { count, reads } = await askTooMuch(client, '{ user(id: "u") { riskProfile { txnCount1h } } }');
    for (let i = 0; i < 5; i++) {
      beat();
      await new Promise((resolve) => setImmediate(resolve));
    }
    reads.letGo();
    await until(() => client.of('complete').length === count || client.socket.readyState !== client.socket.OPEN);
    expect(client.of('next')).toHaveLength(count);
    client.socket.terminate();
  });

  it('that takes nothing of what it is sent is too slow, however much it says', async () => {
    const client = await ProtocolSocket.open(api.webSocketUrl, { autoPong: false });
    client.socket.pause();
    // More than the system takes for it, and not so much that it is read no further.
    const views = Array.from({ length: 45 }, (_, i) => `v${i}: featureViews { features { ...F } }`).join(' ');
    const fields =
      'fragment F on Feature { name description hashField type nullable aggregation window windowSeconds }';
    for (let i = 0; i < 45; i++) client.subscribe(`q${i}`, `{ ${views} } ${fields}`);
    const before = api.log.length;
    await until(() => {
      client.send({ type: 'pong' });
      beat();
      return api.log.slice(before).some((line) => line.includes('takes nothing'));
    });
    client.socket.resume();
    expect(await client.closed).toBe(4413);
  });

  it('that takes nothing of what it is sent is told that it is too slow, if it listens in time', async () => {
    const client = await ProtocolSocket.open(api.webSocketUrl, { autoPong: false });
    const dropped = async () => {
      const scrape = await Scrape.of(api.url);
      return scrape.sum('freshet_slow_clients_dropped_total', { protocol: 'websocket' });
    };
    const before = await dropped();
    await takeNothing(client, 'takes nothing');
    client.socket.resume();
    expect(await client.closed).toBe(4413);
    expect(await dropped()).toBe(before + 1);
  });

  it('that asks for much and takes none of it is dropped', async () => {
    const client = await ProtocolSocket.open(api.webSocketUrl);
    await takeNothing(client, 'A WebSocket closed');
    client.socket.terminate();
  });
});
