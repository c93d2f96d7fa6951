import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const watch = `subscription ($ids: [ID!]!) {
  userRiskProfileUpdated(userIds: $ids, minIntervalMs: 0) { cause user { id riskProfile { txnCount1h } } }
}`;
const record = 'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }';

let keys: KeyRing;
let api: TestApi;
let events = 0;

beforeAll(async () => {
  keys = new KeyRing();
  api = await startApi({ authenticator: keys.authenticator });
});
afterAll(async () => {
  await api?.stop();
  keys?.close();
});

interface Told {
  readonly id: string;
  readonly count: number | null;
}

/** Of each update, whose it was and what it said. */
function toldIn(results: readonly unknown[]): Told[] {
  type Result = { readonly data: { readonly userRiskProfileUpdated: readonly { readonly user: User }[] } };
  type User = { readonly id: string; readonly riskProfile: { readonly txnCount1h: number } | null };
  return (results as Result[]).flatMap(({ data }) =>
    data.userRiskProfileUpdated.map(({ user: { id, riskProfile } }) => ({
      id,
      count: riskProfile?.txnCount1h ?? null,
    })),
  );
}

async function bySocket(headers: object, ids: readonly string[]): Promise<() => Told[]> {
  const socket = await ProtocolSocket.open(api.webSocketUrl, {}, headers);
  socket.send({ type: 'subscribe', id: 'w', payload: { query: watch, variables: { ids } } });
  await until(() => socket.about('w').length === 1);
  return () => toldIn(socket.of('next').map(({ payload }) => payload));
}

async function byStream(headers: object, ids: readonly string[]): Promise<() => Told[]> {
  const body = { query: watch, variables: { ids } };
  const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', headers: { ...headers }, body });
  await until(() => stream.events.length === 1);
  return () => toldIn(stream.events.map(({ data }) => data));
}

describe.each([
  ['sockets', bySocket],
  ['event streams', byStream],
] as const)('what is made once for all who watch the same, by %s', (of, open) => {
  it.each([
    ['first', true],
    ['last', false],
  ])('holds nothing that is not theirs, for those who come %s', async (when, isFirst) => {
    const place = `${of.slice(0, 2)}${when}`;
    const ids = [`acme-${place}`, `other-${place}`];
    const [own, foreign] = ids as [string, string];
    const admin = await keys.add(`admin ${place}`, ['admin']);
    const whole = await keys.add(`whole ${place}`, ['features:read']);
    const narrow = await keys.add(`narrow ${place}`, ['features:read:User:acme-*']);
    const opened: { [who: string]: () => Told[] } = {};
    for (const who of isFirst ? ['narrow', 'whole'] : ['whole', 'narrow']) {
      opened[who] = await open(who === 'narrow' ? narrow : whole, ids);
    }
    for (let round = 1; round <= 3; round++) {
      const input = ids.map((userId) => ({ transactionId: `e${++events}`, userId, merchantId: 'm', amount: 1 }));
      await api.ask(record, { input }, admin);
      await until(() => ids.every((id) => opened.whole?.().some((one) => one.id === id && one.count === round)));
      await until(() => opened.narrow?.().some((one) => one.id === own && one.count === round));
    }
    // That it may not see the other one it was told at the beginning, and of that one nothing else.
    expect(opened.narrow?.().filter(({ id }) => id === foreign)).toEqual([{ id: foreign, count: null }]);
    expect(api.backend.current().hub.load.entities).toBeGreaterThan(0);
  });
});

describe('a subscription to nothing that is the caller’s', () => {
  it('ends after it has said so', async () => {
    const narrow = await keys.add('narrow alone', ['features:read:User:acme-*']);
    const stream = await EventStream.open(api.graphqlUrl, {
      method: 'POST',
      headers: narrow,
      body: { query: watch, variables: { ids: ['other-1', 'other-2'] } },
    });
    await stream.closed();
    expect(stream.events).toMatchObject([
      {
        event: 'next',
        data: {
          data: { userRiskProfileUpdated: [{ user: { riskProfile: null } }, { user: { riskProfile: null } }] },
          errors: [
            { path: ['userRiskProfileUpdated', 0, 'user', 'riskProfile'], extensions: { code: 'FORBIDDEN' } },
            { path: ['userRiskProfileUpdated', 1, 'user', 'riskProfile'], extensions: { code: 'FORBIDDEN' } },
          ],
        },
      },
      { event: 'complete' },
    ]);
  });
});

describe('an operation that begins with what is not the caller’s', () => {
  it('is refused whole, and nothing of it is done', async () => {
    const writer = await keys.add('writer', ['events:write']);
    const admin = await keys.add('looking', ['admin']);
    const input = '{ transactionId: "refused", userId: "refused", merchantId: "m", amount: 1 }';
    const mutation = `mutation { recordTransaction(input: ${input}) { status } forgetUser(id: "refused") { status } }`;
    for (let i = 0; i < 4; i++) {
      const { status, data, errors } = await api.ask(mutation, {}, writer);
      expect({ status, data }).toEqual({ status: 403, data: undefined });
      expect(errors).toMatchObject([
        { message: expect.stringContaining('Mutation.forgetUser'), extensions: { code: 'FORBIDDEN' } },
      ]);
    }
    const { data } = await api.ask('{ user(id: "refused") { riskProfile { txnCount1h } } }', {}, admin);
    expect(data).toEqual({ user: { riskProfile: { txnCount1h: 0 } } });
  });

  it('is an error message on a WebSocket, which stays', async () => {
    const writer = await keys.add('listener', ['events:write']);
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, writer);
    socket.subscribe('w', 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }');
    await until(() => socket.about('w').length === 1);
    expect(socket.about('w')).toMatchObject([{ type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] }]);
    socket.subscribe('r', `mutation { recordTransactions(input: []) { recorded } }`);
    await until(() => socket.about('r').length === 2);
    expect(socket.about('r')[0]).toMatchObject({ payload: { data: { recordTransactions: { recorded: 0 } } } });
    socket.socket.close();
  });
});

describe('a preview', () => {
  it('tells nothing of what was recorded of somebody else', async () => {
    const admin = await keys.add('recording', ['admin']);
    const tenant = await keys.add('tenant', ['features:read:Merchant:p-shop']);
    const occurredAt = new Date(Date.now() - 5_000).toISOString();
    const event = { transactionId: 'previewed', userId: 'p-user', merchantId: 'p-shop', amount: 5, occurredAt };
    await api.ask(record, { input: [event] }, admin);
    const preview = `query ($input: TransactionInput!) {
      previewTransaction(input: $input) {
        status reason occurredAt user { riskProfile { txnCount1h } } merchant { activity { txnCount1h } }
      }
    }`;
    const told = async (headers: { readonly authorization: string }, amount: number) =>
      (await api.ask(preview, { input: { ...event, amount } }, headers)).data?.previewTransaction;
    expect(await told(admin, 6)).toMatchObject({ status: 'DUPLICATE', reason: expect.any(String), occurredAt });
    expect(await told(tenant, 6)).toEqual({
      status: 'DUPLICATE',
      reason: null,
      occurredAt: null,
      user: { riskProfile: null },
      merchant: { activity: { txnCount1h: 1 } },
    });
    expect(await told(tenant, 1e16)).toMatchObject({ status: 'REJECTED', reason: expect.any(String) });
  });

  const askStatus = 'query ($input: TransactionInput!) { previewTransaction(input: $input) { status reason } }';
  const statusFor =
    (headers: { readonly authorization: string }, event: object) =>
    async (more: object): Promise<unknown> =>
      (await api.ask(askStatus, { input: { ...event, ...more } }, headers)).data?.previewTransaction;

  it('of nothing that is the caller’s is rejected, and does not tell whether the event is in', async () => {
    const admin = await keys.add('recording all', ['admin']);
    const event = { transactionId: 'known', userId: 'bob', merchantId: 'bob-shop', amount: 5 };
    await api.ask(record, { input: [event] }, admin);
    const told = statusFor(await keys.add('foreign', ['features:read:User:acme-*']), event);
    const reason = 'userId: user_risk_profile of User "bob" is not this caller\'s to read';
    const longAgo = new Date(Date.now() - 400 * 86_400_000).toISOString();
    for (const more of [{}, { transactionId: 'unknown' }, { occurredAt: longAgo }]) {
      expect(await told(more)).toEqual({ status: 'REJECTED', reason });
    }
    // What breaks a rule is refused for that, if it is an id.
    expect(await told({ userId: '' })).toEqual({ status: 'REJECTED', reason: expect.not.stringContaining('caller') });
  });

  it('goes by the logs alone that are the caller’s', async () => {
    const admin = await keys.add('recording some', ['admin']);
    const event = { transactionId: 'at a shop', userId: 'eve', merchantId: 'eve-shop', amount: 5 };
    await api.ask(record, { input: [event] }, admin);
    const told = statusFor(await keys.add('own user', ['features:read:User:acme-*']), { ...event, userId: 'acme-1' });
    // The shop knows the first of them.
    for (const transactionId of ['at a shop', 'elsewhere']) {
      expect(await told({ transactionId })).toEqual({ status: 'RECORDED', reason: null });
    }
    await api.ask(record, { input: [{ ...event, userId: 'acme-1' }] }, admin);
    // The second shop knows nothing of it.
    for (const merchantId of ['eve-shop', 'new-shop']) {
      expect(await told({ merchantId })).toEqual({ status: 'DUPLICATE', reason: null });
    }
  });
});

describe('a search', () => {
  it('finds only what the caller may read, and not even tells that there is more', async () => {
    const admin = await keys.add('searched', ['admin']);
    const input = ['acme-a', 'acme-b', 'other-a'].map((userId) => ({
      transactionId: `e${++events}`,
      userId: `s-${userId}`,
      merchantId: 's-acme-m',
      amount: 1,
    }));
    await api.ask(record, { input }, admin);
    const search = async (scopes: readonly string[], text: string, first: number) => {
      const headers = await keys.add(`search ${scopes} ${text} ${first}`, scopes);
      const { data } = await api.ask(
        'query ($text: String!, $first: Int!) { searchEntities(text: $text, first: $first) { complete found { entity id } } }',
        { text, first },
        headers,
      );
      const { found, complete } = (
        data as { searchEntities: { found: { entity: string; id: string }[]; complete: boolean } }
      ).searchEntities;
      return { found: found.map(({ entity, id }) => `${entity} ${id}`).sort(), complete };
    };
    expect(await search(['features:read'], 's-', 20)).toEqual({
      found: ['Merchant s-acme-m', 'User s-acme-a', 'User s-acme-b', 'User s-other-a'],
      complete: true,
    });
    expect(await search(['features:read:User:s-acme-*'], 's-', 20)).toEqual({
      found: ['User s-acme-a', 'User s-acme-b'],
      complete: true,
    });
    const one = await search(['features:read:user_risk_profile:s-acme-*'], 's-', 1);
    expect({ ...one, found: one.found.length }).toEqual({ found: 1, complete: false });
    expect(await search(['features:read:merchant_activity'], 's-other-a', 20)).toEqual({ found: [], complete: true });
    expect(await search(['features:read:Device'], '', 20)).toMatchObject({ found: [] });
  });

  it('and what is served are told as far as they are the caller’s', async () => {
    const names = async (scopes: readonly string[]) => {
      const headers = await keys.add(`views ${scopes}`, scopes);
      const { data } = await api.ask('{ featureViews { name } }', {}, headers);
      return (data as { featureViews: { name: string }[] }).featureViews.map(({ name }) => name);
    };
    expect(await names(['admin'])).toEqual(['user_risk_profile', 'merchant_activity']);
    expect(await names(['features:read:User:a'])).toEqual(['user_risk_profile']);
    expect(await names(['features:read:merchant_activity'])).toEqual(['merchant_activity']);
    expect(await names(['features:read:Device'])).toEqual([]);
  });
});
