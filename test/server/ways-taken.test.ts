import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { type GraphQLFieldResolver, type GraphQLObjectType, GraphQLScalarType } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type FreshetContext,
  type FreshetScalars,
  type FreshetScopes,
  freshet,
  scopeAuth,
} from '../../src/graphql/index.ts';
import { account, newBuilder, transferView } from '../graphql/deployments.ts';
import { asks, BothWays, type Way } from '../support/both-ways.ts';

let ways: BothWays | null = null;
afterEach(async () => {
  await ways?.stop();
  ways = null;
});

/** Makes an operation hot, and asks again. */
async function wayOf(of: BothWays, query: string, variables?: object): Promise<Way> {
  await of.warm(asks(query, variables));
  return (await of.compare(asks(query, variables))).way;
}

describe('of the schema of this deployment', () => {
  it.each([
    ['{ user(id: 1) { id riskProfile { txnCount1h } } }', 'short'],
    ['{ __proto__: user(id: 1) { constructor: riskProfile { toString: txnCount1h __typename } } }', 'short'],
    ['query toString($constructor: ID!) { user(id: $constructor) { id } }', 'short'],
    ['{ merchants(ids: []) { activity { txnCount1h } } }', 'short'],
    ['{ user(id: "") { riskProfile { txnCount1h } } }', 'left'],
    ['{ __typename user(id: 1) { id } }', 'reference'],
    ['{ user(id: 1) { riskProfile(asOf: null) { id } } }', 'reference'],
    ['{ featureViews { name } user(id: 1) { id } }', 'reference'],
    ['{ user(id: 1) { riskProfile { accuracy(features: [txnCount1h]) { exact } } } }', 'reference'],
  ] as const)('%s goes the way that is %s', async (query, way) => {
    ways = await BothWays.start();
    expect(await wayOf(ways, query, { constructor: 'x' })).toBe(way);
  });

  it('a query is not taken for the operation of another whose text it has in it', async () => {
    ways = await BothWays.start();
    const query = 'query A { user(id: 1) { id } }';
    await ways.warm(asks(query, {}, 'A'));
    expect((await ways.compare(asks(query, {}, 'A'))).way).toBe('short');
    for (const asked of [
      asks(`A of ${query}`),
      asks(`1:A${query}`),
      asks(`A${query}`),
      asks(query.slice(1), {}, `A of ${query[0]}`),
    ]) {
      expect(await ways.compare(asked)).toMatchObject({ status: 200, body: expect.stringContaining('errors') });
    }
  });

  it.each([
    ['left out', {}],
    ['null', { x: null }],
    ['of another type', { x: 'true' }],
    ['false', { x: false }],
    ['true', { x: true }],
  ])('a condition that is %s is answered alike', async (_, variables) => {
    ways = await BothWays.start();
    const query = 'query ($x: Boolean = true) { user(id: 1) { id riskProfile @include(if: $x) { txnCount1h } } }';
    expect(await wayOf(ways, query)).toBe('short');
    await ways.compare(asks(query, variables));
    await ways.compare(asks(query, variables));
  });

  it.each([
    ['query ($__proto__: ID!) { user(id: $__proto__) { id } }', '{"__proto__":"x"}'],
    ['query ($__proto__: ID = 3) { user(id: $__proto__) { id } }', '{"__proto__":"x"}'],
    ['query ($__proto__: Boolean!) { user(id: 1) { id @skip(if: $__proto__) __typename } }', '{"__proto__":true}'],
    [
      'query ($__proto__: Boolean = true) { user(id: 1) { id @skip(if: $__proto__) __typename } }',
      '{"__proto__":true}',
    ],
  ])('a variable that is called as prototypes are is answered alike: %s', async (query, variables) => {
    ways = await BothWays.start();
    const request = { body: `{"query":${JSON.stringify(query)},"variables":${variables}}` };
    for (const _ of [1, 2, 3]) {
      await ways.warm(request);
      await ways.compare(request);
    }
  });
});

describe('of a team’s own schema', () => {
  const query = '{ account(id: 1) { id sent { count1h freshness { asOf } } } }';
  const plain = '{ account(id: 1) { id sent { count1h } } }';
  const sent = transferView('account_sent', account, 'senderId');

  it('a resolver of its own is called, and so goes the way of the reference', async () => {
    const builder = newBuilder();
    builder.entityType(account, {
      fields: (t) => ({
        sent: t.featureView(sent),
        iban: t.string({ authScopes: { known: true }, resolve: ({ id }) => `DE${id}` }),
      }),
    });
    builder.queryField('account', (t) => t.entity(account));
    ways = await BothWays.start({ schema: builder.toSchema({ views: [sent] }), views: [sent] });
    expect(await wayOf(ways, plain)).toBe('short');
    expect(await wayOf(ways, '{ account(id: 1) { id iban sent { count1h } } }')).toBe('reference');
  });

  it.each(['Query.account', 'Account.id', 'Account.sent', 'AccountSent.count1h'])(
    'a plugin that wraps %s is asked each time, and nothing goes past it',
    async (wrapped) => {
      guarded.field = wrapped;
      guarded.asked = 0;
      const builder = guardedBuilder();
      builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
      builder.queryField('account', (t) => t.entity(account));
      ways = await BothWays.start({ schema: builder.toSchema({ views: [sent] }), views: [sent] });
      expect(await wayOf(ways, plain)).toBe('reference');
      expect(guarded.asked).toBe(3);
    },
  );

  it('a type that looks at what it is given is asked each time', async () => {
    const builder = newBuilder();
    builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    const schema = builder.toSchema({ views: [sent] });
    const type = schema.getType('Account') as GraphQLObjectType;
    type.isTypeOf = () => false;
    ways = await BothWays.start({ schema, views: [sent] });
    expect(await wayOf(ways, plain)).toBe('reference');
  });

  it('a scalar of its own that makes nothing of a value fails alike', async () => {
    const builder = newBuilder();
    builder.addScalarType('DateTime', new GraphQLScalarType<number, null>({ name: 'DateTime', serialize: () => null }));
    builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('account', (t) => t.entity(account));
    ways = await BothWays.start({ schema: builder.toSchema({ views: [sent] }), views: [sent] });
    expect(await wayOf(ways, query)).toBe('left');
  });
});

/** What a plugin for authorisation does: it wraps resolvers. */
const guarded = { field: '', asked: 0 };

class GuardPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { parentType, name }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (`${parentType}.${name}` !== guarded.field) return resolver;
    return (...args) => {
      guarded.asked++;
      return resolver(...args);
    };
  }
}

const guard = 'freshetTestGuard' as never;
SchemaBuilder.registerPlugin(guard, GuardPlugin as never);

function guardedBuilder() {
  const builder = new SchemaBuilder<{ Context: FreshetContext; Scalars: FreshetScalars; AuthScopes: FreshetScopes }>({
    plugins: [freshet, guard],
    scopeAuth,
  });
  builder.queryType({ description: 'Queries.' });
  return builder;
}
