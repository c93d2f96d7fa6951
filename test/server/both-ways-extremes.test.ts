import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asks, BothWays, type SentRequest, type Way } from '../support/both-ways.ts';

/** Small enough for a test, and large enough for every other limit. */
const bodyLimitBytes = 2 * 1024 * 1024;

let ways: BothWays;
beforeAll(async () => {
  ways = await BothWays.start({ apart: true, bodyLimitBytes });
});
afterAll(() => ways?.stop());

const times = (count: number, make: (place: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(' ');
const list = <T>(length: number, make: (place: number) => T) => Array.from({ length }, (_, i) => make(i));
const features = times(30, (i) => `f${i}: txnCount1h`);

const users = 'query ($ids: [ID!]!) { users(ids: $ids) { id } }';
const fiveProfiles = `query ($ids: [ID!]!) { users(ids: $ids) { ${times(5, (i) => `p${i}: riskProfile { id }`)} } }`;
const manyValues = `query ($ids: [ID!]!) { users(ids: $ids) { ${times(3, (i) => `p${i}: riskProfile { ${features} }`)} } }`;
const record = 'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded rejected } }';
const ids = (length: number) => ({ ids: list(length, (i) => `u${i}`) });
const input = (length: number) => ({
  input: list(length, (i) => ({
    transactionId: `t${i}`,
    userId: 'u',
    merchantId: 'm',
    amount: 1,
    occurredAt: new Date().toISOString(),
  })),
});

/** Asked for by its name: what it takes to be hot, what goes beyond a limit, and what that says. */
const limits: readonly (readonly [string, SentRequest, SentRequest, RegExp])[] = [
  ['1,001 ids', asks(users, ids(1_000)), asks(users, ids(1_001)), /TOO_MANY_IDS/],
  ['1,001 events', asks(record, input(1_000)), asks(record, input(1_001)), /BATCH_TOO_LARGE/],
  ['5,005 vectors', asks(fiveProfiles, ids(1_000)), asks(fiveProfiles, ids(1_001)), /TOO_MANY_IDS/],
  [
    'more vectors than are shown',
    asks(fiveProfiles.replace('p0', 'p6: riskProfile { id } p0'), ids(800)),
    asks(fiveProfiles.replace('p0', 'p6: riskProfile { id } p0'), ids(900)),
    /QUERY_TOO_COMPLEX.*|5400 feature vectors/,
  ],
  ['more values than are shown', asks(manyValues, ids(900)), asks(manyValues, ids(1_000)), /./],
  [
    '50,001 values in variables',
    asks(users, ids(3)),
    asks(users, { ...ids(3), x: list(50_001, () => 1) }),
    /QUERY_TOO_COMPLEX/,
  ],
  ['as many as may be', asks(users, ids(3)), asks(users, { ...ids(3), x: list(49_995, () => 1) }), /"data"/],
  ['a body that is too large', asks(users, ids(3)), asks(users, { ids: ['x'.repeat(bodyLimitBytes)] }), /larger than/],
  [
    'depths of lists in variables',
    asks(users, ids(3)),
    { body: `{"query":${JSON.stringify(users)},"variables":{"ids":${'['.repeat(20_000)}1${']'.repeat(20_000)}}}` },
    /BAD_USER_INPUT/,
  ],
];

describe('beyond a limit', () => {
  it.each(limits)('%s come to the same, whichever way the operation goes', async (_, hot, excess, said) => {
    await ways.compare(hot);
    expect((await ways.compare(hot)).way).toBe('short');
    const { way, body } = await ways.compare(excess);
    expect(body).toMatch(said);
    if (!body.startsWith('{"data":{')) expect(way).not.toBe('short');
  });

  it.each([
    ['101 aliases', `{ user(id: 1) { ${times(101, (i) => `a${i}: id`)} } }`],
    ['51 roots', `{ ${times(51, (i) => `a${i}: user(id: 1) { id }`)} }`],
    ['2,001 fields', `{ user(id: 1) { ${'id '.repeat(2_001)} } }`],
    ['a depth of 13', `${'{ user'.repeat(13)} ${'} '.repeat(13)}`],
    ['15,001 tokens', `{ user(id: 1) { id } } # ${'x'.repeat(9)}\n${'fragment F on User { id } '.repeat(3_000)}`],
    ['a query that is longer than what is kept', `{ user(id: 1) { id } } # ${'x'.repeat(40_000)}`],
  ])('%s never make an operation hot', async (_, query) => {
    const compiled = ways.short.server.hotOperations.compiled;
    for (const _ of [1, 2, 3]) expect((await ways.compare(asks(query))).way).toBe('reference');
    expect(ways.short.server.hotOperations.compiled).toBe(compiled);
  });

  it.each([
    ['100 aliases', `{ user(id: 1) { ${times(100, (i) => `a${i}: id`)} } }`],
    ['50 roots', `{ ${times(50, (i) => `a${i}: user(id: 1) { riskProfile { txnCount1h } }`)} }`],
    ['700 fields', `{ user(id: 1) { ${'id '.repeat(699)} } }`],
  ])('%s are within', async (_, query) => {
    const taken: Way[] = [];
    for (const _ of [1, 2]) taken.push((await ways.compare(asks(query))).way);
    expect(taken).toEqual(['reference', 'short']);
  });
});
