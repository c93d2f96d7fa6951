import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect } from '../../src/valkey/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';

let api: TestApi;
const valkey = connect(singleAddress(inject('valkeyUrl')));

beforeAll(async () => {
  api = await startApi();
});

afterAll(async () => {
  await api?.stop();
  valkey.disconnect();
});

interface Update {
  readonly cause: string;
  readonly user: {
    readonly riskProfile: { readonly txnCount1m: number; readonly freshness: { readonly asOf: string } };
  };
}

test('txnCount1m falls to 0 a minute after its last event and not before, with nothing else happening', async () => {
  const occurredAt = Date.now() - 55_000;
  const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
  const input = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1, occurredAt: new Date(occurredAt) };
  await api.ask(record, { input });
  const socket = await ProtocolSocket.open(api.webSocketUrl);
  socket.subscribe(
    'watch',
    'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause user { riskProfile { txnCount1m freshness { asOf } } } } }',
  );
  await until(() => socket.of('next').length === 2);
  const updates = socket
    .of('next')
    .map(({ payload }) => (payload as { data: { userRiskProfileUpdated: [Update] } }).data.userRiskProfileUpdated[0]);
  expect(updates.map(({ cause, user }) => `${cause} ${user.riskProfile.txnCount1m}`)).toEqual([
    'SNAPSHOT 1',
    'DECAY 0',
  ]);
  expect(Date.parse(updates[1]?.user.riskProfile.freshness.asOf ?? '')).toBeGreaterThanOrEqual(occurredAt + 60_000);
  expect(await valkey.hget(`${api.keyPrefix}:v1:user_risk_profile:{u}`, 'txn_count_1m')).toBe('0');
  socket.socket.terminate();
});
