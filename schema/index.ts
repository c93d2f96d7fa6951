import { builder } from './builder.ts';
import { activity } from './merchant.ts';
import { transaction } from './transaction.ts';
import { riskProfile } from './user.ts';

/** What this deployment serves. A new view is listed here, and that is all. */
export const views = [riskProfile, activity];

builder.queryFields((t) => ({
  featureViews: t.featureViews(),
  previewTransaction: t.preview(transaction),
}));

export const schema = builder.toSchema({ views, sortSchema: false });
