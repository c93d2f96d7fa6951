import { builder } from './builder.ts';
import { activity } from './merchant.ts';
import clientDocuments from './operations/trusted-documents.json' with { type: 'json' };
import { transaction } from './transaction.ts';
import { riskProfile } from './user.ts';

/** What this deployment serves. A new view is listed here, and that is all. */
export const views = [riskProfile, activity];

builder.queryFields((t) => ({
  featureViews: t.featureViews(),
  searchEntities: t.searchEntities(),
  previewTransaction: t.preview(transaction),
}));

builder.subscriptionField('serverActivity', (t) => t.serverActivity());

export const schema = builder.toSchema({ views, sortSchema: false });

/** The documents of operations/, by the hashes by which clients may name them. */
export { clientDocuments };
