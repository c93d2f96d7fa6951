import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { DurableCalls } from '../../src/valkey/durable-calls.ts';
import { connect } from '../../src/valkey/index.ts';
import { ServerProcess } from '../support/server-process.ts';
import { singleAddress } from '../support/single-address.ts';

let server: ServerProcess;
let valkey: Redis;

beforeAll(async () => {
  server = await ServerProcess.start({
    settings: { appendonly: 'yes', appendfsync: 'always', 'enable-debug-command': 'yes' },
  });
  valkey = connect(singleAddress(server.url));
});

afterAll(async () => {
  valkey?.disconnect();
  await server?.destroy();
});

const onDisk = { kind: 'fsync' } as const;

it('are not sent once they have waited as long as an answer may take', async () => {
  const calls = DurableCalls.beside(valkey, onDisk);
  // A second for those that go out together, so that the last of them would wait for longer than three.
  const all = await Promise.allSettled(
    Array.from({ length: 64 * 6 }, async (_, n) => {
      const waited = calls.send({ texts: ['DEBUG', 'SLEEP', '0.016'], args: [] });
      return { n, reply: String(await waited) };
    }),
  );
  const done = all.filter(({ status }) => status === 'fulfilled').length;
  // Of those before the last that were sent, all were answered.
  expect(done % 64).toBe(0);
  expect(done).toBeGreaterThanOrEqual(64);
  expect(done).toBeLessThanOrEqual(64 * 4);
  expect(all.slice(0, done).every(({ status }) => status === 'fulfilled')).toBe(true);
  for (const late of all.slice(done)) expect(late).toMatchObject({ reason: { message: 'Command timed out' } });
  const stats = await server.admin.info('commandstats');
  expect(Number(/^cmdstat_debug(?:\|sleep)?:calls=(\d+)/m.exec(stats)?.[1])).toBe(done);
}, 30_000);

it('are refused at once where too many wait already, and all others are done', async () => {
  // A slow machine is no failure.
  const patient = connect(singleAddress(server.url), { commandTimeoutMs: 20_000 });
  onTestFinished(() => patient.disconnect());
  const calls = DurableCalls.beside(patient, onDisk);
  const all = Array.from({ length: 10_001 }, () => calls.send({ texts: ['INCR', 'counted'], args: [] }));
  await expect(all.pop()).rejects.toThrow('too much is waiting for Valkey already');
  await Promise.all(all);
  expect(await server.admin.get('counted')).toBe('10000');
}, 30_000);
