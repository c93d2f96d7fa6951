import { afterAll, beforeAll, expect, it } from 'vitest';
import { count, view } from '../../../src/define/index.ts';
import { account, newBuilder, transfer } from '../../graphql/deployments.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const breaking = view('breaking', {
  version: 1,
  entity: account,
  from: transfer,
  by: 'senderId',
  description: 'Breaks from the second transfer on.',
  features: { count1h: count({ window: '1h' }) },
  derived: {
    upToOne: ({ count1h }) => {
      if (count1h > 1) throw new Error('a secret');
      return count1h;
    },
  },
});

let api: TestApi;

beforeAll(async () => {
  const builder = newBuilder();
  builder.entityType(account, { fields: (t) => ({ breaking: t.featureView(breaking) }) });
  builder.queryField('featureViews', (t) => t.featureViews());
  builder.mutationType({ description: 'Mutations.', fields: (t) => ({ recordTransfer: t.record(transfer) }) });
  builder.subscriptionType({
    description: 'Changes.',
    fields: (t) => ({ breakingUpdated: t.featureUpdates(breaking) }),
  });
  api = await startApi({ schema: builder.toSchema({ views: [breaking] }), views: [breaking] });
});

afterAll(() => api?.stop());

it('a fault of ours in an update is told each client under the id of its own request, in its place among the others', async () => {
  const clients = await Promise.all(
    ['first', 'second'].map((id) => ProtocolSocket.open(api.webSocketUrl, { headers: { 'x-request-id': id } })),
  );
  for (const client of clients) {
    client.subscribe(
      's',
      'subscription { breakingUpdated(accountIds: ["a"], minIntervalMs: 0) { cause account { breaking { upToOne } } } }',
    );
  }
  for (const n of [1, 2, 3]) {
    await until(() => clients.every((client) => client.of('next').length === n));
    await api.engine.record(transfer, [{ transferId: `t${n}`, senderId: 'a', receiverId: 'r', bankId: 'b', sum: 1 }]);
  }
  await until(() => clients.every((client) => client.of('next').length === 4));
  for (const [i, id] of ['first', 'second'].entries()) {
    const payloads = (clients[i] as ProtocolSocket).of('next').map(({ payload }) => payload);
    const upToOne = (value: number | null, cause: string) => ({
      breakingUpdated: [{ cause, account: { breaking: { upToOne: value } } }],
    });
    expect(payloads.slice(0, 2)).toEqual([{ data: upToOne(0, 'SNAPSHOT') }, { data: upToOne(1, 'EVENT') }]);
    for (const payload of payloads.slice(2)) {
      expect(payload).toMatchObject({
        data: upToOne(null, 'EVENT'),
        errors: [
          {
            path: ['breakingUpdated', 0, 'account', 'breaking', 'upToOne'],
            extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: id },
          },
        ],
      });
      expect(JSON.stringify(payload)).not.toContain('secret');
    }
    expect(api.log.filter((line) => line.includes('a secret') && JSON.parse(line).requestId === id)).toHaveLength(2);
  }
  for (const { socket } of clients) socket.terminate();
});
