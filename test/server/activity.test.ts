import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const watch = `subscription {
  serverActivity {
    eventsPerSecond turnedAwayPerSecond readsPerSecond requestsPerSecond p50Ms p99Ms watchers watchedEntities
  }
}`;

interface Activity {
  readonly eventsPerSecond: number;
  readonly turnedAwayPerSecond: number;
  readonly readsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly watchers: number;
  readonly watchedEntities: number;
}

function seen(socket: ProtocolSocket): Activity[] {
  return socket
    .of('next')
    .filter(({ id }) => id === 'activity')
    .map(({ payload }) => (payload as { data: { serverActivity: Activity } }).data.serverActivity);
}

/** Whether the seconds so far add up to anything at all in this respect. */
function ever(socket: ProtocolSocket, of: (activity: Activity) => number | null): boolean {
  return seen(socket).some((activity) => (of(activity) ?? 0) > 0);
}

describe('serverActivity', () => {
  test('tells of events, reads and answers by HTTP and by WebSocket, and of who watches', async () => {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    socket.subscribe('activity', watch);
    socket.subscribe('user', 'subscription { userRiskProfileUpdated(userIds: ["a", "b"]) { cause } }');
    await until(() => socket.about('user').length > 0);
    await until(() => seen(socket).at(-1)?.watchedEntities === 2);
    expect(seen(socket).at(-1)).toMatchObject({ watchers: 1, watchedEntities: 2 });

    const input = { transactionId: 't', userId: 'a', merchantId: 'm', amount: 1 };
    const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
    await api.ask(record, { input });
    await until(() => ever(socket, ({ eventsPerSecond }) => eventsPerSecond));
    expect(ever(socket, ({ readsPerSecond }) => readsPerSecond)).toBe(false);
    expect(ever(socket, ({ p99Ms }) => p99Ms)).toBe(true);

    await api.ask(record, { input });
    await until(() => ever(socket, ({ turnedAwayPerSecond }) => turnedAwayPerSecond));

    const answered = () => seen(socket).filter(({ requestsPerSecond }) => requestsPerSecond > 0).length;
    const before = answered();
    socket.subscribe('query', '{ user(id: "a") { riskProfile { txnCount1h } } }');
    await until(() => ever(socket, ({ readsPerSecond }) => readsPerSecond));
    await until(() => answered() > before);
    socket.socket.close();
  });

  test('lets the server go', async () => {
    const own = await startApi();
    const socket = await ProtocolSocket.open(own.webSocketUrl);
    socket.subscribe('activity', watch);
    await until(() => seen(socket).length > 0);
    own.server.drain();
    await own.server.close();
    expect(await socket.closed).toBe(1001); // and is not complete, so that its client comes back
    expect(socket.of('complete')).toEqual([]);
    own.backend.close();
  });
});
