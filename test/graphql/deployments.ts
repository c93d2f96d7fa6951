import SchemaBuilder from '@pothos/core';
import type { GraphQLSchema } from 'graphql';
import { count, entity, event, sum, type View, view } from '../../src/define/index.ts';
import {
  type FreshetContext,
  type FreshetScalars,
  type FreshetScopes,
  freshet,
  scopeAuth,
} from '../../src/graphql/index.ts';

/** What the plugin asks of a builder's types. */
export interface TestTypes {
  Context: FreshetContext;
  Scalars: FreshetScalars;
  AuthScopes: FreshetScopes;
}

/** A builder of its own for a test, with the plugin and a root type for queries. */
export function newBuilder() {
  const builder = new SchemaBuilder<TestTypes>({ plugins: [freshet], scopeAuth });
  builder.queryType({ description: 'Queries.' });
  return builder;
}

export type TestBuilder = ReturnType<typeof newBuilder>;

export const account = entity('Account', { description: 'A bank account.' });
export const bank = entity('Bank', { description: 'A bank.' });

export const transfer = event('Transfer', {
  description: 'Money from one account to another.',
  id: 'transferId',
  time: 'bookedAt',
  fields: {
    transferId: { type: 'id', description: 'The id of the transfer.' },
    senderId: { type: 'id', description: 'Whose money it was.' },
    receiverId: { type: 'id', description: 'Whose money it is.' },
    bankId: { type: 'id', description: 'The bank that books it.' },
    sum: { type: 'number', description: 'How much.' },
    bookedAt: { type: 'time', description: 'When it was booked.' },
    instant: { type: 'boolean', optional: true, description: 'Whether it is booked at once.' },
  },
});

/** A view of transfers with as little in it as will do. */
export function transferView(name: string, of: typeof account, by: 'senderId' | 'receiverId' | 'bankId'): View {
  return view(name, {
    version: 1,
    entity: of,
    from: transfer,
    by,
    description: `Transfers by ${by}.`,
    features: { count1h: count({ window: '1h' }), sum1h: sum('sum', { window: '1h' }) },
  });
}

/** A schema that serves these views, each as a field named after it, and records transfers. */
export function transferSchema(views: readonly View[]): GraphQLSchema {
  const builder = newBuilder();
  for (const subject of new Set(views.map((one) => one.entity))) {
    builder.entityType(subject, {
      fields: (t) =>
        Object.fromEntries(
          views
            .filter((one) => one.entity === subject)
            .map((one) => [one.name.replaceAll('_', ''), t.featureView(one)]),
        ),
    });
  }
  builder.queryField('featureViews', (t) => t.featureViews());
  builder.mutationType({ description: 'Mutations.', fields: (t) => ({ recordTransfer: t.record(transfer) }) });
  return builder.toSchema({ views, sortSchema: false });
}
