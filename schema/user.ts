import { avg, count, distinct, entity, last, lifetime, max, min, stddev, sum, view } from '../src/define/index.ts';
import { builder } from './builder.ts';
import { transaction } from './transaction.ts';

export const user = entity('User', { description: 'Who pays.' });

export const riskProfile = view('user_risk_profile', {
  version: 1,
  entity: user,
  from: transaction,
  by: 'userId',
  description: 'How a user spends: what a fraud model asks of whoever is about to pay.',
  features: {
    txnCount1m: count({ window: '1m' }),
    txnCount5m: count({ window: '5m' }),
    txnCount1h: count({ window: '1h' }),
    txnCount24h: count({ window: '24h' }),
    txnCount7d: count({ window: '7d' }),
    txnCount30d: count({ window: '30d' }),
    txnAmount1h: sum('amount', { window: '1h' }),
    txnAmount24h: sum('amount', { window: '24h' }),
    avgTxnAmount: avg('amount', {
      window: lifetime({ idle: '24h' }),
      description:
        'Running mean of amount: of all transactions since the user last had none for 24 h. For a window, see the others.',
    }),
    avgTxnAmount24h: avg('amount', { window: '24h' }),
    avgTxnAmount7d: avg('amount', { window: '7d' }),
    avgTxnAmount30d: avg('amount', { window: '30d' }),
    stddevTxnAmount30d: stddev('amount', { window: '30d' }),
    minTxnAmount24h: min('amount', { window: '24h' }),
    maxTxnAmount24h: max('amount', { window: '24h' }),
    uniqueMerchants1h: distinct('merchantId', { window: '1h' }),
    uniqueMerchants24h: distinct('merchantId', { window: '24h' }),
    uniqueMerchants30d: distinct('merchantId', { window: '30d' }),
    lastTxnAmount: last('amount', {
      window: '30d',
      description:
        'Amount of the newest transaction by occurredAt, within 30 days; of several at one moment, always the same one.',
    }),
    lastTxnAt: last('occurredAt', {
      window: '30d',
      description: 'When the newest transaction happened, within 30 days.',
    }),
  },
});

builder.entityType(user, {
  fields: (t) => ({ riskProfile: t.featureView(riskProfile), riskProfileSeries: t.featureViewSeries(riskProfile) }),
});

builder.queryFields((t) => ({
  user: t.entity(user),
  users: t.entities(user),
}));

builder.mutationField('forgetUser', (t) => t.forget(user));

builder.subscriptionField('userRiskProfileUpdated', (t) => t.featureUpdates(riskProfile));
