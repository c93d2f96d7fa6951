import { describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import { activity } from '../../schema/merchant.ts';
import {
  FeatureCatalogueDocument,
  RiskProfileDocument,
  RiskProfilesDocument,
} from '../../schema/operations/generated.ts';
import { transaction } from '../../schema/transaction.ts';
import { riskProfile } from '../../schema/user.ts';
import { faults, freshId, readsOf, Service } from './service.ts';

const open = () => Service.open(schema, views);

describe('an entity', () => {
  test('of which nothing is known has empty windows', async () => {
    const service = await open();
    const userId = freshId('user');
    const { data, errors } = await service.run(RiskProfileDocument, { userId });
    expect(errors).toBeUndefined();
    expect(data?.user).toMatchObject({
      id: userId,
      riskProfile: {
        id: `user_risk_profile:v1:${userId}`,
        txnCount1m: 0,
        txnCount30d: 0,
        txnAmount24h: 0,
        avgTxnAmount: null,
        stddevTxnAmount30d: null,
        minTxnAmount24h: null,
        uniqueMerchants30d: 0,
        lastTxnAmount: null,
        lastTxnAt: null,
        freshness: { validUntil: null, lastEventAt: null, revision: expect.stringMatching(/^\d+$/) },
      },
    });
  });

  test('has the features of its events', async () => {
    const service = await open();
    const userId = freshId('user');
    const now = Date.now();
    await service.engine.record(
      transaction,
      [10, 20, 60].map((amount, i) => ({
        transactionId: `${i}`,
        userId,
        merchantId: `m${i % 2}`,
        amount,
        occurredAt: now - 1_000 * (3 - i),
      })),
    );
    const { data, errors } = await service.run(RiskProfileDocument, { userId });
    expect(errors).toBeUndefined();
    expect(data?.user.riskProfile).toMatchObject({
      txnCount1m: 3,
      txnAmount1h: 90,
      avgTxnAmount: 30,
      avgTxnAmount24h: 30,
      minTxnAmount24h: 10,
      maxTxnAmount24h: 60,
      uniqueMerchants1h: 2,
      lastTxnAmount: 60,
      lastTxnAt: new Date(now - 1_000).toISOString(),
      freshness: { lastEventAt: new Date(now - 1_000).toISOString() },
    });
    expect(data?.user.riskProfile?.stddevTxnAmount30d).toBeCloseTo(Math.sqrt(1400 / 3), 9);
  });

  test('takes any id by the rules, with braces and per cent signs', async () => {
    const service = await open();
    for (const userId of ['{a}', '%7B', 'ü'.repeat(128), ' ']) {
      const { data, errors } = await service.run(RiskProfileDocument, { userId });
      expect(errors).toBeUndefined();
      expect(data?.user.riskProfile?.id).toBe(`user_risk_profile:v1:${userId}`);
    }
  });
});

describe('many entities', () => {
  test('come in the order asked, repeats and all, in one batch', async () => {
    const service = await open();
    const reads = readsOf(service.engine);
    const userIds = ['c', 'a', 'b', 'a'];
    const { data } = await service.run(RiskProfilesDocument, { userIds });
    expect(data?.users.map(({ id, riskProfile }) => [id, riskProfile?.id])).toEqual(
      userIds.map((id) => [id, `user_risk_profile:v1:${id}`]),
    );
    expect(reads).toEqual([[riskProfile, ['c', 'a', 'b']]]);
  });

  test('of several fields share a batch for each view', async () => {
    const service = await open();
    const reads = readsOf(service.engine);
    const { errors } = await service.run(`{
      user(id: "a") { riskProfile { txnCount1h } again: riskProfile { txnCount5m } }
      users(ids: ["a", "b"]) { riskProfile { txnCount1h } }
      merchant(id: "m") { activity { txnCount1h } }
    }`);
    expect(errors).toBeUndefined();
    expect(reads).toEqual([
      [riskProfile, ['a', 'b']],
      [activity, ['m']],
    ]);
  });

  test('that are only named are not read', async () => {
    const service = await open();
    const reads = readsOf(service.engine);
    expect((await service.run('{ users(ids: ["a", ""]) { id } }')).data).toEqual({ users: [{ id: 'a' }, { id: '' }] });
    expect(reads).toEqual([]);
  });

  test('may be a thousand and no more', async () => {
    const service = await open();
    const userIds = Array.from({ length: 1_000 }, (_, i) => `u${i}`);
    const { data, errors } = await service.run(RiskProfilesDocument, { userIds });
    expect(errors).toBeUndefined();
    expect(data?.users).toHaveLength(1_000);

    const refused = await service.run(RiskProfilesDocument, { userIds: [...userIds, 'one more'] });
    expect(refused.data).toBeNull();
    expect(faults(refused)).toEqual([{ code: 'TOO_MANY_IDS', path: 'users' }]);
    expect(refused.errors?.[0]?.message).toBe('users(ids:) takes at most 1000 ids, and got 1001: ask in parts');
    expect(refused.errors?.[0]?.extensions.http).toEqual({ status: 400, spec: true });
  });
});

describe('a bad id', () => {
  test('fails at its own path, and the others are served', async () => {
    const service = await open();
    const userIds = ['good', '', 'bell\u0007', 'x'.repeat(257), '\ud800', 'fine'];
    const result = await service.run(RiskProfilesDocument, { userIds });
    expect(result.data?.users.map(({ riskProfile }) => riskProfile?.id ?? null)).toEqual([
      'user_risk_profile:v1:good',
      null,
      null,
      null,
      null,
      'user_risk_profile:v1:fine',
    ]);
    expect(faults(result)).toEqual(
      [1, 2, 3, 4].map((place) => ({ code: 'ID_INVALID', path: `users.${place}.riskProfile` })),
    );
    expect(result.errors?.[0]?.message).toBe("the User's id is empty");
  });
});

test('while Valkey is away, views are null beside an error that says so', async () => {
  const service = await open();
  service.cutOff();
  const result = await service.run(RiskProfilesDocument, { userIds: ['a', 'b'] });
  expect(result.data?.users).toEqual([
    { id: 'a', riskProfile: null },
    { id: 'b', riskProfile: null },
  ]);
  expect(faults(result)).toEqual([0, 1].map((place) => ({ code: 'UNAVAILABLE', path: `users.${place}.riskProfile` })));
});

describe('featureViews', () => {
  test('says of each view what it is and where it is', async () => {
    const service = await open();
    const { data, errors } = await service.run(FeatureCatalogueDocument, {});
    expect(errors).toBeUndefined();
    const { keys } = service.engine;
    expect(data?.featureViews.map(({ features, description, ...view }) => view)).toEqual([
      {
        name: 'user_risk_profile',
        version: 1,
        entity: 'User',
        typeName: 'UserRiskProfile',
        fieldPath: 'User.riskProfile',
        keyPattern: `${keys.prefix}:v1:user_risk_profile:{<id>}`,
        historySeconds: 86_400,
      },
      {
        name: 'merchant_activity',
        version: 1,
        entity: 'Merchant',
        typeName: 'MerchantActivity',
        fieldPath: 'Merchant.activity',
        keyPattern: `${keys.prefix}:v1:merchant_activity:{<id>}`,
        historySeconds: 86_400,
      },
    ]);
  });

  test('says of each feature what it means', async () => {
    const service = await open();
    const { data } = await service.run(FeatureCatalogueDocument, {});
    const feature = (name: string) =>
      data?.featureViews.flatMap(({ features }) => features).find((one) => one.name === name);
    expect(feature('avgTxnAmount')).toMatchObject({
      hashField: 'avg_txn_amount',
      type: 'Float',
      nullable: true,
      stored: true,
      aggregation: 'avg',
      sourceField: 'amount',
      window: 'lifetime, idle 24h',
      windowSeconds: null,
      delaySeconds: null,
      where: null,
    });
    expect(feature('fraudRate7d')).toMatchObject({
      type: 'Float',
      nullable: true,
      aggregation: 'share',
      sourceField: 'fraud',
      window: '7d, 7d ago',
      windowSeconds: 604_800,
      delaySeconds: 604_800,
    });
    expect(feature('uniqueUsers1h')).toMatchObject({
      type: 'Int',
      nullable: false,
      windowSeconds: 3_600,
      delaySeconds: 0,
    });
    expect(feature('lastTxnAt')).toMatchObject({ type: 'DateTime', nullable: true, aggregation: 'last' });
  });
});
