import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { RiskProfilesDocument } from '../../schema/operations/generated.ts';
import { riskProfile } from '../../schema/user.ts';
import { openServers, parseValkeyUrl } from '../../src/valkey/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { freshId } from './service.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api?.stop());

/** Sends a body as it is: JSON may say what no value does once it is parsed. */
function postText(body: string): Promise<Response> {
  return fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body,
  });
}

/** The errors of one operation over WebSocket. */
async function overWebSocket(payload: { query: string; operationName?: string }): Promise<unknown> {
  const client = createClient({ url: api.webSocketUrl, webSocketImpl: WebSocket });
  try {
    return await new Promise((resolve, reject) => {
      client.subscribe(payload, {
        next: () => {},
        error: resolve,
        complete: () => reject(new Error('no error')),
      });
    });
  } finally {
    await client.dispose();
  }
}

async function overHttp(payload: { query: string; operationName?: string }): Promise<unknown> {
  const response = await fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify(payload),
  });
  expect(response.status).toBe(400);
  return ((await response.json()) as { errors: unknown }).errors;
}

describe.each([
  ['HTTP', overHttp],
  ['WebSocket', overWebSocket],
] as const)('over %s', (_, errorsOf) => {
  test.each([
    [
      'an operation that is not named',
      'query A { featureViews { name } } query B { featureViews { name } }',
      undefined,
    ],
    ['an operation that is not there', '{ featureViews { name } }', 'C'],
  ])('%s has the code of the table', async (_, query, operationName) => {
    expect(await errorsOf({ query, ...(operationName && { operationName }) })).toEqual([
      {
        message: 'operationName does not name one operation of the query',
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  test('a long name of nothing is not told back whole', async () => {
    expect(await errorsOf({ query: `{ ${'x'.repeat(100_000)} }` })).toMatchObject([
      { message: expect.stringMatching(/^Cannot query field "x{100,380}…$/), locations: [{ line: 1, column: 3 }] },
    ]);
  });

  test.each([
    ['fields repeated without end', `{ user(id: "a") { ${'id '.repeat(1_500)} } }`, /the limit is 500000/],
    [
      'nested introspection',
      '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
      /the limit is 2/,
    ],
  ])('%s is told the limit', async (_, query, message) => {
    // Twice, since verdicts on a document are kept.
    for (const _ of [1, 2]) {
      expect(await errorsOf({ query })).toEqual([
        { message: expect.stringMatching(message), extensions: { code: 'QUERY_TOO_COMPLEX' } },
      ]);
    }
  });
});

describe('a wrong value', () => {
  const readUser = 'query ($id: ID!) { user(id: $id) { id } }';
  const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status reason } }';
  const input = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1 };

  test('may be nested however deeply', async () => {
    const body = `{ "query": ${JSON.stringify(readUser)}, "variables": { "id": ${'['.repeat(40_000)}${']'.repeat(40_000)} } }`;
    const response = await postText(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [
        {
          message: 'id: ID cannot represent a list: expected a string or an integer',
          extensions: { code: 'BAD_USER_INPUT', inputPath: ['id'] },
        },
      ],
    });
  });

  test.each([
    ['a date', { ...input, occurredAt: 'x'.repeat(1_000_000) }, 'occurredAt'],
    ['a number', { ...input, amount: 'x'.repeat(1_000_000) }, 'amount'],
    ['a field', { ...input, ['x'.repeat(1_000_000)]: 1 }, undefined],
  ])('is shown by its beginning: %s', async (_, given, place) => {
    const { status, errors } = await api.ask(record, { input: given });
    expect(status).toBe(400);
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      inputPath: place ? ['input', place] : ['input'],
    });
    expect(errors?.[0]?.message.length).toBeLessThan(500);
    expect(errors?.[0]?.message).toContain('xxx…');
  });

  test('is shown by its beginning inline too', async () => {
    const text = `{ transactionId: "t", userId: "u", merchantId: "m", amount: "${'x'.repeat(1_000_000)}" }`;
    const { status, errors } = await api.ask(`mutation { recordTransaction(input: ${text}) { status } }`);
    expect(status).toBe(400);
    expect(errors?.[0]?.message.length).toBeLessThan(500);
  });

  test('that is beyond all doubles is no number, in a variable and inline', async () => {
    const given = '{ "transactionId": "t", "userId": "u", "merchantId": "m", "amount": 1e999 }';
    const inline = given.replace(/"(\w+)":/g, '$1:');
    for (const body of [
      `{ "query": ${JSON.stringify(record)}, "variables": { "input": ${given} } }`,
      JSON.stringify({ query: `mutation { recordTransaction(input: ${inline}) { status reason } }` }),
    ]) {
      const response = await postText(body);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        errors: [
          {
            message: expect.stringMatching(/^input\.amount: Float cannot represent .*: expected a finite number$/),
            extensions: { code: 'BAD_USER_INPUT', inputPath: ['input', 'amount'] },
          },
        ],
      });
    }
  });
});

test('an entity whose stored log cannot be used fails alone, and says nothing of why', async () => {
  const servers = openServers(parseValkeyUrl(inject('valkeyUrl')));
  const [good, spoilt, other] = [freshId('user'), freshId('user'), freshId('user')];
  try {
    await servers.ready();
    const log = api.engine.keys.log(riskProfile, spoilt);
    await servers.find(log)?.valkey.lpush(log, 'no log');
  } finally {
    servers.close();
  }
  const { status, data, errors } = await api.ask(RiskProfilesDocument, { userIds: [good, spoilt, other] });
  expect(status).toBe(200);
  expect(data?.users.map(({ riskProfile }) => riskProfile?.txnCount1h ?? null)).toEqual([0, null, 0]);
  expect(errors).toEqual([
    {
      message: 'Something went wrong on our side.',
      path: ['users', 1, 'riskProfile'],
      locations: expect.anything(),
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) },
    },
  ]);
  expect(api.log.join()).toContain('LogFaultError');
});
