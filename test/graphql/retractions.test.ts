import { describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import {
  RecordTransactionDocument,
  RiskProfileDocument,
  type TransactionInput,
  WatchUsersDocument,
} from '../../schema/operations/generated.ts';
import { faults, nextOf, Service, streamOf } from './service.ts';
import { pastPayment } from './transactions.ts';

const open = () => Service.open(schema, views);

const retraction = ({ fraud: _, ...told }: TransactionInput, more: Partial<TransactionInput> = {}) => ({
  input: { ...told, ...more },
});

const retractWithFeatures = `mutation ($input: RetractTransactionInput!) {
  retractTransaction(input: $input) {
    transactionId status reason occurredAt views { name status reason }
    user { id riskProfile { txnCount1h avgTxnAmount uniqueMerchants1h lastTxnAt } }
    merchant { id activity { txnCount1h uniqueUsers1h } }
  }
}`;

describe('retracting', () => {
  test('takes a transaction out of all features, and a retried original is a duplicate', async () => {
    const service = await open();
    const [kept, one] = [pastPayment(), pastPayment()];
    one.userId = kept.userId;
    for (const input of [kept, one]) await service.run(RecordTransactionDocument, { input });
    const { data, errors } = await service.run(retractWithFeatures, retraction(one));
    expect(errors).toBeUndefined();
    expect(data?.retractTransaction).toEqual({
      transactionId: one.transactionId,
      status: 'RETRACTED',
      reason: null,
      occurredAt: one.occurredAt,
      views: [
        { name: 'user_risk_profile', status: 'RETRACTED', reason: null },
        { name: 'merchant_activity', status: 'RETRACTED', reason: null },
      ],
      user: {
        id: one.userId,
        riskProfile: { txnCount1h: 1, avgTxnAmount: 12.5, uniqueMerchants1h: 1, lastTxnAt: kept.occurredAt },
      },
      merchant: { id: one.merchantId, activity: { txnCount1h: 0, uniqueUsers1h: 0 } },
    });
    const again = await service.run(RecordTransactionDocument, { input: one });
    expect(again.data?.recordTransaction).toMatchObject({
      status: 'DUPLICATE',
      reason: expect.stringContaining('retracted'),
    });
  });

  test('of another amount is a mismatch that names the views, and shows the features as they are', async () => {
    const service = await open();
    const one = pastPayment();
    await service.run(RecordTransactionDocument, { input: one });
    const { data } = await service.run(retractWithFeatures, retraction(one, { amount: 13 }));
    expect(data?.retractTransaction).toMatchObject({
      status: 'MISMATCH',
      reason: expect.stringMatching(/user_risk_profile: .*another amount; merchant_activity: .*another amount/),
      user: { riskProfile: { txnCount1h: 1 } },
      merchant: { activity: { txnCount1h: 1 } },
    });
  });

  test('of what nobody recorded, or with a bad id, says so with a reason', async () => {
    const service = await open();
    const nobody = await service.run(retractWithFeatures, retraction(pastPayment()));
    expect(nobody.data?.retractTransaction).toMatchObject({ status: 'NOT_FOUND', occurredAt: null });
    const bad = await service.run(retractWithFeatures, retraction(pastPayment({ merchantId: '' })));
    expect(bad.data?.retractTransaction).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringContaining('merchantId'),
      merchant: null,
      user: { riskProfile: { txnCount1h: 0 } },
    });
  });

  test('while Valkey is away is UNAVAILABLE', async () => {
    const service = await open();
    service.cutOff();
    const result = await service.run(retractWithFeatures, retraction(pastPayment()));
    expect(result.data?.retractTransaction).toMatchObject({ status: 'UNAVAILABLE', user: { riskProfile: null } });
    expect(new Set(faults(result).map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
  });
});

describe('forgetting', () => {
  const forget = 'mutation ($id: ID!) { forgetUser(id: $id) { id status reason keys bytes } }';

  test('answers with a receipt, and the user is unknown', async () => {
    const service = await open();
    const input = pastPayment();
    await service.run(RecordTransactionDocument, { input });
    const { data } = await service.run(forget, { id: input.userId });
    const receipt = data?.forgetUser as { keys: number; bytes: number };
    expect(receipt).toMatchObject({ id: input.userId, status: 'FORGOTTEN', reason: null, keys: 2 });
    expect(receipt.bytes).toBeGreaterThan(300);
    const profile = await service.run(RiskProfileDocument, { userId: input.userId });
    expect(profile.data?.user.riskProfile).toMatchObject({ txnCount30d: 0, freshness: { lastEventAt: null } });
    expect((await service.run(forget, { id: input.userId })).data?.forgetUser).toMatchObject({ keys: 0, bytes: 0 });
    const merchant = 'mutation ($id: ID!) { forgetMerchant(id: $id) { status keys } }';
    expect((await service.run(merchant, { id: input.merchantId })).data?.forgetMerchant).toMatchObject({ keys: 2 });
  });

  test('is told to watchers, who see what comes after it too', async () => {
    const service = await open();
    const input = pastPayment();
    await service.run(RecordTransactionDocument, { input });
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: [input.userId] }));
    const counts = async () =>
      (await nextOf(stream)).data?.userRiskProfileUpdated.map(({ user }) => user.riskProfile?.txnCount1h);
    expect(await counts()).toEqual([1]);
    await service.run(forget, { id: input.userId });
    expect(await counts()).toEqual([0]);
    await service.run(RecordTransactionDocument, { input: pastPayment({ userId: input.userId }) });
    expect(await counts()).toEqual([1]);
    await stream.return(undefined);
  });

  test('of a bad id, or while Valkey is away, says so in the receipt', async () => {
    const service = await open();
    expect((await service.run(forget, { id: '' })).data?.forgetUser).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringContaining('empty'),
    });
    service.cutOff();
    expect((await service.run(forget, { id: 'x' })).data?.forgetUser).toMatchObject({
      status: 'UNAVAILABLE',
      reason: expect.stringMatching(/./),
    });
  });
});
