import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activity } from '../../schema/merchant.ts';
import { riskProfile } from '../../schema/user.ts';
import { asks, BothWays } from '../support/both-ways.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

/** By default, a command that the store does not answer is given up after this long. */
const commandTimeoutMs = 3_000;

const moment = new Date().toISOString();
const event = (transactionId: string, userId: string, merchantId = 'm') => ({
  transactionId,
  userId,
  merchantId,
  amount: 2,
  occurredAt: moment,
});

const read = 'query ($ids: [ID!]!) { users(ids: $ids) { id riskProfile { txnCount1h } } }';
const record = `mutation ($input: TransactionInput!) {
  recordTransaction(input: $input) { status reason user { riskProfile { txnCount1h } } }
}`;
const recordSeveral = `mutation ($a: TransactionInput!, $b: TransactionInput!, $c: [TransactionInput!]!) {
  one: recordTransaction(input: $a) { status reason user { riskProfile { txnCount1h } } }
  two: recordTransaction(input: $b) { status reason merchant { activity { txnCount1h } } }
  three: recordTransactions(input: $c) { recorded duplicates unavailable results { index status } }
}`;

let store: ThrowawayValkey;
let ways: BothWays;

beforeAll(async () => {
  store = await ThrowawayValkey.create();
  await store.start();
  ways = await BothWays.start({ valkeyUrl: store.url, apart: true });
  const valkey = new Redis(store.url);
  for (const { engine } of [ways.short, ways.reference]) {
    await valkey.set(engine.keys.log(riskProfile, 'broken'), 'no log');
    await valkey.rpush(engine.keys.log(activity, 'broken'), 'no log either');
  }
  valkey.disconnect();
  // What is asked below, so that it is hot.
  await ways.compare(asks(read, { ids: ['a'] }));
  await ways.compare(asks(record, { input: event('w', 'w') }));
  await ways.compare(asks(recordSeveral, { a: event('w1', 'w'), b: event('w2', 'w'), c: [] }));
});

afterAll(async () => {
  await ways?.stop();
  await store?.destroy();
});

describe('what is stored of one entity and cannot be used', () => {
  it('fails that entity alone, both ways alike', async () => {
    const { way, body } = await ways.compare(asks(read, { ids: ['a', 'broken', 'b', 'broken'] }));
    expect(way).toBe('left');
    expect(JSON.parse(body).data.users.map((user: { riskProfile: unknown }) => user.riskProfile !== null)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect((await ways.compare(asks(read, { ids: ['a', 'b'] }))).way).toBe('short');
  });

  it('is logged once a request, under its id', async () => {
    const before = ways.short.log.length;
    const headers = { 'x-request-id': 'one-that-is-looked-for' };
    await ways.warm({ ...asks(read, { ids: ['broken', 'broken'] }), headers });
    const errors = ways.short.log.slice(before).map((line) => JSON.parse(line));
    expect(errors.filter(({ level }) => level >= 50)).toMatchObject([{ requestId: 'one-that-is-looked-for' }]);
  });

  it('has a mutation left to the reference, which records nothing that is recorded already', async () => {
    const variables = { a: event('s1', 's'), b: event('s2', 's', 'broken'), c: [event('s1', 's'), event('s3', 's')] };
    const { way, body } = await ways.compare(asks(recordSeveral, variables));
    expect(way).toBe('left');
    expect(JSON.parse(body).data).toMatchObject({
      one: { status: 'RECORDED', user: { riskProfile: { txnCount1h: 1 } } },
      two: { status: 'UNAVAILABLE', merchant: { activity: null } },
      three: { recorded: 1, duplicates: 1 },
    });
    const after = await ways.compare(asks(read, { ids: ['s'] }));
    expect(JSON.parse(after.body).data.users).toMatchObject([{ riskProfile: { txnCount1h: 3 } }]);
  });

  it('has each mutation answered as of the moment before the next one, though that has happened already', async () => {
    const refused = { ...event('q1', 'q'), amount: 1e16 };
    const variables = { a: refused, b: event('q2', 'q', 'broken'), c: [event('q3', 'q')] };
    const { way, body } = await ways.compare(asks(recordSeveral, variables));
    expect(way).toBe('left');
    expect(JSON.parse(body).data.one).toMatchObject({
      status: 'REJECTED',
      user: { riskProfile: { txnCount1h: 0 } },
    });
  });
});

describe('a store', () => {
  const asked = [asks(read, { ids: ['a', 'b'] }), asks(record, { input: event('t', 'a') })];

  // Whoever asks first, or again, may find that the connection was given up meanwhile.
  const masked = (body: string) =>
    body.replaceAll(/Valkey did not answer in time|there is no connection to Valkey/g, '…');

  it('that does not answer, is away both ways alike, and is waited for once', async () => {
    store.freeze();
    try {
      for (const request of asked) {
        const begun = performance.now();
        expect((await ways.warm(request)).body).toContain('UNAVAILABLE');
        expect(performance.now() - begun).toBeLessThan(2 * commandTimeoutMs);
        expect(await ways.compare(request, masked)).toMatchObject({ way: 'left', status: 200 });
      }
    } finally {
      store.thaw();
    }
  });

  it.each(['application/json', 'application/graphql-response+json'])('that is gone is away, to %s', async (accept) => {
    await store.stop();
    try {
      for (const request of asked) {
        const { way, body } = await ways.compare({ ...request, headers: { accept } }, masked);
        expect(body).toContain('UNAVAILABLE');
        expect(way).toBe('left');
      }
    } finally {
      await store.start();
      await until(async () => (await ways.reference.get('/readyz')).status === 200);
      await until(async () => (await ways.short.get('/readyz')).status === 200);
    }
  });
});
