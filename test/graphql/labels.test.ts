import { describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import {
  LabelTransactionDocument,
  RecordTransactionsDocument,
  type TransactionInput,
  WatchMerchantsDocument,
} from '../../schema/operations/generated.ts';
import { count, event, view } from '../../src/define/index.ts';
import { account, newBuilder, transfer } from './deployments.ts';
import { faults, freshId, nextOf, Service, streamOf } from './service.ts';

const dayMs = 86_400_000;
const open = () => Service.open(schema, views, { singles: 2 });

/** A payment to a merchant, eight days and some minutes ago: old enough for a label. */
function payment(merchantId: string, minutes: number): TransactionInput & { occurredAt: string } {
  const occurredAt = new Date(Date.now() - 8 * dayMs - minutes * 60_000).toISOString();
  return { transactionId: freshId('txn'), userId: freshId('user'), merchantId, amount: 1, occurredAt };
}

const chargeback = ({ amount: _, ...known }: ReturnType<typeof payment>, fraud = true) => ({ ...known, fraud });

const labelWithFeatures = `mutation ($input: LabelTransactionInput!) {
  labelTransaction(input: $input) {
    transactionId status reason occurredAt views { name status reason }
    user { id riskProfile { txnCount30d } } merchant { id activity { fraudRate30d labelledTxnCount30d } }
  }
}`;

describe('labelling', () => {
  test('moves the fraud rate by exactly the share of the transaction, also when it is put together with others', async () => {
    const service = await open();
    const merchantId = freshId('merchant');
    const input = Array.from({ length: 10 }, (_, i) => payment(merchantId, 100 - i));
    await service.run(RecordTransactionsDocument, { input });
    const label = (one: (typeof input)[number] | undefined, fraud?: boolean) =>
      service.run(labelWithFeatures, { input: chargeback(one as (typeof input)[number], fraud) });
    const [first, second] = input;
    const { data, errors } = await label(first);
    expect(errors).toBeUndefined();
    expect(data?.labelTransaction).toEqual({
      transactionId: first?.transactionId,
      status: 'LABELLED',
      reason: null,
      occurredAt: first?.occurredAt,
      views: [{ name: 'merchant_activity', status: 'LABELLED', reason: null }],
      user: { id: first?.userId, riskProfile: { txnCount30d: 1 } },
      merchant: { id: merchantId, activity: { fraudRate30d: 0.1, labelledTxnCount30d: 10 } },
    });
    const again = await label(first);
    expect(again.data?.labelTransaction).toMatchObject({
      status: 'DUPLICATE',
      reason: expect.stringContaining('already'),
    });
    expect((await label(second)).data?.labelTransaction).toMatchObject({
      merchant: { activity: { fraudRate30d: 0.2 } },
    });
    expect((await label(first, false)).data?.labelTransaction).toMatchObject({
      status: 'LABELLED',
      merchant: { activity: { fraudRate30d: 0.1 } },
    });
  });

  test('is seen by watchers', async () => {
    const service = await open();
    const merchantId = freshId('merchant');
    const [one, other] = [payment(merchantId, 2), payment(merchantId, 1)];
    await service.run(RecordTransactionsDocument, { input: [one, other] });
    const stream = streamOf(await service.watch(WatchMerchantsDocument, { merchantIds: [merchantId] }));
    const shown = async () => (await nextOf(stream)).data?.merchantActivityUpdated;
    expect(await shown()).toMatchObject([{ cause: 'SNAPSHOT', merchant: { activity: { fraudRate7d: 0 } } }]);
    await service.run(LabelTransactionDocument, { input: chargeback(one) });
    expect(await shown()).toMatchObject([{ cause: 'EVENT', merchant: { activity: { fraudRate7d: 0.5 } } }]);
    await stream.return(undefined);
  });

  test('of what nobody recorded, of what is too old, or of a bad id says so, with a reason', async () => {
    const service = await open();
    const label = async (input: object) =>
      (await service.run(labelWithFeatures, { input: { ...chargeback(payment(freshId('merchant'), 0)), ...input } }))
        .data?.labelTransaction;
    expect(await label({})).toMatchObject({
      status: 'NOT_FOUND',
      reason: expect.stringMatching(/^merchant_activity: no Transaction/),
      occurredAt: null,
      merchant: { activity: { labelledTxnCount30d: 0 } },
    });
    expect(await label({ occurredAt: '2001-01-01T00:00:00Z' })).toMatchObject({ status: 'TOO_OLD' });
    expect(await label({ userId: '' })).toMatchObject({ status: 'REJECTED', user: null, views: [] });
  });

  test('while Valkey is away is UNAVAILABLE', async () => {
    const service = await open();
    service.cutOff();
    const result = await service.run(labelWithFeatures, { input: chargeback(payment(freshId('merchant'), 0)) });
    expect(result.data?.labelTransaction).toMatchObject({
      status: 'UNAVAILABLE',
      views: [{ name: 'merchant_activity', status: 'UNAVAILABLE' }],
      merchant: { activity: null },
    });
    expect(faults(result).map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  });
});

describe('a schema', () => {
  const labelled = event('Refund', {
    description: 'Money back.',
    id: 'refundId',
    time: 'at',
    fields: {
      refundId: { type: 'id', description: 'Its id.' },
      accountId: { type: 'id', description: 'Whose.' },
      at: { type: 'time', description: 'When.' },
      disputed: { type: 'boolean', optional: true, label: true, description: 'Whether it was disputed.' },
    },
  });
  const refunds = view('refunds', {
    version: 1,
    entity: account,
    from: labelled,
    by: 'accountId',
    description: 'Refunds.',
    features: { count1h: count({ window: '1h' }) },
  });

  test('cannot label an event without a label, or one whose label changes nothing', () => {
    const builder = newBuilder();
    builder.mutationType({ description: 'Mutations.' });
    builder.mutationField('labelTransfer', (t) => t.label(transfer));
    expect(() => builder.toSchema({ views: [] })).toThrow(/event Transfer: has no label/);

    const other = newBuilder();
    other.entityType(account, { fields: (t) => ({ refunds: t.featureView(refunds) }) });
    other.mutationType({ description: 'Mutations.', fields: (t) => ({ labelRefund: t.label(labelled) }) });
    expect(() => other.toSchema({ views: [refunds] })).toThrow(/nothing in the schema's views depends on its disputed/);
  });
});
