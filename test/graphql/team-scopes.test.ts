import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authenticator, type NewKey, newKey } from '../../src/access/index.ts';
import { readersOf } from '../../src/graphql/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';
import { account, newBuilder, transfer, transferView } from './deployments.ts';

const sent = transferView('account_sent', account, 'senderId');

/** A deployment with fields of a team's own, each classified in another way that scope-auth knows. */
function teamSchema(): GraphQLSchema {
  const builder = newBuilder();
  builder.entityType(account, {
    fields: (t) => ({
      sent: t.featureView(sent),
      iban: t.string({ authScopes: readersOf(account), resolve: ({ id }) => `DE${id}` }),
      bank: t.string({ authScopes: { 'features:read': true }, resolve: () => 'a bank' }),
      notes: t.string({ authScopes: { admin: true }, resolve: () => 'a note' }),
      risk: t.string({
        authScopes: async () => ({ $all: { known: true, 'events:write': true } }),
        resolve: () => 'low',
      }),
      broken: t.string({
        authScopes: () => {
          throw new GraphQLError('who knows', { extensions: { code: 'FORBIDDEN' } });
        },
        resolve: () => 'never',
      }),
    }),
  });
  builder.queryField('account', (t) => t.entity(account));
  builder.queryField('time', (t) => t.string({ authScopes: { known: true }, resolve: () => 'now' }));
  return builder.toSchema({ views: [sent] });
}

const keys: { readonly [name: string]: NewKey } = {
  admin: newKey('admin', ['admin']),
  read: newKey('read', ['features:read']),
  write: newKey('write', ['events:write']),
  account: newKey('account', ['features:read:Account:acme-*']),
  view: newKey('view', ['features:read:account_sent']),
};

let api: TestApi;
beforeAll(async () => {
  const text = JSON.stringify({ keys: Object.values(keys).map(({ entry }) => entry) });
  const authenticator = new Authenticator({ keys: { text }, issuer: null, report: () => {} });
  api = await startApi({ schema: teamSchema(), views: [sent], authenticator, hotAfter: 1 });
});
afterAll(() => api?.stop());

/** What of `fields` of an account a caller is shown. */
async function shown(name: string, id: string): Promise<{ readonly [field: string]: unknown }> {
  const { data, errors = [] } = await api.ask(
    'query ($id: ID!) { account(id: $id) { iban bank notes risk broken sent { count1h } } }',
    { id },
    { authorization: `Bearer ${keys[name]?.secret}` },
  );
  for (const { extensions } of errors) expect(extensions.code).toBe('FORBIDDEN');
  const fields = data?.account as { readonly [field: string]: unknown };
  const withheld = errors.map(({ path }) => path?.[1]);
  expect(
    Object.keys(fields)
      .filter((field) => fields[field] === null)
      .sort(),
  ).toEqual(withheld.sort());
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

describe('a field of a team’s own', () => {
  const iban = { iban: 'DEacme-1' };
  const ownView = { sent: { count1h: 0 } };
  const bank = { bank: 'a bank' };

  it.each([
    ['admin', { ...iban, ...bank, notes: 'a note', risk: 'low', ...ownView }],
    ['read', { ...iban, ...bank, ...ownView }],
    ['account', { ...iban, ...ownView }],
    ['view', ownView],
  ])('is for whom it says, as %s is told', async (name, fields) => {
    expect(await shown(name, 'acme-1')).toEqual(fields);
  });

  it('is for readers of an id only where it is that id', async () => {
    expect(await shown('account', 'other-1')).toEqual({});
  });

  it('that is for whoever is known is for one who may only write', async () => {
    const headers = { authorization: `Bearer ${keys.write?.secret}` };
    expect(await api.ask('{ time }', {}, headers)).toMatchObject({ status: 200, data: { time: 'now' } });
    expect(await api.ask('{ account(id: 1) { id } }', {}, headers)).toMatchObject({ status: 403 });
    expect(await api.ask('{ account(id: 1) { id } time }', {}, headers)).toMatchObject({ status: 403 });
    // What is left out is not asked for.
    const conditional = 'query ($all: Boolean = false) { time account(id: 1) @include(if: $all) { id } }';
    expect(await api.ask(conditional, {}, headers)).toMatchObject({ status: 200, data: { time: 'now' } });
    expect(await api.ask(conditional, { all: true }, headers)).toMatchObject({ status: 403 });
    const spread = '{ ...Part time } fragment Part on Query { account(id: 1) { id } }';
    expect(await api.ask(spread, {}, headers)).toMatchObject({ status: 403 });
  });
});

describe('a check of a team’s own, in a subscription', () => {
  it('is asked for each message, and nothing of what it said is kept', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const said: WeakRef<object>[] = [];
    const builder = newBuilder();
    builder.entityType(account, {
      fields: (t) => ({
        sent: t.featureView(sent),
        checked: t.string({
          authScopes: () => {
            const scopes = { 'features:read': true } as const;
            said.push(new WeakRef(scopes));
            return scopes;
          },
          resolve: () => 'fine',
        }),
      }),
    });
    builder.queryField('account', (t) => t.entity(account));
    builder.mutationType({ fields: (t) => ({ record: t.record(transfer) }) });
    builder.subscriptionType({ fields: (t) => ({ sentUpdated: t.featureUpdates(sent) }) });
    const typed = await startApi({ schema: builder.toSchema({ views: [sent] }), views: [sent] });
    const socket = await ProtocolSocket.open(typed.webSocketUrl);
    socket.subscribe('w', 'subscription { sentUpdated(accountIds: ["a"], minIntervalMs: 0) { account { checked } } }');
    for (let n = 1; n <= 5; n++) {
      await until(() => socket.about('w').length === n);
      const ids = `transferId: "t${n}", senderId: "a", receiverId: "b", bankId: "c"`;
      const input = `{ ${ids}, sum: 1, bookedAt: "${new Date().toISOString()}" }`;
      await typed.ask(`mutation { record(input: ${input}) { status } }`);
    }
    await until(() => socket.about('w').length === 6);
    expect(said.length).toBeGreaterThanOrEqual(6);
    await until(() => {
      collect();
      return said.filter((one) => one.deref()).length <= 1;
    });
    socket.socket.close();
    await typed.stop();
  });
});

describe('a type that a team has given scopes', () => {
  it('is asked of each of its fields as well, of the plugin’s own too, and nothing goes past it', async () => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    builder.mutationType({
      authScopes: { admin: true },
      fields: (t) => ({ record: t.record(transfer), greet: t.string({ resolve: () => 'hello' }) }),
    });
    const text = JSON.stringify({ keys: [keys.admin?.entry, keys.write?.entry] });
    const authenticator = new Authenticator({ keys: { text }, issuer: null, report: () => {} });
    const schema = builder.toSchema({ views: [sent] });
    const typed = await startApi({ schema, views: [sent], authenticator, hotAfter: 1 });
    const ids = 'transferId: "t", senderId: "a", receiverId: "b", bankId: "c"';
    const input = `{ ${ids}, sum: 1, bookedAt: "${new Date().toISOString()}" }`;
    for (const [query, field] of [
      ['mutation { greet }', 'greet'],
      [`mutation { record(input: ${input}) { status } }`, 'record'],
    ] as const) {
      const ask = (name: string) => typed.ask(query, {}, { authorization: `Bearer ${keys[name]?.secret}` });
      for (let i = 0; i < 3; i++) {
        const { data, errors } = await ask('write');
        expect(data?.[field] ?? null).toBeNull();
        expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
      }
      for (let i = 0; i < 3; i++) expect((await ask('admin')).errors).toBeUndefined();
    }
    await typed.stop();
  });
});
