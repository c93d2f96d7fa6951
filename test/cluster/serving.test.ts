import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newKeyPrefix } from '../support/api.ts';
import { until } from '../support/until.ts';
import { type WorkerConnection, Workers } from '../support/workers.ts';

let service: Workers;
let first: WorkerConnection;
let second: WorkerConnection;

beforeAll(async () => {
  service = await Workers.start(2, { VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() });
  [first, second] = [await service.connectTo(1), await service.connectTo(2)];
});

afterAll(async () => {
  for (const connection of [first, second]) connection?.close();
  await service?.process.stop();
});

/** All that a response has said so far. */
function textOf(response: IncomingMessage): () => string {
  let said = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  response.on('error', () => {}); // what ends it is for the test to say
  return () => said;
}

const record = 'mutation ($inputs: [TransactionInput!]!) { recordTransactions(input: $inputs) { recorded } }';

function payments(userId: string, count: number) {
  const inputs = Array.from({ length: count }, () => ({
    transactionId: randomUUID(),
    userId,
    merchantId: 'm',
    amount: 1,
  }));
  return { inputs };
}

/** Watches by an event stream, which takes the connection. */
async function watch(connection: WorkerConnection, query: string): Promise<() => string> {
  const response = await connection.open('POST', '/graphql', { accept: 'text/event-stream' }, { query });
  expect(response.statusCode).toBe(200);
  return textOf(response);
}

describe('workers that share a port', () => {
  it('all serve, keep their connections, and are told apart in the log by their numbers', async () => {
    expect(service.process.output.match(/Freshet listens on/g)).toHaveLength(1);
    const seen = new Set<number>();
    await until(async () => {
      const connection = await service.connect();
      seen.add(connection.worker);
      connection.close();
      return seen.size === 2;
    });
    expect([...seen].sort()).toEqual([1, 2]);
    for (const connection of [first, second]) {
      for (let i = 0; i < 5; i++) {
        const requestId = randomUUID();
        const { status, headers } = await connection.ask('GET', '/readyz', { 'x-request-id': requestId });
        expect([status, headers['x-request-id']]).toEqual([200, requestId]);
        const line = await until(() => service.log.find((one) => one.requestId === requestId));
        expect(line.worker).toBe(connection.worker);
      }
    }
    expect(new Set(service.pids).size).toBe(2);
  });

  it('push to a watcher at one what was recorded at another', async () => {
    const user = randomUUID();
    const watching = await service.connectTo(1);
    const said = await watch(
      watching,
      `subscription { userRiskProfileUpdated(userIds: ["${user}"]) { cause user { riskProfile { txnCount1h } } } }`,
    );
    await until(() => said().includes('"SNAPSHOT"'));
    expect(await second.graphql(record, payments(user, 3))).toEqual({ data: { recordTransactions: { recorded: 3 } } });
    await until(() => said().includes('"txnCount1h":3'));
    expect(said()).toContain('"EVENT"');
    watching.close();
  });

  const everyWay = [1, 2].flatMap((holds) => [1, 2].flatMap((asks) => [1, 2].map((opens) => ({ holds, asks, opens }))));

  it.each(everyWay)(
    'serve an event stream that worker $holds holds, worker $asks is asked for, and worker $opens is opened at',
    async ({ holds, asks, opens }) => {
      const at = (worker: number) => (worker === 1 ? first : second);
      const { status, text: token } = await at(holds).ask('PUT', '/graphql');
      expect(status).toBe(201);
      const headers = { 'x-graphql-event-stream-token': token };
      const opening = await service.connectTo(opens);
      const stream = await opening.open('GET', '/graphql', { ...headers, accept: 'text/event-stream' });
      expect(stream.statusCode).toBe(200);
      const said = textOf(stream);
      const ask = (operationId: string, query: string, variables: unknown = {}) =>
        at(asks).ask('POST', '/graphql', headers, { query, variables, extensions: { operationId } });
      const user = randomUUID();
      const query = `subscription { userRiskProfileUpdated(userIds: ["${user}"]) { user { riskProfile { txnCount1h } } } }`;
      expect((await ask('watch', query)).status).toBe(202);
      expect((await ask('record', record, payments(user, 2))).status).toBe(202);
      await until(() => said().includes('"recorded":2') && said().includes('"txnCount1h":2'));
      expect((await at(asks).ask('DELETE', '/graphql?operationId=watch', headers)).status).toBe(200);
      opening.close();
      await until(async () => (await ask('late', '{ __typename }')).status === 404);
    },
  );

  it('add up what they did, to whoever watches that', async () => {
    const [here, there] = [await service.connectTo(1), await service.connectTo(2)];
    const query =
      'subscription { serverActivity { eventsPerSecond requestsPerSecond p99Ms watchers watchedEntities } }';
    const [told, toldThere] = [await watch(here, query), await watch(there, query)];
    const watching = [await service.connectTo(1), await service.connectTo(2)];
    for (const each of watching) {
      await watch(each, 'subscription { userRiskProfileUpdated(userIds: ["a", "b"]) { cause } }');
    }
    // Each holds one subscription to two.
    await until(() => told().includes('"watchers":2,"watchedEntities":4'));
    await until(() => toldThere().includes('"watchers":2,"watchedEntities":4'));

    const events = /"eventsPerSecond":[\d.]*[1-9]/;
    const requests = /"requestsPerSecond":[\d.]*[1-9][\d.]*,"p99Ms":\d/;
    for (const [recording, said] of [
      [second, told],
      [first, toldThere],
    ] as const) {
      const before = said().length;
      await recording.graphql(record, payments(randomUUID(), 100));
      await until(() => events.test(said().slice(before)) && requests.test(said().slice(before)));
    }
    for (const each of [here, there, ...watching]) each.close();
  });
});
