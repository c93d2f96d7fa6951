import { isCompared, Reference } from '../accuracy/reference.ts';
import type { ApiProcess } from '../api-process.ts';
import type { History } from '../simulate/history.ts';

/** A served value beside the true one. */
export interface ServedValue {
  readonly feature: string;
  readonly served: number;
  readonly truth: number;
  readonly method: string;
  /** It was said to be exact, or to lie within bounds, and does not. */
  readonly wrong: boolean;
}

interface Accuracy {
  readonly feature: string;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: string;
}

interface Answer {
  readonly merchant: {
    readonly activity: {
      readonly freshness: { readonly asOf: string };
      readonly accuracy: readonly Accuracy[];
      readonly [feature: string]: unknown;
    };
  };
}

/** What rounding may make of a sum. */
const rounding = 1e-9;

/** Reads over HTTP what is served of the history's merchant, and folds the same from its events. */
export async function servedValues(api: ApiProcess, history: History): Promise<ServedValue[]> {
  const names = history.subject.view.features.filter((one) => isCompared(one.aggregation)).map(({ name }) => name);
  const query = `query ($id: ID!, $features: [MerchantActivityFeature!]!) {
    merchant(id: $id) {
      activity {
        ${names.join(' ')}
        freshness { asOf }
        accuracy(features: $features) { feature lower upper method }
      }
    }
  }`;
  const answer = await api.ask<Answer>(query, { id: history.id, features: names });
  const { freshness, accuracy, ...values } = answer.merchant.activity;
  const asOf = Date.parse(freshness.asOf);
  const reference = new Reference(history);
  return history.subject.view.features.flatMap(({ name: feature, aggregation }) => {
    if (!isCompared(aggregation)) return [];
    const served = values[feature] as number;
    const truth = reference.value(aggregation, asOf);
    const { lower, upper, method } = accuracy.find((one) => one.feature === feature) as Accuracy;
    const slack = rounding * Math.abs(truth);
    const within = lower !== null && upper !== null && truth >= lower - slack && truth <= upper + slack;
    return [{ feature, served, truth, method, wrong: method !== 'SAMPLED' && !within }];
  });
}
