import { describe, expect, test, vi } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import {
  RecordTransactionDocument,
  RecordTransactionsDocument,
  RiskProfileDocument,
  ScoreTransactionDocument,
} from '../../schema/operations/generated.ts';
import { account, transferSchema, transferView } from './deployments.ts';
import { faults, freshId, Service } from './service.ts';
import { pastPayment, payment } from './transactions.ts';

const open = () => Service.open(schema, views);

const allResults = `mutation ($input: [TransactionInput!]!, $only: [RecordStatus!]) {
  recordTransactions(input: $input) {
    recorded duplicates tooLate rejected unavailable
    results(only: $only) {
      index transactionId status reason occurredAt
      user { id riskProfile { txnCount1h } } merchant { id activity { txnCount1h } }
    }
  }
}`;

describe('recording one event', () => {
  test('returns the features with the event in them', async () => {
    const service = await open();
    const input = pastPayment();
    const { data, errors } = await service.run(ScoreTransactionDocument, { input });
    expect(errors).toBeUndefined();
    expect(data?.recordTransaction).toMatchObject({
      transactionId: input.transactionId,
      status: 'RECORDED',
      reason: null,
      occurredAt: input.occurredAt,
      user: { id: input.userId, riskProfile: { txnCount1m: 1, txnAmount1h: 12.5, lastTxnAt: input.occurredAt } },
      merchant: { id: input.merchantId, activity: { uniqueUsers1h: 1, fraudRate30d: null } },
    });
  });

  test('takes the store’s now for a time left out', async () => {
    const service = await open();
    const before = Date.now();
    const { data } = await service.run(RecordTransactionDocument, { input: payment({ occurredAt: null }) });
    expect(Date.parse(data?.recordTransaction.occurredAt ?? '')).toBeGreaterThanOrEqual(before - 1_000);
  });

  test('twice has no further effect', async () => {
    const service = await open();
    const input = payment({ occurredAt: new Date().toISOString() });
    await service.run(ScoreTransactionDocument, { input });
    const { data } = await service.run(ScoreTransactionDocument, { input });
    expect(data?.recordTransaction).toMatchObject({
      status: 'DUPLICATE',
      occurredAt: input.occurredAt,
      user: { riskProfile: { txnCount1h: 1 } },
    });
  });

  test.for([
    ['an amount beyond 1e15', { amount: 1e16 }],
    ['a time in the future', { occurredAt: new Date(Date.now() + 3_600_000).toISOString() }],
    ['a bad id of the event', { transactionId: '' }],
  ] as const)('with %s is rejected with a reason, and shows the features as they are', async ([_, fault]) => {
    const service = await open();
    const good = payment();
    await service.run(RecordTransactionDocument, { input: good });
    const { userId, merchantId } = good;
    const { data, errors } = await service.run(ScoreTransactionDocument, {
      input: payment({ userId, merchantId, ...fault }),
    });
    expect(errors).toBeUndefined();
    expect(data?.recordTransaction).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringMatching(/./),
      occurredAt: null,
      user: { id: good.userId, riskProfile: { txnCount1h: 1 } },
      merchant: { id: good.merchantId, activity: { uniqueUsers1h: 1 } },
    });
  });

  test('with a bad id of an entity leaves that one null, and only that one', async () => {
    const service = await open();
    const input = payment({ userId: 'bell\u0007' });
    const { data, errors } = await service.run(ScoreTransactionDocument, { input });
    expect(errors).toBeUndefined();
    expect(data?.recordTransaction).toMatchObject({
      status: 'REJECTED',
      user: null,
      merchant: { id: input.merchantId, activity: { uniqueUsers1h: 0 } },
    });
  });

  test('while Valkey is away is UNAVAILABLE, with the entities and without their features', async () => {
    const service = await open();
    service.cutOff();
    const read = vi.spyOn(service.engine, 'readEach');
    const input = payment();
    const result = await service.run(ScoreTransactionDocument, { input });
    expect(result.data?.recordTransaction).toMatchObject({
      status: 'UNAVAILABLE',
      user: { id: input.userId, riskProfile: null },
      merchant: { id: input.merchantId, activity: null },
    });
    expect(faults(result)).toEqual([
      { code: 'UNAVAILABLE', path: 'recordTransaction.user.riskProfile' },
      { code: 'UNAVAILABLE', path: 'recordTransaction.merchant.activity' },
    ]);
    // Not once more for the features, which would take as long again.
    expect(read).not.toHaveBeenCalled();
    const { reason } = result.data?.recordTransaction ?? {};
    expect(result.errors?.map(({ message }) => message)).toEqual([reason, reason]);
  });
});

describe('several mutations in one request', () => {
  test('each see what those before them did, also what the request had read before', async () => {
    const service = await open();
    const good = payment();
    const { data } = await service.run(
      `mutation ($good: TransactionInput!, $bad: TransactionInput!) {
        before: recordTransaction(input: $bad) { status user { riskProfile { txnCount1h } } }
        record: recordTransaction(input: $good) { status user { riskProfile { txnCount1h } } }
        after: recordTransaction(input: $bad) { status user { riskProfile { txnCount1h } } }
      }`,
      { good, bad: { ...good, amount: 1e16 } },
    );
    expect(data).toEqual({
      before: { status: 'REJECTED', user: { riskProfile: { txnCount1h: 0 } } },
      record: { status: 'RECORDED', user: { riskProfile: { txnCount1h: 1 } } },
      after: { status: 'REJECTED', user: { riskProfile: { txnCount1h: 1 } } },
    });
  });
});

describe('recording a batch', () => {
  test('tells of each event what became of it, in the order sent, with the features as they are at the end', async () => {
    const service = await open();
    const first = payment();
    const input = [
      first,
      payment({ userId: first.userId, merchantId: first.merchantId }),
      payment({ ...first, amount: 1e16 }),
      first,
      payment({ userId: first.userId, merchantId: first.merchantId, occurredAt: '2001-01-01T00:00:00Z' }),
      payment({ userId: '' }),
    ];
    const { data, errors } = await service.run(allResults, { input });
    expect(errors).toBeUndefined();
    const batch = data?.recordTransactions as { results: { [field: string]: unknown }[] };
    expect(batch).toMatchObject({ recorded: 2, duplicates: 1, tooLate: 1, rejected: 2, unavailable: 0 });
    expect(batch.results.map(({ index, transactionId, status }) => [index, transactionId, status])).toEqual(
      ['RECORDED', 'RECORDED', 'REJECTED', 'DUPLICATE', 'TOO_LATE', 'REJECTED'].map((status, index) => [
        index,
        input[index]?.transactionId,
        status,
      ]),
    );
    for (const { user, merchant } of batch.results.slice(0, 5)) {
      expect(user).toEqual({ id: first.userId, riskProfile: { txnCount1h: 2 } });
      expect(merchant).toEqual({ id: first.merchantId, activity: { txnCount1h: 2 } });
    }
    expect(batch.results[5]).toMatchObject({ user: null, merchant: { activity: { txnCount1h: 0 } } });
  });

  test('shows only what is asked for', async () => {
    const service = await open();
    const first = payment();
    const input = [first, first, payment({ amount: 1e16 }), payment()];
    const only = async (statuses: readonly string[] | null) => {
      const { data } = await service.run(allResults, { input, only: statuses });
      const batch = data?.recordTransactions as { results: { index: number }[] } | undefined;
      return batch?.results.map(({ index }) => index);
    };
    expect(await only(['RECORDED'])).toEqual([0, 3]);
    expect(await only(['RECORDED', 'REJECTED'])).toEqual([2]);
    expect(await only(['DUPLICATE'])).toEqual([0, 1, 3]);
    expect(await only([])).toEqual([]);
    expect(await only(null)).toEqual([0, 1, 2, 3]);
  });

  test('may hold a thousand events and no more, or none', async () => {
    const service = await open();
    const userId = freshId('user');
    const input = Array.from({ length: 1_001 }, () => payment({ userId }));
    const refused = await service.run(RecordTransactionsDocument, { input });
    expect(refused.data).toBeNull();
    expect(faults(refused)).toEqual([{ code: 'BATCH_TOO_LARGE', path: 'recordTransactions' }]);
    expect(refused.errors?.[0]?.message).toContain('at most 1000 events, and got 1001');
    expect(refused.errors?.[0]?.message).toContain('nothing was recorded');
    const untouched = await service.run(RiskProfileDocument, { userId });
    expect(untouched.data?.user.riskProfile?.txnCount1h).toBe(0);

    const { data } = await service.run(RecordTransactionsDocument, { input: input.slice(1) });
    expect(data?.recordTransactions).toMatchObject({ recorded: 1_000, results: [] });
    const none = await service.run(RecordTransactionsDocument, { input: [] });
    expect(none.data?.recordTransactions).toMatchObject({ recorded: 0, results: [] });
  });
});

test('what GraphQL cannot coerce fails the request before anything is touched', async () => {
  const service = await open();
  const good = payment();
  const input = [good, { ...payment(), occurredAt: '2026-02-30T00:00:00Z' }];
  const result = await service.run(RecordTransactionsDocument, { input });
  expect(result.data).toBeUndefined();
  expect(faults(result)).toEqual([{ code: 'BAD_USER_INPUT', path: undefined }]);
  expect(result.errors?.[0]?.message).toContain('at "input[1].occurredAt"');
  const { data } = await service.run(RiskProfileDocument, { userId: good.userId });
  expect(data?.user.riskProfile?.txnCount1h).toBe(0);
});

test('the two entities of one type that an event names have each their own features', async () => {
  const sent = transferView('account_sent', account, 'senderId');
  const received = transferView('account_received', account, 'receiverId');
  const service = await Service.open(transferSchema([sent, received]), [sent, received]);
  const move = `mutation ($input: TransferInput!) {
    recordTransfer(input: $input) {
      sender { accountsent { count1h } accountreceived { count1h } }
      receiver { accountsent { count1h } accountreceived { count1h } }
    }
  }`;
  const input = { transferId: freshId('transfer'), senderId: 'a', receiverId: 'b', bankId: 'x', sum: 1 };
  expect((await service.run(move, { input })).data).toEqual({
    recordTransfer: {
      sender: { accountsent: { count1h: 1 }, accountreceived: { count1h: 0 } },
      receiver: { accountsent: { count1h: 0 }, accountreceived: { count1h: 1 } },
    },
  });
});
