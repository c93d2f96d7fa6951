import { afterEach, describe, expect, it } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { asks, BothWays } from '../../support/both-ways.ts';

const users = 'query ($ids: [ID!]!) { users(ids: $ids) { id riskProfile { txnCount1h } } }';
const record = `mutation ($input: [TransactionInput!]!) {
  recordTransactions(input: $input) { recorded rejected results { status reason user { id riskProfile { txnCount1h } } } }
}`;
const recordBlindly = `mutation ($input: [TransactionInput!]!) {
  recordTransactions(input: $input) { recorded rejected results { status reason } }
}`;

let ways: BothWays | null = null;
let keys: KeyRing;
afterEach(async () => {
  await ways?.stop();
  ways = null;
  keys.close();
});

/** Both ways under one ring of keys, on data of their own each. */
async function start(scopes: readonly string[]) {
  keys = new KeyRing();
  ways = await BothWays.start({ authenticator: keys.authenticator, apart: true });
  return { of: ways, headers: await keys.add('tenant', scopes), admin: await keys.add('admin', ['admin']) };
}

const event = (n: number, userId: string) => ({
  transactionId: `e${n}`,
  userId,
  merchantId: 'acme-shop',
  amount: 1,
  occurredAt: new Date(Date.now() - 1_000).toISOString(),
});

describe('a caller who may read some ids', () => {
  it.each([
    ['of theirs goes the short way', ['acme-1', 'acme-2'], 'short'],
    ['of somebody else is left to the reference', ['acme-1', 'other-1'], 'left'],
    ['of nobody is left to the reference', ['', 'acme-1'], 'left'],
  ] as const)('a query %s, and is answered alike', async (_, ids, way) => {
    const { of, headers } = await start(['features:read:User:acme-*']);
    await of.warm({ ...asks(users, { ids }), headers });
    for (let i = 0; i < 2; i++) expect(await of.compare({ ...asks(users, { ids }), headers })).toMatchObject({ way });
  });

  it('is not let past what others are refused for, though nothing of it would be withheld', async () => {
    const { of, headers, admin } = await start(['events:write', 'features:read:Merchant']);
    const query = asks('{ user(id: "acme-1") { id } }');
    for (let i = 0; i < 2; i++) await of.warm({ ...query, headers: admin });
    expect((await of.compare({ ...query, headers: admin })).way).toBe('short');
    const refused = await of.compare({ ...query, headers });
    expect(refused).toMatchObject({ way: 'reference', body: expect.stringContaining('FORBIDDEN') });
  });

  it('a mutation that shows theirs goes the short way, and one that shows others records once all the same', async () => {
    const scopes = ['features:read:User:acme-*', 'events:write:User', 'events:write:merchant_activity:acme-*'];
    const { of, headers, admin } = await start(scopes);
    for (const [n, ids, way] of [
      [1, ['acme-1'], null],
      [2, ['acme-1', 'acme-2'], 'short'],
      [4, ['acme-1', 'other-1'], 'left'],
    ] as const) {
      const input = ids.map((id, i) => event(n + i, id));
      const heard = await of.compare({ ...asks(record, { input }), headers });
      expect(JSON.parse(heard.body).data.recordTransactions).toMatchObject({ recorded: ids.length, rejected: 0 });
      if (way) expect(heard.way).toBe(way);
    }
    const { body } = await of.compare({ ...asks(users, { ids: ['acme-1', 'other-1'] }), headers: admin });
    expect(JSON.parse(body).data.users.map((one: { riskProfile: unknown }) => one.riskProfile)).toEqual([
      { txnCount1h: 3 },
      { txnCount1h: 1 },
    ]);
  });
});

describe('a caller who may write some ids', () => {
  it('has each event of others rejected by itself, in its place, whichever way it goes', async () => {
    const { of, headers } = await start(['events:write:User:acme-*', 'events:write:Merchant']);
    const ids = ['other-1', 'acme-1', 'other-2', 'acme-2', 'acme-1'];
    for (const [n, way] of [
      [1, null],
      [11, 'short'],
    ] as const) {
      const input = ids.map((id, i) => event(n + i, id));
      const heard = await of.compare({ ...asks(recordBlindly, { input }), headers });
      const { results, ...counts } = JSON.parse(heard.body).data.recordTransactions;
      expect(counts).toEqual({ recorded: 3, rejected: 2 });
      expect(results).toEqual(
        ids.map((id) =>
          id.startsWith('acme')
            ? { status: 'RECORDED', reason: null }
            : { status: 'REJECTED', reason: `userId: user_risk_profile of User "${id}" is not this caller's to write` },
        ),
      );
      if (way) expect(heard.way).toBe(way);
    }
  });

  it('sends the engine nothing where all are of others', async () => {
    const { of, headers, admin } = await start(['events:write:User:acme-*']);
    const heard = await of.compare({ ...asks(recordBlindly, { input: [event(1, 'acme-1')] }), headers });
    expect(JSON.parse(heard.body).data.recordTransactions.results).toEqual([
      {
        status: 'REJECTED',
        reason: `merchantId: merchant_activity of Merchant "acme-shop" is not this caller's to write`,
      },
    ]);
    const { body } = await of.compare({ ...asks(users, { ids: ['acme-1'] }), headers: admin });
    expect(body).toContain('"txnCount1h":0');
  });
});
