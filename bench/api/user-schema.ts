import SchemaBuilder from '@pothos/core';
import { transaction } from '../../schema/transaction.ts';
import { riskProfile, user } from '../../schema/user.ts';
// biome-ignore lint/style/noRestrictedImports: a deployment of its own, for which the plugin is made.
import type { FreshetContext, FreshetScalars, FreshetScopes } from '../../src/graphql/index.ts';
// biome-ignore lint/style/noRestrictedImports: as above.
import { freshet, scopeAuth } from '../../src/graphql/index.ts';

/**
 * As `schema/index.ts`, with the user's view alone: one view's worth of recording. Its builder is its own, since that of
 * `schema/` has mutations that need other views.
 */
const builder = new SchemaBuilder<{ Context: FreshetContext; Scalars: FreshetScalars; AuthScopes: FreshetScopes }>({
  plugins: [freshet],
  scopeAuth,
});

builder.queryType({});
builder.mutationType({});
builder.entityType(user, { fields: (t) => ({ riskProfile: t.featureView(riskProfile) }) });
builder.queryFields((t) => ({ user: t.entity(user), users: t.entities(user) }));
builder.mutationFields((t) => ({
  recordTransaction: t.record(transaction),
  recordTransactions: t.recordMany(transaction),
}));

export const views = [riskProfile];

export const schema = builder.toSchema({ views, sortSchema: false });
