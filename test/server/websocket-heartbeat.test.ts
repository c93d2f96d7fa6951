import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';

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
    const { engine } = api;
    const read = engine.readEach;
    const held = Promise.withResolvers<void>();
    let begun = 0;
    engine.readEach = async (...args: Parameters<typeof read>) => {
      begun++;
      await held.promise;
      return read.apply(engine, args);
    };
    const client = await ProtocolSocket.open(api.webSocketUrl);
    const count = 50 + bodyLimitBytes / 50;
    for (let i = 0; i < count; i++) client.subscribe(`q${i}`, '{ user(id: "u") { riskProfile { txnCount1h } } }');
    await until(() => begun === 50);
    for (let i = 0; i < 5; i++) {
      beat();
      await new Promise((resolve) => setImmediate(resolve));
    }
    engine.readEach = read;
    held.resolve();
    await until(() => client.of('complete').length === count || client.socket.readyState !== client.socket.OPEN);
    expect(client.of('next')).toHaveLength(count);
    client.socket.terminate();
  });
});
