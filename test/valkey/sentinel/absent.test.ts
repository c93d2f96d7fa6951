import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import { until } from '../../support/until.ts';
import { SentinelGroup } from '../../support/valkey-sentinels.ts';

/** What a command may take, 3 s, and what a busy machine adds. */
const patienceMs = 5_000;

let group: SentinelGroup;
const apis: TestApi[] = [];

beforeAll(async () => {
  group = await SentinelGroup.start();
}, 60_000);

afterEach(async () => {
  for (const api of apis.splice(0)) await api.stop();
});

afterAll(() => group?.destroy());

async function open(): Promise<TestApi> {
  const api = await startApi({
    valkeyUrl: group.url,
    keyPrefix: newKeyPrefix(),
    acknowledge: { kind: 'replica', replicas: 1 },
  });
  apis.push(api);
  return api;
}

/** What becomes of an event of an entity of its own. */
async function record(api: TestApi): Promise<string> {
  const [userId, occurredAt] = [randomUUID(), new Date().toISOString()];
  const input = { transactionId: userId, userId, merchantId: userId, amount: 1, occurredAt };
  const { data } = await api.ask<{ recordTransaction: { status: string } }>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }',
    { input },
  );
  return data?.recordTransaction.status ?? 'no answer';
}

async function timed(work: Promise<string>): Promise<{ status: string; ms: number }> {
  const begun = performance.now();
  const late = new Promise<string>((resolve) => setTimeout(resolve, 2 * patienceMs, 'still waiting'));
  return { status: await Promise.race([work, late]), ms: performance.now() - begun };
}

describe('sentinels that are away while the primary is well', () => {
  it.each(['die', 'answer no more'] as const)(
    'and %s keep nobody waiting, neither at the first event nor at many, and are found again',
    async (what) => {
      const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
      const [fresh, running] = [await open(), await open()];
      expect(await record(running)).toBe('RECORDED');
      for (const sentinel of group.sentinels) {
        if (what === 'die') await sentinel.kill();
        else sentinel.freeze();
      }
      // A few at once take more connections than the one that is open.
      const all = await Promise.all([fresh, ...Array<TestApi>(60).fill(running)].map((api) => timed(record(api))));
      for (const { status, ms } of all) {
        expect(status).toMatch(/^(RECORDED|UNAVAILABLE)$/);
        expect(ms).toBeLessThan(patienceMs);
      }
      expect((await timed(record(running))).ms).toBeLessThan(patienceMs);
      for (const sentinel of group.sentinels) {
        if (what === 'die') await sentinel.start();
        else sentinel.thaw();
      }
      for (const api of apis) await until(async () => (await record(api)) === 'RECORDED', 20_000);
      expect(printed).not.toHaveBeenCalled();
      printed.mockRestore();
    },
    90_000,
  );
});
