import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ApiClient, ApiProcess, newKeyPrefix } from '../support/api.ts';
import { until } from '../support/until.ts';

const keyPrefix = newKeyPrefix();
let server: ApiProcess;
let api: ApiClient;
let valkey: Redis;

// Under NODE_ENV=test, Yoga's streams say something every 300 ms, which ends what nobody reads; others are silent for 12 s.
beforeAll(async () => {
  server = new ApiProcess({
    VALKEY_URL: inject('valkeyUrl'),
    FRESHET_KEY_PREFIX: keyPrefix,
    NODE_ENV: 'production',
    LOG_LEVEL: 'error',
  });
  api = await server.listening();
  valkey = new Redis(inject('valkeyUrl'));
});

afterAll(async () => {
  valkey?.disconnect();
  await server?.stop();
});

async function watched(): Promise<number> {
  const channels = (await valkey.pubsub('CHANNELS', `*${keyPrefix}*leaving-*`)) as string[];
  return channels.length;
}

function subscription(userId: string): string {
  return JSON.stringify({ query: `subscription { userRiskProfileUpdated(userIds: ["leaving-${userId}"]) { cause } }` });
}

async function send(userId: string): Promise<Socket> {
  const { port, hostname } = new URL(api.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  const body = subscription(userId);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

const leave = { closes: (socket: Socket) => socket.destroy(), resets: (socket: Socket) => socket.resetAndDestroy() };

describe('a client of an SSE subscription', () => {
  it.each([0, 3, 15].flatMap((ms) => [['closes', ms] as const, ['resets', ms] as const]))(
    'that %s its connection %i ms after it asked leaves nothing behind',
    async (how, ms) => {
      await Promise.all(
        Array.from({ length: 25 }, async (_, i) => {
          const socket = await send(`early-${how}-${ms}-${i}`);
          await sleep(ms);
          leave[how](socket);
        }),
      );
      await sleep(300);
      await until(async () => (await watched()) === 0, 3_000);
    },
  );

  it('that leaves after the snapshot is let go of at once', async () => {
    const socket = await send('later');
    await new Promise<void>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.includes('SNAPSHOT')) resolve();
      });
    });
    expect(await watched()).toBe(1);
    socket.destroy();
    await until(async () => (await watched()) === 0, 2_000);
  });

  it('that takes no stream is told so, and nothing begins', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json', 'multipart/mixed']) {
      const response = await fetch(api.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: subscription('json'),
      });
      expect(response.status).toBe(406);
      expect(await response.text()).toContain('text/event-stream');
    }
    expect(await watched()).toBe(0);
  });
});
