import { describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import { RecordTransactionDocument, WatchUsersDocument } from '../../schema/operations/generated.ts';
import { riskProfile } from '../../schema/user.ts';
import { account, newBuilder, transfer, transferView } from './deployments.ts';
import { faults, freshId, nextOf, Service, streamOf } from './service.ts';

const open = () => Service.open(schema, views);

const pay = (userId: string) => ({ transactionId: freshId('txn'), userId, merchantId: 'm', amount: 5 });

describe('a subscription', () => {
  test('begins with a snapshot of each id, once, in the order asked', async () => {
    const service = await open();
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['b', 'a', 'b'] }));
    const { data, errors } = await nextOf(stream);
    expect(errors).toBeUndefined();
    expect(data?.userRiskProfileUpdated).toMatchObject(
      ['b', 'a'].map((id) => ({ cause: 'SNAPSHOT', user: { id, riskProfile: { txnCount1h: 0 } } })),
    );
    await stream.return(undefined);
  });

  test('goes on with what changes', async () => {
    const service = await open();
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a', 'b'] }));
    await nextOf(stream);
    for (const txnCount1h of [1, 2]) {
      const update = nextOf(stream);
      await service.run(RecordTransactionDocument, { input: pay('b') });
      expect((await update).data?.userRiskProfileUpdated).toMatchObject([
        { cause: 'EVENT', user: { id: 'b', riskProfile: { txnCount1h, txnAmount1h: 5 * txnCount1h } } },
      ]);
    }
    await stream.return(undefined);
  });

  test('tells, a minute after an event and with nothing else happening, that it has left the minute', async () => {
    const service = await open();
    const occurredAt = new Date((await service.now()) - 55_000).toISOString();
    await service.run(RecordTransactionDocument, { input: { ...pay('a'), occurredAt } });
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a'] }));
    expect((await nextOf(stream)).data?.userRiskProfileUpdated).toMatchObject([
      { cause: 'SNAPSHOT', user: { riskProfile: { txnCount1m: 1, txnCount1h: 1 } } },
    ]);
    const [update] = (await nextOf(stream)).data?.userRiskProfileUpdated ?? [];
    expect(update).toMatchObject({ cause: 'DECAY', user: { riskProfile: { txnCount1m: 0, txnCount1h: 1 } } });
    const leftAt = Date.parse(occurredAt) + 60_000;
    expect(Date.parse(update?.user.riskProfile?.freshness.asOf ?? '')).toBeGreaterThanOrEqual(leftAt);
    expect(await service.stored(riskProfile, 'a', 'txn_count_1m')).toBe('0');
    await stream.return(undefined);
  });

  test('leaves out of the snapshot what the client has, and sends at once what it has not', async () => {
    const service = await open();
    for (const userId of ['a', 'b']) await service.run(RecordTransactionDocument, { input: pay(userId) });
    const first = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a', 'b'] }));
    const had = (await nextOf(first)).data?.userRiskProfileUpdated ?? [];
    const since = had.map(({ user }) => ({ id: user.id, revision: user.riskProfile?.freshness.revision ?? '' }));
    await first.return(undefined);
    await service.run(RecordTransactionDocument, { input: pay('b') });
    const resumed = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a', 'b', 'c', ''], since }));
    const { data, errors } = await nextOf(resumed);
    expect(data?.userRiskProfileUpdated).toMatchObject([
      { cause: 'SNAPSHOT', user: { id: 'b', riskProfile: { txnCount1h: 2 } } },
      { cause: 'SNAPSHOT', user: { id: 'c', riskProfile: { txnCount1h: 0 } } },
      { cause: 'SNAPSHOT', user: { id: '', riskProfile: null } },
    ]);
    expect(errors).toMatchObject([{ path: ['userRiskProfileUpdated', 2, 'user', 'riskProfile'] }]);
    const update = nextOf(resumed);
    await service.run(RecordTransactionDocument, { input: pay('a') });
    expect((await update).data?.userRiskProfileUpdated).toMatchObject([{ cause: 'EVENT', user: { id: 'a' } }]);
    await resumed.return(undefined);
  });

  test('takes no revision for what it is not', async () => {
    const service = await open();
    await service.run(RecordTransactionDocument, { input: pay('a') });
    const since = ['', '0', 'yesterday', '1e999'].map((revision) => ({ id: 'a', revision }));
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a'], since }));
    expect((await nextOf(stream)).data?.userRiskProfileUpdated).toMatchObject([{ cause: 'SNAPSHOT' }]);
    await stream.return(undefined);
  });

  test.each([-1, 60_001])('refuses a pace of %i ms', async (minIntervalMs) => {
    const service = await open();
    const refused = await service.watch(WatchUsersDocument, { userIds: ['a'], minIntervalMs });
    expect(refused).toMatchObject({
      errors: [{ path: ['userRiskProfileUpdated'], extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });

  test('ends at once when it is left, also while nothing happens', async () => {
    const service = await open();
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a'] }));
    await nextOf(stream);
    const pending = stream.next();
    await stream.return(undefined);
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(service.hub.load).toEqual({ entities: 0, subscriptions: 0 });
  });

  test('ends when the hub closes', async () => {
    const service = await open();
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a'] }));
    await nextOf(stream);
    const pending = stream.next();
    service.hub.close();
    expect((await pending).done).toBe(true);
    const late = streamOf(await service.watch(WatchUsersDocument, { userIds: ['a'] }));
    expect((await late.next()).done).toBe(true);
  });
});

describe('ids that cannot be watched', () => {
  test('appear in the snapshot with their error, and the others are served', async () => {
    const service = await open();
    const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['', 'a', 'bell\u0007'] }));
    const snapshot = await nextOf(stream);
    expect(snapshot.data?.userRiskProfileUpdated).toMatchObject([
      { cause: 'SNAPSHOT', user: { id: '', riskProfile: null } },
      { cause: 'SNAPSHOT', user: { id: 'a', riskProfile: { txnCount1h: 0 } } },
      { cause: 'SNAPSHOT', user: { id: 'bell\u0007', riskProfile: null } },
    ]);
    expect(faults(snapshot)).toEqual(
      [0, 2].map((place) => ({ code: 'ID_INVALID', path: `userRiskProfileUpdated.${place}.user.riskProfile` })),
    );
    const update = nextOf(stream);
    await service.run(RecordTransactionDocument, { input: pay('a') });
    expect((await update).data?.userRiskProfileUpdated).toMatchObject([{ cause: 'EVENT', user: { id: 'a' } }]);
    await stream.return(undefined);
  });

  test('alone end the subscription after the snapshot, for nothing could follow', async () => {
    const service = await open();
    for (const userIds of [[''], []]) {
      const stream = streamOf(await service.watch(WatchUsersDocument, { userIds }));
      const { data } = await nextOf(stream);
      expect(data?.userRiskProfileUpdated).toEqual(
        userIds.map((id) => ({ cause: 'SNAPSHOT', user: { id, riskProfile: null } })),
      );
      expect((await stream.next()).done).toBe(true);
    }
  });

  test('are more than a thousand', async () => {
    const service = await open();
    const userIds = Array.from({ length: 1_001 }, (_, i) => `u${i}`);
    const begun = await service.watch(WatchUsersDocument, { userIds });
    if (Symbol.asyncIterator in begun) throw new Error('it began');
    expect(faults(begun)).toEqual([{ code: 'TOO_MANY_IDS', path: 'userRiskProfileUpdated' }]);
    expect(begun.errors?.[0]?.message).toContain('userRiskProfileUpdated(userIds:) takes at most 1000 ids');
  });
});

test('an entity that cannot be read is in the snapshot with its error, and the others are served', async () => {
  const service = await open();
  await service.spoil(riskProfile, 'broken');
  const stream = streamOf(await service.watch(WatchUsersDocument, { userIds: ['broken', 'whole'] }));
  const snapshot = await nextOf(stream);
  expect(snapshot.data?.userRiskProfileUpdated).toMatchObject([
    { cause: 'SNAPSHOT', user: { id: 'broken', riskProfile: null } },
    { cause: 'SNAPSHOT', user: { id: 'whole', riskProfile: { txnCount1h: 0 } } },
  ]);
  expect(snapshot.errors?.map(({ path }) => path)).toEqual([['userRiskProfileUpdated', 0, 'user', 'riskProfile']]);
  const update = nextOf(stream);
  await service.run(RecordTransactionDocument, { input: pay('whole') });
  expect((await update).data?.userRiskProfileUpdated).toMatchObject([{ cause: 'EVENT', user: { id: 'whole' } }]);
  await stream.return(undefined);
});

test('while Valkey is away a subscription does not begin', async () => {
  const service = await open();
  service.cutOff();
  const begun = await service.watch(WatchUsersDocument, { userIds: ['a'] });
  if (Symbol.asyncIterator in begun) throw new Error('it began');
  expect(faults(begun)).toEqual([{ code: 'UNAVAILABLE', path: 'userRiskProfileUpdated' }]);
});

test('other views of a watched entity are read anew for each message', async () => {
  const sent = transferView('account_sent', account, 'senderId');
  const received = transferView('account_received', account, 'receiverId');
  const builder = newBuilder();
  builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent), received: t.featureView(received) }) });
  builder.queryField('account', (t) => t.entity(account));
  builder.subscriptionType({ fields: (t) => ({ accountSentUpdated: t.featureUpdates(sent) }) });
  const service = await Service.open(builder.toSchema({ views: [sent, received] }), [sent, received]);

  const stream = streamOf(
    await service.watch('subscription { accountSentUpdated(accountIds: ["a"]) { account { received { count1h } } } }'),
  );
  const seen = async () => (await nextOf(stream)).data;
  expect(await seen()).toEqual({ accountSentUpdated: [{ account: { received: { count1h: 0 } } }] });
  // In its own part first, so that it is there when the change of the other is heard.
  const move = (senderId: string, receiverId: string) => ({
    transferId: freshId('transfer'),
    senderId,
    receiverId,
    bankId: 'x',
    sum: 1,
  });
  await service.engine.record(transfer, [move('b', 'a')]);
  const update = seen();
  await service.engine.record(transfer, [move('a', 'b')]);
  expect(await update).toEqual({ accountSentUpdated: [{ account: { received: { count1h: 1 } } }] });
  await stream.return(undefined);
});
