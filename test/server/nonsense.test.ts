import { randomUUID } from 'node:crypto';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { singleAddress } from '../support/single-address.ts';

let api: TestApi;
let valkey: Redis;

beforeAll(async () => {
  api = await startApi();
  const { host, port, db } = singleAddress(inject('valkeyUrl'));
  valkey = new Redis({ host, port, db });
});

afterAll(async () => {
  valkey?.disconnect();
  await api?.stop();
});

const recordOne = `mutation ($input: TransactionInput!) {
  recordTransaction(input: $input) { status reason occurredAt user { id } merchant { id } }
}`;
const recordMany = `mutation ($input: [TransactionInput!]!) {
  recordTransactions(input: $input) { recorded rejected results { index status reason } }
}`;
const readUsers = 'query ($ids: [ID!]!) { users(ids: $ids) { id riskProfile { txnCount1h } } }';

function transaction(fields: object = {}) {
  return { transactionId: randomUUID(), userId: 'u', merchantId: 'm', amount: 1, ...fields };
}

/** The keys of entities under the prefix of this file. */
async function stored(): Promise<string[]> {
  const keys = await valkey.keys(`${api.keyPrefix}:*`);
  return keys.filter((key) => key.includes('{') && !key.includes(':canary:')).sort();
}

const badIds = {
  empty: '',
  huge: 'x'.repeat(257),
  'huge in bytes': 'ü'.repeat(129),
  'with a line break': 'a\nb',
  'with a zero byte': 'a\u0000b',
  'with half a surrogate pair': 'a\ud800b',
};

describe('nonsense changes nothing', () => {
  it.each(Object.entries(badIds))('an id that is %s is rejected with a reason', async (_, id) => {
    const before = await stored();
    for (const field of ['transactionId', 'userId', 'merchantId']) {
      const { status, data } = await api.ask(recordOne, { input: transaction({ [field]: id }) });
      expect(status).toBe(200);
      expect(data).toMatchObject({
        recordTransaction: { status: 'REJECTED', reason: expect.any(String), occurredAt: null },
      });
    }
    expect(await stored()).toEqual(before);
  });

  it.each(Object.entries(badIds))('an id that is %s is null among good ones, with its error', async (_, id) => {
    const answer = await api.ask(readUsers, { ids: ['good', id, 'good'] });
    expect(answer.status).toBe(200);
    expect(answer.data).toMatchObject({
      users: [{ riskProfile: { txnCount1h: 0 } }, { riskProfile: null }, { riskProfile: { txnCount1h: 0 } }],
    });
    expect(answer.errors).toMatchObject([{ path: ['users', 1, 'riskProfile'], extensions: { code: 'ID_INVALID' } }]);
  });

  it('an amount past 1e15 is rejected, and the rest of its batch goes on', async () => {
    const input = [transaction({ amount: 1e16 }), transaction({ amount: -1e16 }), transaction({ amount: 1e15 })];
    const { data } = await api.ask(recordMany, { input });
    expect(data).toMatchObject({
      recordTransactions: {
        recorded: 1,
        rejected: 2,
        results: [{ status: 'REJECTED' }, { status: 'REJECTED' }, { status: 'RECORDED' }],
      },
    });
  });

  it('an amount that is no number fails the request', async () => {
    const before = await stored();
    for (const amount of ['1e999', '"1"', 'null', 'true', '[]']) {
      const response = await fetch(api.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
        body: `{"query":${JSON.stringify(recordOne)},"variables":{"input":{"transactionId":"n","userId":"nan","merchantId":"m","amount":${amount}}}}`,
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'BAD_USER_INPUT', inputPath: ['input', 'amount'] } }],
      });
    }
    expect(await stored()).toEqual(before);
  });

  it('a malformed date fails the whole request, with its place', async () => {
    const before = await stored();
    const input = [
      transaction({ userId: 'dated' }),
      transaction({ userId: 'dated', occurredAt: '2026-02-30T00:00:00Z' }),
    ];
    const { status, data, errors } = await api.ask(recordMany, { input });
    expect(status).toBe(400);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', inputPath: ['input', 1, 'occurredAt'] } }]);
    expect(await stored()).toEqual(before);
  });

  it('an integer id that JSON has bent fails the request', async () => {
    const { status, errors } = await api.ask(readUsers, { ids: ['a', 2 ** 53] });
    expect(status).toBe(400);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', inputPath: ['ids', 1] } }]);
  });

  it('more than a thousand ids, or events, are refused', async () => {
    const before = await stored();
    const ids = Array.from({ length: 1_001 }, (_, n) => `u${n}`);
    const many = await api.ask(readUsers, { ids });
    expect([many.status, many.errors?.[0]?.extensions.code]).toEqual([400, 'TOO_MANY_IDS']);
    expect(many.errors?.[0]?.message).toContain('1000');
    const batch = await api.ask(recordMany, { input: ids.map((userId) => transaction({ userId })) });
    expect([batch.status, batch.errors?.[0]?.extensions.code]).toEqual([400, 'BATCH_TOO_LARGE']);
    expect(batch.errors?.[0]?.message).toContain('1000');
    expect(await stored()).toEqual(before);
    expect((await api.ask(readUsers, { ids: ids.slice(1) })).status).toBe(200);
  });

  it('a query beyond the limits is refused', async () => {
    const nested = `{ ${'a { '.repeat(20)} a ${'} '.repeat(20)} }`;
    const wide = `{ ${Array.from({ length: 51 }, (_, n) => `u${n}: user(id: "${n}") { id }`).join(' ')} }`;
    const long = `{ users(ids: [${'"u" '.repeat(20_000)}]) { id } }`;
    for (const query of [nested, wide, long]) {
      const { status, errors } = await api.ask(query);
      expect(status).toBe(400);
      expect(errors).toMatchObject([
        { message: expect.stringMatching(/limit is \d+/), extensions: { code: 'QUERY_TOO_COMPLEX' } },
      ]);
    }
  });
});

describe('what only looks like nonsense works', () => {
  it.each(['{a}', '}{', '%7Ba%7D', '100 %', 'ünï ☃ 💳', "it's", 'a:b:c', ' ', 'x'.repeat(256), '__proto__', '-1'])(
    'an id such as %j',
    async (userId) => {
      const { data } = await api.ask(
        'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status user { id riskProfile { txnCount1h } } } }',
        { input: transaction({ userId }) },
      );
      expect(data).toEqual({
        recordTransaction: { status: 'RECORDED', user: { id: userId, riskProfile: { txnCount1h: 1 } } },
      });
      expect((await api.ask(readUsers, { ids: [userId] })).data).toMatchObject({
        users: [{ riskProfile: { txnCount1h: 1 } }],
      });
    },
  );
});
