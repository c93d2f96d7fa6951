import { builder } from './builder.ts';
import { activity } from './merchant.ts';
import { riskProfile } from './user.ts';

/** What this deployment serves. A new view is listed here, and that is all. */
export const views = [riskProfile, activity];

builder.queryField('featureViews', (t) => t.featureViews());

export const schema = builder.toSchema({ views, sortSchema: false });
