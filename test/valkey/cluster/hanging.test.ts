import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Acknowledgement } from '../../../src/valkey/index.ts';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
let api: TestApi | null = null;

beforeAll(async () => {
  // Nobody takes the place of who hangs.
  cluster = await ValkeyCluster.start({ 'cluster-replica-no-failover': 'yes', 'cluster-node-timeout': '60000' });
}, 60_000);

afterEach(async () => {
  for (const node of cluster.nodes) node.thaw();
  await api?.stop();
  await cluster.whenWell();
}, 60_000);

afterAll(async () => {
  await cluster?.destroy();
});

const userIds = Array.from({ length: 300 }, () => randomUUID());

/** Each wait lasts two or three seconds, and there would be several. */
const soonMs = 8_000;

async function open(acknowledge: Acknowledgement): Promise<TestApi> {
  api = await startApi({ valkeyUrl: cluster.url, acknowledge, keyPrefix: newKeyPrefix() });
  return api;
}

/** One event of each user, in one mutation: how many came to what. */
async function recordAll(): Promise<ReadonlyMap<string, number>> {
  const input = userIds.map((userId) => ({
    transactionId: randomUUID(),
    userId,
    merchantId: userId,
    amount: 1,
    occurredAt: new Date().toISOString(),
  }));
  const { data } = await (api as TestApi).ask<{ recordTransactions: { results: { status: string }[] } }>(
    'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { results { status } } }',
    { input },
  );
  const statuses = data?.recordTransactions.results.map(({ status }) => status) ?? [];
  return new Map([...Map.groupBy(statuses, (status) => status)].map(([status, { length }]) => [status, length]));
}

it('all replicas hang, and are to acknowledge: each event is unavailable once that was waited for', async () => {
  await open({ kind: 'replica', replicas: 1 });
  expect(await recordAll()).toEqual(new Map([['RECORDED', 300]]));
  for (const replica of cluster.nodes.slice(3)) replica.freeze();
  const begunAt = performance.now();
  expect(await recordAll()).toEqual(new Map([['UNAVAILABLE', 300]]));
  expect(performance.now() - begunAt).toBeLessThan(soonMs);
}, 60_000);

it('a primary hangs: what it has is unavailable in time, and all else is served', async () => {
  const opened = await open({ kind: 'memory' });
  await recordAll();
  (cluster.nodes[1] as ServerProcess).freeze();
  let begunAt = performance.now();
  const came = await recordAll();
  expect(performance.now() - begunAt).toBeLessThan(soonMs);
  expect([...came.keys()].sort()).toEqual(['RECORDED', 'UNAVAILABLE']);
  expect(came.get('RECORDED')).toBeGreaterThan(150);

  begunAt = performance.now();
  const { data, errors } = await opened.ask<{ users: { riskProfile: object | null }[] }>(
    'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount24h } } }',
    { ids: userIds.slice(0, 100) },
  );
  // Once: not for what is stored, and then for what is not.
  expect(performance.now() - begunAt).toBeLessThan(5_000);
  const served = data?.users.filter(({ riskProfile }) => riskProfile !== null).length ?? 0;
  expect(served).toBeGreaterThan(40);
  expect(errors).toHaveLength(100 - served);
}, 60_000);
