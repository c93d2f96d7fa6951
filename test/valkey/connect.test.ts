import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, unavailableReason } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

let server: ThrowawayValkey;
let mute: Server;
const clients: Redis[] = [];
const accepted: Socket[] = [];

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
  mute = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => mute.once('listening', resolve));
});

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

afterAll(async () => {
  for (const socket of accepted) socket.destroy();
  mute?.close();
  await server?.destroy();
});

function open(url: string, commandTimeoutMs = 500): Redis {
  const client = connect(singleAddress(url), { commandTimeoutMs, connectTimeoutMs: 500 });
  clients.push(client);
  return client;
}

/** How a command fails, and after how long. */
async function failure(work: Promise<unknown>): Promise<{ reason: string | null; ms: number }> {
  const begun = performance.now();
  const error = await work.then(
    () => {
      throw new Error('it did not fail');
    },
    (reason: unknown) => reason,
  );
  return { reason: unavailableReason(error), ms: performance.now() - begun };
}

describe('a connection', () => {
  it('serves the database of its URL', async () => {
    const [second, first] = [open(`${server.url}/2`), open(server.url)];
    await second.set('where', 'in two');
    expect(await first.get('where')).toBeNull();
    expect(await second.get('where')).toBe('in two');
  });

  it('fails a command soon where nobody listens', async () => {
    const { reason, ms } = await failure(open('valkey://127.0.0.1:1').ping());
    expect(reason).toMatch(/Valkey/);
    expect(ms).toBeLessThan(1_500);
  });

  it('fails a command in time where somebody listens and says nothing', async () => {
    const { port } = mute.address() as AddressInfo;
    const { reason, ms } = await failure(open(`valkey://127.0.0.1:${port}`).ping());
    expect(reason).toMatch(/Valkey/);
    expect(ms).toBeLessThan(1_500);
  });

  it('fails a command in time when Valkey stops answering, and serves again when it answers', async () => {
    const client = open(server.url);
    await client.ping();
    server.freeze();
    const failures = await Promise.all([
      failure(client.ping()),
      failure(client.pipeline().ping().get('x').exec().then(firstError)),
    ]);
    for (const { reason, ms } of failures) {
      expect(reason).toBe('Valkey did not answer in time');
      expect(ms).toBeLessThan(1_500);
    }
    server.thaw();
    expect(await until(() => client.ping().catch(() => null))).toBe('PONG');
  });

  it('comes back by itself after a restart, and fails what is asked in between', async () => {
    const client = open(server.url);
    await client.set('kept', 'yes');
    await server.stop();
    expect((await failure(client.ping())).ms).toBeLessThan(1_500);
    expect((await failure(client.ping())).reason).toMatch(/Valkey/);
    await server.start();
    expect(await until(() => client.get('kept').catch(() => null))).toBe('yes');
  });

  it('says when Valkey refuses who we are', async () => {
    const { reason } = await failure(open(server.url.replace('//', '//nobody:wrong@')).ping());
    expect(reason).toBe('Valkey refuses the user name or password');
  });
});

function firstError(replies: readonly (readonly [Error | null, unknown])[] | null): void {
  for (const [error] of replies ?? []) if (error) throw error;
}
