import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { RecordTransactionsDocument } from '../../schema/operations/generated.ts';
import { riskProfile } from '../../schema/user.ts';
import { connect } from '../../src/valkey/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { singleAddress } from '../support/single-address.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

it('an event that cannot be recorded for what is stored is logged, once a request, and its client told not to wait', async () => {
  const valkey = connect(singleAddress(inject('valkeyUrl')));
  await valkey.set(api.engine.keys.log(riskProfile, 'broken'), 'no log');
  valkey.disconnect();

  const input = ['t1', 't2'].map((transactionId) => ({ transactionId, userId: 'broken', merchantId: 'm', amount: 1 }));
  const { data, headers } = await api.ask(RecordTransactionsDocument, { input });
  expect(data?.recordTransactions).toMatchObject({ unavailable: 2 });
  const { data: one } = await api.ask<{ recordTransaction: { reason: string } }>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { reason } }',
    { input: input[0] },
  );
  expect(one?.recordTransaction.reason).toContain('User cannot be used, and waiting does not mend it');

  const lines = api.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'An event cannot be recorded');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({
    level: 50,
    requestId: headers.get('x-request-id'),
    err: { type: 'LogFaultError', message: expect.stringContaining('no log') },
  });
});
