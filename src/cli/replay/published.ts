import type { View } from '../../define/index.ts';

/** A published column of a card-transactions file, and the feature that must reproduce it. */
export interface PublishedColumn {
  readonly column: string;
  readonly view: View;
  /** Index into a vector's values. */
  readonly feature: number;
  /** Counts are compared exactly, doubles to 1e-9 relative. */
  readonly exact: boolean;
}

const columns: readonly (readonly [column: string, view: string, feature: string])[] = [
  ['txn_count_1d', 'user_risk_profile', 'txnCount24h'],
  ['txn_count_7d', 'user_risk_profile', 'txnCount7d'],
  ['txn_count_30d', 'user_risk_profile', 'txnCount30d'],
  ['avg_amount_1d', 'user_risk_profile', 'avgTxnAmount24h'],
  ['avg_amount_7d', 'user_risk_profile', 'avgTxnAmount7d'],
  ['avg_amount_30d', 'user_risk_profile', 'avgTxnAmount30d'],
  ['labelled_txn_count_1d', 'merchant_activity', 'labelledTxnCount1d'],
  ['labelled_txn_count_7d', 'merchant_activity', 'labelledTxnCount7d'],
  ['labelled_txn_count_30d', 'merchant_activity', 'labelledTxnCount30d'],
  ['fraud_rate_1d', 'merchant_activity', 'fraudRate1d'],
  ['fraud_rate_7d', 'merchant_activity', 'fraudRate7d'],
  ['fraud_rate_30d', 'merchant_activity', 'fraudRate30d'],
];

/** Which published columns a file has, among those that these views serve. */
export function publishedColumns(header: readonly string[], views: readonly View[]): PublishedColumn[] {
  return columns.flatMap(([column, viewName, featureName]) => {
    const view = views.find(({ name }) => name === viewName);
    const feature = view?.features.findIndex(({ name }) => name === featureName) ?? -1;
    if (!view || feature < 0 || !header.includes(column)) return [];
    return [{ column, view, feature, exact: view.features[feature]?.aggregation.kind === 'count' }];
  });
}

/** The number that a cell writes out in decimals; null for anything else, such as an empty cell, NaN or Infinity. */
export function decimalOf(text: string): number | null {
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Whether a served value is the published one. What is null here (a mean or rate of nothing) was published as 0. */
export function agrees({ exact }: PublishedColumn, served: number, published: number): boolean {
  const value = Number.isNaN(served) ? 0 : served;
  if (exact) return value === published;
  return Math.abs(value - published) <= 1e-9 * Math.max(Math.abs(value), Math.abs(published));
}
