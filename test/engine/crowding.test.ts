import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import { riskProfile } from '../../schema/user.ts';
import { Engine } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { ServerProcess } from '../support/server-process.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';

let server: ServerProcess;
let servers: SingleServer;
let engine: Engine;

beforeAll(async () => {
  server = await ServerProcess.start();
  servers = new SingleServer(connect(singleAddress(server.url)));
  engine = await Engine.open({ servers, views, keyPrefix: 'crowd', clock: 'wall' });
  await engine.record(transaction, events(0));
});

afterAll(async () => {
  server?.thaw();
  servers?.close();
  await server?.destroy();
});

function events(from: number) {
  return Array.from({ length: 1_000 }, (_, i) => ({
    transactionId: `t${from + i}`,
    userId: `u${from + i}`,
    merchantId: `m${i % 10}`,
    amount: 1,
    occurredAt: null,
    fraud: null,
  }));
}

describe('a Valkey that does not answer', () => {
  it('is asked for no more than it could be asked for: what comes on top is refused at once', async () => {
    server.freeze();
    const recording: Promise<readonly (string | null)[]>[] = [];
    // As much as may wait, and some more.
    for (let i = 1; i <= 60; i++) {
      const outcomes = engine.record(transaction, events(1_000 * i));
      recording.push(outcomes.then((all) => all.map(({ status, reason }) => `${status}: ${reason}`)));
    }
    const last = await (recording.at(-1) as Promise<readonly string[]>);
    expect(new Set(last)).toEqual(new Set(['UNAVAILABLE: too much is waiting for Valkey already']));
    const ids = Array.from({ length: 500 }, (_, i) => `u${i}`);
    const reading = Array.from({ length: 120 }, () => engine.read(riskProfile, ids).then(() => 'read', String));
    expect(await reading.at(-1)).toMatch(/too much is waiting for Valkey already/);
    // All others hear in time what became of them.
    const all = (await Promise.all(recording)).flat();
    expect(all.every((outcome) => outcome?.startsWith('UNAVAILABLE'))).toBe(true);
    expect(await Promise.all(reading)).not.toContain('read');
    server.thaw();
  }, 30_000);

  it('is asked again once it answers', async () => {
    await until(async () => {
      const [outcome] = await engine.record(transaction, events(1_000).slice(0, 1));
      return outcome?.status !== 'UNAVAILABLE';
    });
    const [vector] = await engine.read(riskProfile, ['u0']);
    expect(vector?.values[0]).toBe(1);
  });
});
