import SchemaBuilder from '@pothos/core';
import {
  type FreshetContext,
  type FreshetScalars,
  type FreshetScopes,
  freshet,
  scopeAuth,
} from '../src/graphql/index.ts';

/** The builder of this deployment. Other Pothos plugins, scalars and a richer context of the team's own go here. */
export const builder = new SchemaBuilder<{
  Context: FreshetContext;
  Scalars: FreshetScalars;
  AuthScopes: FreshetScopes;
}>({ plugins: [freshet], scopeAuth });

builder.queryType({ description: 'Reads features: as they are, as they were, and as they would be. Changes nothing.' });
builder.mutationType({
  description: 'Records events, corrects what was recorded, and forgets. Every mutation is safe to send again.',
});
builder.subscriptionType({ description: 'Watches features: a snapshot first, then every change.' });
