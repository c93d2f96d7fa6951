import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { views } from '../../schema/index.ts';
import { riskProfile } from '../../schema/user.ts';
import { writeLibrary } from '../../src/engine/library.ts';
import { planView } from '../../src/engine/plan.ts';
import { RowEncoder } from '../../src/engine/row-encoder.ts';
import { findServer } from '../../src/valkey/embedded/binary.ts';
import { startApi, type TestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

/** valkey-cli with binary arguments, as it lies beside the server that an embedded Valkey would be. */
async function valkeyCli(args: readonly (string | Buffer)[]): Promise<string> {
  const server = await findServer({ report: () => {} });
  if (server.kind !== 'program') throw new Error('valkey-cli is only looked for beside a server program');
  const name = /redis/.test(server.command) ? 'redis-cli' : 'valkey-cli';
  const { hostname, port } = new URL(inject('valkeyUrl'));
  const quoted = args.map(
    (arg) => `"${[...Buffer.from(arg)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`,
  );
  const { stdout } = await promisify(execFile)(
    join(dirname(server.command), name),
    ['-h', hostname, '-p', port, '--quoted-input', ...quoted],
    { env: { ...process.env, ...server.environment } },
  );
  return stdout;
}

describe('a bare FCALL by valkey-cli', () => {
  it('is seen by subscribers, with no channel but keyspace notifications', async () => {
    const userId = `user-${randomUUID()}`;
    const updates = api.backend.current().hub.watch(riskProfile, [userId]);
    expect((await updates.next()).value).toMatchObject([{ cause: 'SNAPSHOT', vector: { eventSeq: 0 } }]);

    // What lua/record.lua says of its arguments, written by hand.
    const plans = views.map(planView);
    const plan = planView(riskProfile);
    const head = Buffer.alloc(37 + 8 * plans.length);
    head.writeUInt32LE(api.keyPrefix.length, 1);
    head.writeDoubleLE(5_000, 5);
    head.writeDoubleLE(3_000, 13);
    head.writeDoubleLE(128, 21);
    head.writeDoubleLE(3_072, 29);
    const encoder = new RowEncoder(plan);
    const part = Buffer.alloc(1 + encoder.rowBytes);
    part[0] = views.indexOf(riskProfile) + 1;
    encoder.write({ transactionId: randomUUID(), userId, merchantId: 'm1', amount: 12.5 }, part, 1);
    const reply = await valkeyCli([
      'FCALL',
      writeLibrary(plans).functions.record,
      '1',
      api.engine.keys.log(riskProfile, userId),
      head,
      part,
    ]);
    expect(reply.startsWith('"V') || reply.startsWith('V')).toBe(true);

    const next = await updates.next();
    expect(next.value).toMatchObject([{ cause: 'EVENT', vector: { eventSeq: 1 } }]);
    const lastTxnAmount = riskProfile.features.findIndex(({ name }) => name === 'lastTxnAmount');
    expect(next.value?.[0]?.vector.values[lastTxnAmount]).toBe(12.5);
    await updates.return?.();
  });
});
