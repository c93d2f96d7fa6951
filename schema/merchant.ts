import { count, type Duration, distinct, entity, share, sum, view } from '../src/define/index.ts';
import { builder } from './builder.ts';
import { transaction } from './transaction.ts';

export const merchant = entity('Merchant', { description: 'Who is paid.' });

const labelledCount = (window: Duration) =>
  count({
    window,
    delay: '7d',
    description: `Transactions, fraud or not, in the ${window} that ended 7 days ago: old enough to be labelled.`,
  });

const fraudRate = (window: Duration) =>
  share('fraud', {
    window,
    delay: '7d',
    description: `Frauds among all transactions in the ${window} that ended 7 days ago; what nobody labelled is no fraud.`,
  });

export const activity = view('merchant_activity', {
  version: 1,
  entity: merchant,
  from: transaction,
  by: 'merchantId',
  description: 'How busy a merchant is, and how much of it turned out to be fraud.',
  features: {
    txnCount1h: count({ window: '1h' }),
    txnCount24h: count({ window: '24h' }),
    txnAmount24h: sum('amount', { window: '24h' }),
    uniqueUsers1h: distinct('userId', { window: '1h' }),
    uniqueUsers24h: distinct('userId', { window: '24h' }),
    // A fraud is reported within seven days: of younger transactions nobody knows yet.
    labelledTxnCount1d: labelledCount('1d'),
    labelledTxnCount7d: labelledCount('7d'),
    labelledTxnCount30d: labelledCount('30d'),
    fraudRate1d: fraudRate('1d'),
    fraudRate7d: fraudRate('7d'),
    fraudRate30d: fraudRate('30d'),
  },
});

builder.entityType(merchant, {
  fields: (t) => ({ activity: t.featureView(activity), activitySeries: t.featureViewSeries(activity) }),
});

builder.queryFields((t) => ({
  merchant: t.entity(merchant),
  merchants: t.entities(merchant),
}));

builder.mutationField('forgetMerchant', (t) => t.forget(merchant));

builder.subscriptionField('merchantActivityUpdated', (t) => t.featureUpdates(activity));
