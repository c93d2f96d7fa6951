import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
let api: TestApi;

beforeAll(async () => {
  cluster = await ValkeyCluster.start();
  api = await startApi({ valkeyUrl: cluster.url });
}, 60_000);

afterAll(async () => {
  await api?.stop();
  await cluster?.destroy();
});

it('works', async () => {
  const input = Array.from({ length: 300 }, (_, i) => ({
    transactionId: `t${i}`,
    userId: `u${i % 50}`,
    merchantId: `m${i % 7}`,
    amount: 1,
  }));
  const r = await api.ask(
    'mutation($input:[TransactionInput!]!){recordTransactions(input:$input){recorded duplicates unavailable results { reason } }}',
    { input },
  );
  expect(JSON.stringify(r.data)).toContain('"recorded":300');
  const again = await api.ask(
    'mutation($input:[TransactionInput!]!){recordTransactions(input:$input){recorded duplicates unavailable}}',
    { input },
  );
  expect(again.data).toEqual({ recordTransactions: { recorded: 0, duplicates: 300, unavailable: 0 } });
  const q = await api.ask<{ users: { riskProfile: { txnCount1h: number } }[] }>(
    'query($ids:[ID!]!){users(ids:$ids){riskProfile{txnCount1h}}}',
    { ids: Array.from({ length: 50 }, (_, i) => `u${i}`) },
  );
  expect(q.data?.users.map((u) => u.riskProfile.txnCount1h)).toEqual(new Array(50).fill(6));
  console.log(await api.get('/readyz'));
});
