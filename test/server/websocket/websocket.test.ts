import { randomUUID } from 'node:crypto';
import { type Client, createClient, type ExecutionResult } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startApi, type TestApi } from '../../support/api.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
const clients: Client[] = [];

beforeAll(async () => {
  api = await startApi({ bodyLimitBytes: 100_000 });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()));
});

afterAll(() => api?.stop());

function newClient(): Client {
  const client = createClient({
    url: api.webSocketUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 60_000,
  });
  clients.push(client);
  return client;
}

/** The results of an operation until it ends; an `error` message is an array, as it came. */
async function results(client: Client, query: string, variables?: Record<string, unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  await new Promise<void>((resolve) => {
    client.subscribe(
      { query, variables },
      {
        next: (result) => found.push(result),
        error: (error) => {
          found.push(error);
          resolve();
        },
        complete: resolve,
      },
    );
  });
  return found;
}

const watchUsers = `subscription ($userIds: [ID!]!) {
  userRiskProfileUpdated(userIds: $userIds) { cause user { id riskProfile { txnCount1h txnAmount1h } } }
}`;

interface WatchUsers {
  readonly userRiskProfileUpdated: readonly {
    readonly cause: string;
    readonly user: { readonly id: string; readonly riskProfile: { readonly txnCount1h: number } | null };
  }[];
}

function record(userId: string, transactionId: string = randomUUID()) {
  return api.ask(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status user { riskProfile { txnCount1h } } } }',
    { input: { transactionId, userId, merchantId: 'm', amount: 2 } },
  );
}

function watch(client: Client, userIds: readonly string[]): AsyncIterableIterator<ExecutionResult<WatchUsers>> {
  return client.iterate<WatchUsers>({ query: watchUsers, variables: { userIds } }) as AsyncIterableIterator<
    ExecutionResult<WatchUsers>
  >;
}

describe('GraphQL over WebSocket', () => {
  it('answers queries and mutations', async () => {
    const user = randomUUID();
    const client = newClient();
    const input = { transactionId: randomUUID(), userId: user, merchantId: 'm', amount: 3 };
    expect(
      await results(client, 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
        input,
      }),
    ).toEqual([{ data: { recordTransaction: { status: 'RECORDED' } } }]);
    expect(await results(client, `{ user(id: "${user}") { riskProfile { txnCount1h } } }`)).toEqual([
      { data: { user: { riskProfile: { txnCount1h: 1 } } } },
    ]);
  });

  it('sends a snapshot, then every change', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await record(a);
    const updates = watch(newClient(), [a, b, a]);
    const row = (cause: string, id: string, count: number) => ({
      cause,
      user: { id, riskProfile: { txnCount1h: count, txnAmount1h: 2 * count } },
    });
    expect((await updates.next()).value).toEqual({
      data: { userRiskProfileUpdated: [row('SNAPSHOT', a, 1), row('SNAPSHOT', b, 0)] },
    });
    await record(b);
    expect((await updates.next()).value).toEqual({ data: { userRiskProfileUpdated: [row('EVENT', b, 1)] } });
    await record(a);
    expect((await updates.next()).value).toEqual({ data: { userRiskProfileUpdated: [row('EVENT', a, 2)] } });
    await updates.return?.();
  });

  it('leaves nothing behind when a subscription ends, or its socket breaks', async () => {
    const { hub } = api.backend.current();
    const ends = watch(newClient(), [randomUUID()]);
    const breaks = newClient();
    const broken = watch(breaks, [randomUUID()]);
    await Promise.all([ends.next(), broken.next()]);
    expect(hub.load.subscriptions).toBe(2);
    await ends.return?.();
    await until(() => hub.load.subscriptions === 1);
    breaks.terminate();
    await until(() => hub.load.subscriptions === 0);
    await broken.next().catch(() => {});
    expect(hub.load.entities).toBe(0);
  });

  it('shows one bad id at its own path, and serves the others', async () => {
    const user = randomUUID();
    const updates = watch(newClient(), [user, 'bad\n']);
    expect((await updates.next()).value).toMatchObject({
      data: {
        userRiskProfileUpdated: [
          { user: { id: user, riskProfile: { txnCount1h: 0 } } },
          { user: { riskProfile: null } },
        ],
      },
      errors: [{ path: ['userRiskProfileUpdated', 1, 'user', 'riskProfile'], extensions: { code: 'ID_INVALID' } }],
    });
    await updates.return?.();
  });
});

describe('a mistake over WebSocket', () => {
  const deep = `{ ${'a { '.repeat(30)} b ${'} '.repeat(30)} }`;
  const input = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1 };
  const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
  const many = Array.from({ length: 1_001 }, (_, i) => `u${i}`);

  it.each([
    ['syntax', '{ user(', undefined, { code: 'GRAPHQL_PARSE_FAILED' }],
    ['a field that is not there', '{ nothing }', undefined, { code: 'GRAPHQL_VALIDATION_FAILED' }],
    [
      'an operation that is not there',
      'query A { __typename } query B { __typename }',
      undefined,
      { code: 'BAD_USER_INPUT' },
    ],
    ['depth', deep, undefined, { code: 'QUERY_TOO_COMPLEX' }],
    [
      'a date',
      record,
      { input: { ...input, occurredAt: 'soon' } },
      { code: 'BAD_USER_INPUT', inputPath: ['input', 'occurredAt'] },
    ],
    ['a missing variable', record, {}, { code: 'BAD_USER_INPUT', inputPath: ['input'] }],
    [
      'a variable of a subscription',
      watchUsers,
      { userIds: ['u', {}] },
      { code: 'BAD_USER_INPUT', inputPath: ['userIds', 1] },
    ],
    ['too many ids', watchUsers, { userIds: many }, { code: 'TOO_MANY_IDS' }],
  ])('is an error of its own operation: %s', async (_, query, variables, extensions) => {
    const client = newClient();
    let closed = false;
    client.on('closed', () => {
      closed = true;
    });
    const [said] = (await results(client, query, variables)) as [{ errors?: unknown }];
    const [error] = (Array.isArray(said) ? said : said.errors) as [{ extensions: unknown }];
    // What is meant for HTTP stays there.
    expect(error.extensions).toEqual(extensions);
    expect(await results(client, '{ __typename }')).toEqual([{ data: { __typename: 'Query' } }]);
    expect(closed).toBe(false);
  });
});
