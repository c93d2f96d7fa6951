import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { RiskProfilesDocument } from '../../schema/operations/generated.ts';
import { transaction } from '../../schema/transaction.ts';
import { user } from '../../schema/user.ts';
import { count, view } from '../../src/define/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { newKeyPrefix, startApi, type TestApi } from '../support/api.ts';
import { CountingProxy } from '../support/counting-proxy.ts';
import { singleAddress } from '../support/single-address.ts';

const userIds = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
let proxy: CountingProxy;
let api: TestApi;

beforeAll(async () => {
  proxy = await CountingProxy.before(inject('valkeyUrl'));
  api = await startApi({ valkeyUrl: proxy.url });
});
afterAll(async () => {
  await api.stop();
  await proxy[Symbol.asyncDispose]();
});

/** One event of each user. */
function events(round: number) {
  return userIds.map((userId) => ({
    transactionId: `${round}-${userId}`,
    userId,
    merchantId: `m-${userId}`,
    amount: round,
  }));
}

describe('a thousand users in one query', () => {
  it('are one burst to Valkey and one of replies', async () => {
    await api.engine.record(transaction, events(0));
    let served: unknown[] = [];
    const exchange = await proxy.during(async () => {
      const { data } = await api.ask(RiskProfilesDocument, { userIds });
      served = data?.users.map(({ riskProfile }) => riskProfile?.txnCount1h) ?? [];
    });
    expect(served).toEqual(userIds.map(() => 1));
    expect(exchange).toEqual({ toServer: 1, toClient: 1 });
  });

  it('are one burst more for each piece of work when one call may not do them all', async () => {
    const passing = view('passing', {
      version: 1,
      entity: user,
      from: transaction,
      by: 'userId',
      description: 'Goes stale soon.',
      features: { txnCount2s: count({ window: '2s' }) },
    });
    const valkey = connect(singleAddress(proxy.url));
    try {
      const limits = { keyPrefix: newKeyPrefix(), microsPerCall: 0 };
      const engine = await Engine.open({
        servers: new SingleServer(valkey),
        views: [passing],
        clock: 'wall',
        ...limits,
      });
      const outcomes = await engine.record(transaction, events(0).slice(0, 3));
      const lastEventAt = Math.max(...outcomes.map(({ occurredAt }) => occurredAt ?? 0));
      // Nothing to wait for but the clock that decides: the store's, told by the moment of an unknown user's vector.
      const storesNow = async () => (await engine.read(passing, ['nobody']))[0]?.asOf;
      await expect.poll(storesNow, { timeout: 10_000 }).toBeGreaterThan(lastEventAt + 2_000);

      let served: number[] = [];
      const read = async () => {
        served = (await engine.read(passing, userIds.slice(0, 3))).map(({ values }) => values[0] as number);
      };
      // The first finds that none of them is true any more.
      expect(await proxy.during(read)).toEqual({ toServer: 1 + 3, toClient: 1 + 3 });
      expect(served).toEqual([0, 0, 0]);
      expect(await proxy.during(read)).toEqual({ toServer: 1, toClient: 1 });
    } finally {
      valkey.disconnect();
    }
  });
});
