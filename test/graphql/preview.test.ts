import { describe, expect, test, vi } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import {
  PreviewTransactionDocument,
  RecordTransactionDocument,
  RiskProfileDocument,
  ScoreTransactionDocument,
} from '../../schema/operations/generated.ts';
import { Service } from './service.ts';
import { pastPayment } from './transactions.ts';

const open = () => Service.open(schema, views);

describe('previewing a transaction', () => {
  test('shows the features as they would be, and they are so once it is recorded', async () => {
    const service = await open();
    const [first, input] = [pastPayment(), pastPayment()];
    input.userId = first.userId;
    await service.run(RecordTransactionDocument, { input: first });
    const { data: preview, errors } = await service.run(PreviewTransactionDocument, { input });
    expect(errors).toBeUndefined();
    expect(preview?.previewTransaction).toMatchObject({
      status: 'RECORDED',
      occurredAt: input.occurredAt,
      user: { riskProfile: { txnCount1h: 2, txnAmount1h: 25, uniqueMerchants1h: 2 } },
      merchant: { activity: { uniqueUsers1h: 1 } },
    });
    const unchanged = await service.run(RiskProfileDocument, { userId: input.userId });
    expect(unchanged.data?.user.riskProfile).toMatchObject({ txnCount1h: 1, txnAmount1h: 12.5 });

    const { data: scored } = await service.run(ScoreTransactionDocument, { input });
    const {
      id: _id,
      freshness: _,
      ...expected
    } = preview?.previewTransaction.user?.riskProfile ?? {
      id: '',
      freshness: null,
    };
    expect(scored?.recordTransaction.user?.riskProfile).toMatchObject(expected);
  });

  test('says of a duplicate, and of what breaks a rule, what recording would', async () => {
    const service = await open();
    const input = pastPayment();
    await service.run(RecordTransactionDocument, { input });
    const status = async (more: object) =>
      (await service.run(PreviewTransactionDocument, { input: { ...input, ...more } })).data?.previewTransaction;
    expect(await status({})).toMatchObject({ status: 'DUPLICATE', user: { riskProfile: { txnCount1h: 1 } } });
    expect(await status({ amount: 13 })).toMatchObject({
      status: 'DUPLICATE',
      reason: expect.stringContaining('amount'),
    });
    expect(await status({ amount: 1e16 })).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringContaining('amount'),
    });
    expect(await status({ userId: '' })).toMatchObject({ status: 'REJECTED', user: null });
  });

  test('gives its vectors ids and revisions that are neither those of now nor of another preview', async () => {
    const service = await open();
    const [small, large] = [pastPayment(), pastPayment()];
    large.userId = small.userId;
    const asked = '{ user { riskProfile { id txnAmount1h freshness { revision } } } }';
    const { data } = await service.run(
      `query ($small: TransactionInput!, $large: TransactionInput!, $id: ID!) {
        small: previewTransaction(input: $small) ${asked}
        again: previewTransaction(input: $small) ${asked}
        large: previewTransaction(input: $large) ${asked}
        now: user(id: $id) { riskProfile { id freshness { revision } } }
      }`,
      { small, large: { ...large, amount: 1_000 }, id: small.userId },
    );
    type Shown = { riskProfile: { id: string; freshness: { revision: string } } };
    const { now, ...previews } = data as { now: Shown } & { [name: string]: { user: Shown } };
    expect(now.riskProfile.id).toBe(`user_risk_profile:v1:${small.userId}`);
    const [one, same, other] = ['small', 'again', 'large'].map((name) => previews[name]?.user.riskProfile);
    expect(same?.id).toBe(one?.id);
    expect(other?.id).not.toBe(one?.id);
    expect(other?.freshness.revision).not.toBe(one?.freshness.revision);
    for (const previewed of [one, other]) {
      // All that begins so is the own vector of some entity.
      expect(previewed?.id.startsWith('user_risk_profile:v1:')).toBe(false);
      expect(previewed?.id).toMatch(new RegExp(`:${small.userId}$`));
      expect(previewed?.freshness.revision).not.toMatch(/^\d+$/);
    }
  });

  test('does not claim to know how sure its values are', async () => {
    const service = await open();
    const past = vi.spyOn(service.engine, 'pastEach');
    const { data } = await service.run(
      `query ($input: TransactionInput!) { previewTransaction(input: $input) {
        user { riskProfile { accuracy(features: [txnAmount1h]) { feature exact lower upper method } } }
      } }`,
      { input: pastPayment() },
    );
    const unknown = { feature: 'txnAmount1h', exact: false, lower: null, upper: null, method: 'UNREACHABLE' };
    expect(data).toEqual({ previewTransaction: { user: { riskProfile: { accuracy: [unknown] } } } });
    expect(past).not.toHaveBeenCalled();
  });

  test('of what is refused shows what is there, under its own id', async () => {
    const service = await open();
    const input = { ...pastPayment(), amount: 1e16 };
    const { data } = await service.run(
      'query ($input: TransactionInput!) { previewTransaction(input: $input) { status user { riskProfile { id } } } }',
      { input },
    );
    const id = `user_risk_profile:v1:${input.userId}`;
    expect(data?.previewTransaction).toEqual({ status: 'REJECTED', user: { riskProfile: { id } } });
  });

  test('is no part of what else the query reads', async () => {
    const service = await open();
    const input = pastPayment();
    const { data } = await service.run(
      `query ($input: TransactionInput!, $id: ID!) {
        before: user(id: $id) { riskProfile { txnCount1h } }
        one: previewTransaction(input: $input) { user { riskProfile { txnCount1h } } }
        two: previewTransaction(input: $input) { status user { riskProfile { txnCount1h } } }
        after: user(id: $id) { riskProfile { txnCount1h } }
      }`,
      { input, id: input.userId },
    );
    expect(data).toEqual({
      before: { riskProfile: { txnCount1h: 0 } },
      one: { user: { riskProfile: { txnCount1h: 1 } } },
      two: { status: 'RECORDED', user: { riskProfile: { txnCount1h: 1 } } },
      after: { riskProfile: { txnCount1h: 0 } },
    });
  });

  test('while Valkey is away is UNAVAILABLE', async () => {
    const service = await open();
    service.cutOff();
    const { data } = await service.run(PreviewTransactionDocument, { input: pastPayment() });
    expect(data?.previewTransaction).toMatchObject({ status: 'UNAVAILABLE', user: { riskProfile: null } });
  });
});
