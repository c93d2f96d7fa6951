import SchemaBuilder from '@pothos/core';
import { describe, expect, test } from 'vitest';
import {
  count,
  DefinitionError,
  entity,
  event,
  pascalCase,
  snakeCase,
  type View,
  view,
} from '../../src/define/index.ts';
import { freshet, scopeAuth } from '../../src/graphql/index.ts';
import { account, bank, newBuilder, type TestTypes, transfer, transferSchema, transferView } from './deployments.ts';

const sent = transferView('account_sent', account, 'senderId');
const booked = transferView('bank_booked', bank, 'bankId');

/** The message of the DefinitionError that building a schema ends in. */
function definitionError(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof DefinitionError) return error.message;
    throw error;
  }
  throw new Error('expected a DefinitionError');
}

/** A schema of accounts with every field that the plugin makes, and a type of the team's own. */
function fullSchema(views: readonly View[]) {
  const builder = newBuilder();
  builder.objectRef<{ cents: number }>('Money').implement({ fields: (t) => ({ cents: t.exposeInt('cents') }) });
  builder.entityType(account, {
    fields: (t) => Object.fromEntries(views.map((one, place) => [`view${place}`, t.featureView(one)])),
  });
  builder.queryFields((t) => ({ account: t.entity(account), featureViews: t.featureViews() }));
  builder.mutationType({ fields: (t) => ({ one: t.record(transfer), many: t.recordMany(transfer) }) });
  builder.subscriptionType({
    fields: (t) => Object.fromEntries(views.map((one, place) => [`view${place}`, t.featureUpdates(one)])),
  });
  return builder.toSchema({ views });
}

describe('a schema is refused that', () => {
  test('serves a view which it does not list', () => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    expect(definitionError(() => builder.toSchema({ views: [] }))).toMatch(
      /view account_sent: is served by Account.sent/,
    );
  });

  test.each<[string, (builder: ReturnType<typeof newBuilder>) => void]>([
    ['Query.hello', (builder) => builder.queryField('hello', (t) => t.string({ resolve: () => 'hello' }))],
    [
      'Mutation.greet',
      (builder) => builder.mutationType({ fields: (t) => ({ greet: t.string({ resolve: () => 'hello' }) }) }),
    ],
    [
      'Subscription.greetings',
      (builder) =>
        builder.subscriptionType({
          fields: (t) => ({
            greetings: t.string({
              subscribe: async function* () {
                yield 'hello';
              },
              resolve: (one) => String(one),
            }),
          }),
        }),
    ],
    [
      'Account.iban',
      (builder) => builder.entityType(bank, { fields: (t) => ({ iban: t.string({ resolve: ({ id }) => id }) }) }),
    ],
  ])('has a field of which nobody has said who may ask for it: %s', (coordinate, add) => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    add(builder);
    const path = coordinate.replace('Account', 'Bank');
    expect(definitionError(() => builder.toSchema({ views: [sent] }))).toMatch(
      `${path}: nobody has said who may ask for it; give it authScopes, such as { 'features:read': true }`,
    );
  });

  test('would let everything through', () => {
    const builder = newBuilder();
    builder.queryField('featureViews', (t) => t.featureViews());
    expect(definitionError(() => builder.toSchema({ disableScopeAuth: true }))).toMatch(/no disableScopeAuth/);
    const open = new SchemaBuilder<TestTypes>({
      plugins: [freshet],
      scopeAuth: { ...scopeAuth, authorizeOnSubscribe: false },
    });
    open.queryType({ fields: (t) => ({ featureViews: t.featureViews() }) });
    expect(definitionError(() => open.toSchema())).toMatch(
      /scopeAuth: a builder is given the one that comes with freshet/,
    );
    const twice = new SchemaBuilder<TestTypes>({ plugins: ['scopeAuth', freshet], scopeAuth });
    twice.queryType({ fields: (t) => ({ featureViews: t.featureViews() }) });
    expect(definitionError(() => twice.toSchema())).toMatch(/list it without 'scopeAuth'/);
  });

  test('lists a view which no field serves', () => {
    const builder = newBuilder();
    builder.entityType(account);
    builder.queryField('account', (t) => t.entity(account));
    expect(definitionError(() => builder.toSchema({ views: [sent] }))).toMatch(
      /view account_sent: .* no field serves it/,
    );
  });

  test('serves a view only at past moments', () => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ sentSeries: t.featureViewSeries(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    expect(definitionError(() => builder.toSchema({ views: [sent] }))).toMatch(
      /view account_sent: .* no field serves it/,
    );
  });

  test('serves a view on the type of another entity', () => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ booked: t.featureView(booked) }) });
    builder.queryField('account', (t) => t.entity(account));
    expect(definitionError(() => builder.toSchema({ views: [booked] }))).toMatch(
      /view bank_booked: is of Bank, so Account.booked cannot serve it/,
    );
  });

  test('asks for an entity that has no type', () => {
    const builder = newBuilder();
    builder.queryField('account', (t) => t.entity(account));
    expect(definitionError(() => builder.toSchema())).toMatch(/entity Account: has no type .* builder.entityType/);
  });

  test('gives an entity two types', () => {
    const builder = newBuilder();
    builder.entityType(account);
    expect(definitionError(() => builder.entityType(account))).toMatch(/entity Account: has two types/);
  });

  test('has two views of one type name', () => {
    const again = view('account_sent', {
      version: 2,
      entity: account,
      from: transfer,
      by: 'senderId',
      description: '',
      features: { count1h: count({ window: '1h' }) },
    });
    expect(definitionError(() => transferSchema([sent, again]))).toMatch(/account_sent v2: gives the type AccountSent/);
    expect(definitionError(() => transferSchema([sent, sent]))).toMatch(/account_sent v1: is listed twice/);
  });

  test.each([
    ['account', 'Account, and so does entity Account'],
    ['transfer_input', 'TransferInput, and so does event Transfer'],
    ['record_transfer_payload', 'RecordTransferPayload, and so does event Transfer'],
    ['account_sent_update', 'AccountSentUpdate, and so does view account_sent v1'],
    ['money', 'Money, which the schema has already'],
    ['feature', 'Feature, which the schema has already'],
  ])('has a view %s, which gives the type %s', (name, words) => {
    const odd = transferView(name, account, 'senderId');
    expect(definitionError(() => fullSchema([sent, odd]))).toMatch(`view ${name} v1: gives the type ${words}; rename`);
  });

  test.each(['Query', 'DateTime', 'Freshness', 'Feature', 'Money', 'Account'])('has an entity %s', (name) => {
    const builder = newBuilder();
    builder.objectRef<{ cents: number }>('Money').implement({ fields: (t) => ({ cents: t.exposeInt('cents') }) });
    builder.entityType(account);
    expect(definitionError(() => builder.entityType(entity(name, { description: '' })))).toMatch(
      `entity ${name}: gives the type ${name}, `,
    );
  });

  test('has two events of one name', () => {
    const other = view('other', {
      version: 1,
      entity: account,
      from: { ...transfer },
      by: 'senderId',
      description: '',
      features: { count1h: count({ window: '1h' }) },
    });
    expect(definitionError(() => fullSchema([sent, other]))).toMatch(
      'event Transfer: gives the type TransferInput, and so does event Transfer;',
    );
  });

  test('has a view that gives any type which a schema with everything in it has', () => {
    const types = Object.keys(fullSchema([sent]).getTypeMap());
    const given = types.filter((name) => pascalCase(snakeCase(name)) === name && name !== sent.typeName);
    for (const name of given) {
      const odd = transferView(snakeCase(name), account, 'senderId');
      expect(definitionError(() => fullSchema([sent, odd]))).toMatch(`view ${odd.name} v1: gives the type ${name}, `);
    }
    expect(given).toEqual(expect.arrayContaining(['Query', 'Int', 'DateTime', 'Freshness', 'UpdateCause']));
  });

  test('would have two fields of one name in a payload', () => {
    const status = transferView('status_sent', { name: 'Status', description: '' }, 'senderId');
    expect(definitionError(() => transferSchema([status]))).toMatch(/view status_sent: .* status .* taken/);
  });

  test('would have two fields of one name in an update', () => {
    const causes = transferView('causes', { name: 'Cause', description: '' }, 'senderId');
    const builder = newBuilder();
    builder.entityType(causes.entity, { fields: (t) => ({ causes: t.featureView(causes) }) });
    builder.queryField('featureViews', (t) => t.featureViews());
    builder.subscriptionType({ fields: (t) => ({ causesUpdated: t.featureUpdates(causes) }) });
    expect(definitionError(() => builder.toSchema({ views: [causes] }))).toMatch(/view causes: .* rename Cause/);
  });
});

describe('an event is refused that', () => {
  const odd = event('Odd', {
    description: '',
    id: 'status',
    time: 'at',
    fields: { status: { type: 'id', description: '' }, at: { type: 'time', description: '' } },
  });

  const recording = (views: readonly View[]) => {
    const builder = newBuilder();
    builder.entityType(account, {
      fields: (t) => Object.fromEntries(views.map((one, place) => [`view${place}`, t.featureView(one)])),
    });
    builder.queryField('featureViews', (t) => t.featureViews());
    builder.mutationType({ fields: (t) => ({ recordOdd: t.record(odd) }) });
    return builder.toSchema({ views });
  };

  test('feeds no view', () => {
    expect(definitionError(() => recording([]))).toMatch(/event Odd: is recorded, but feeds none/);
  });

  test('calls its own id like another field of the payload', () => {
    const features = { count1h: count({ window: '1h' }) };
    const odds = view('odds', { version: 1, entity: account, from: odd, by: 'status', description: '', features });
    expect(definitionError(() => recording([odds]))).toMatch(/event Odd: .* has a status already/);
  });

  test('calls its own id like a field that only corrections return', () => {
    const viewed = event('Viewed', {
      description: '',
      id: 'views',
      time: 'at',
      fields: { views: { type: 'id', description: '' }, at: { type: 'time', description: '' } },
    });
    const features = { count1h: count({ window: '1h' }) };
    const seen = view('seen', { version: 1, entity: account, from: viewed, by: 'views', description: '', features });
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ seen: t.featureView(seen) }) });
    builder.queryField('featureViews', (t) => t.featureViews());
    builder.mutationType({ fields: (t) => ({ retractViewed: t.retract(viewed, []) }) });
    expect(definitionError(() => builder.toSchema({ views: [seen] }))).toMatch(/event Viewed: .* has a views already/);
  });
});

test('what is no entity has no feature views, by its type', () => {
  const builder = newBuilder();
  builder.objectRef<{ name: string }>('Country').implement({
    fields: (t) => ({
      // @ts-expect-error a country has no id
      sent: t.featureView(sent),
    }),
  });
});
