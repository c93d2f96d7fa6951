/** How a field's text becomes a value: a count that is not there is 0, of all else it is null; a moment is ISO 8601. */
type Kind = 'count' | 'number' | 'time';

/** What the user's view stores, as those write it down who read its hashes by hand: GraphQL's name, the hash's, and the kind. */
export const features = [
  ['txnCount1m', 'txn_count_1m', 'count'],
  ['txnCount5m', 'txn_count_5m', 'count'],
  ['txnCount1h', 'txn_count_1h', 'count'],
  ['txnCount24h', 'txn_count_24h', 'count'],
  ['txnCount7d', 'txn_count_7d', 'count'],
  ['txnCount30d', 'txn_count_30d', 'count'],
  ['txnAmount1h', 'txn_amount_1h', 'count'],
  ['txnAmount24h', 'txn_amount_24h', 'count'],
  ['avgTxnAmount', 'avg_txn_amount', 'number'],
  ['avgTxnAmount24h', 'avg_txn_amount_24h', 'number'],
  ['avgTxnAmount7d', 'avg_txn_amount_7d', 'number'],
  ['avgTxnAmount30d', 'avg_txn_amount_30d', 'number'],
  ['stddevTxnAmount30d', 'stddev_txn_amount_30d', 'number'],
  ['minTxnAmount24h', 'min_txn_amount_24h', 'number'],
  ['maxTxnAmount24h', 'max_txn_amount_24h', 'number'],
  ['uniqueMerchants1h', 'unique_merchants_1h', 'count'],
  ['uniqueMerchants24h', 'unique_merchants_24h', 'count'],
  ['uniqueMerchants30d', 'unique_merchants_30d', 'count'],
  ['lastTxnAmount', 'last_txn_amount', 'number'],
  ['lastTxnAt', 'last_txn_at', 'time'],
] as const satisfies readonly (readonly [name: string, hashField: string, kind: Kind])[];

export type FeatureName = (typeof features)[number][0];

/** The features of one profile; which of them, whoever asked decided. */
export type Profile = { [Name in FeatureName]?: number | string | null };

/** Some features, in an order of their own. */
export class FeatureSet {
  readonly hashFields: readonly string[];
  readonly #names: readonly FeatureName[];
  readonly #kinds: readonly Kind[];

  /** @throws Error on a name that is none. */
  constructor(names: readonly string[]) {
    const known = names.map((name) => {
      const feature = features.find(([one]) => one === name);
      if (!feature) throw new Error(`there is no feature ${name}`);
      return feature;
    });
    this.#names = known.map(([name]) => name);
    this.hashFields = known.map(([, hashField]) => hashField);
    this.#kinds = known.map(([, , kind]) => kind);
  }

  /** Makes a profile of what HMGET answers to `hashFields`. */
  profile(texts: readonly (string | null)[]): Profile {
    const profile: Profile = {};
    for (let i = 0; i < texts.length; i++) {
      profile[this.#names[i] as FeatureName] = served(this.#kinds[i] as Kind, texts[i] as string | null);
    }
    return profile;
  }
}

export const allFeatures = new FeatureSet(features.map(([name]) => name));

function served(kind: Kind, text: string | null): number | string | null {
  if (text === null) return kind === 'count' ? 0 : null;
  return kind === 'time' ? new Date(Number(text)).toISOString() : Number(text);
}
