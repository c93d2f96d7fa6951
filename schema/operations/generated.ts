/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedQueryDocumentNode as DocumentNode } from 'graphql';
/** What became of a label. */
export type LabelStatus =
  /** It had this label already, and nothing changed. */
  | 'DUPLICATE'
  /** The event has this label now, in every view in which something depends on it. */
  | 'LABELLED'
  /** No such event is known: record it first. Nothing changed in the views that say so. */
  | 'NOT_FOUND'
  /** It breaks a rule, and sending it again does not help: no effect. The reason says which. */
  | 'REJECTED'
  /** It can no longer be labelled. Nothing changed in the views that say so; the reason says why. */
  | 'TOO_OLD'
  /** A part of the store could not be reached: it may or may not be done. Sending it again is safe. */
  | 'UNAVAILABLE';

/** A label, and which event it is of. */
export type LabelTransactionInput = {
  /** What it is known to be, in place of what was known before. */
  fraud: boolean;
  /** Who was paid. */
  merchantId: string;
  /** When it happened. As it was recorded. */
  occurredAt: string;
  /** The id of the transaction. */
  transactionId: string;
  /** Who paid. */
  userId: string;
};

/** What became of an event. */
export type RecordStatus =
  /** It was in already, and nothing changed. */
  | 'DUPLICATE'
  /** It is in, in at least one view for the first time. */
  | 'RECORDED'
  /** It breaks a rule, and sending it again does not help: no effect. The reason says which. */
  | 'REJECTED'
  /** It is older than every window, or than the store can tell from a repeat: no effect. */
  | 'TOO_LATE'
  /** A part of the store could not be reached, or used: it may or may not be in. Sending it again is safe. */
  | 'UNAVAILABLE';

/** What became of a retraction. */
export type RetractStatus =
  /** It was recorded otherwise than is told here; the reason says in what. Nothing changed in any view. */
  | 'MISMATCH'
  /** No such event is known. Nothing changed in the views that say so. */
  | 'NOT_FOUND'
  /** It breaks a rule, and sending it again does not help: no effect. The reason says which. */
  | 'REJECTED'
  /** The event counts no more, in any view. Its id stays known: sent again, it is a duplicate. */
  | 'RETRACTED'
  /** It can no longer be taken out. Nothing changed in the views that say so; the reason says why. */
  | 'TOO_OLD'
  /** A part of the store could not be reached: it may or may not be done. Sending it again is safe. */
  | 'UNAVAILABLE';

/** Which event is taken out again. */
export type RetractTransactionInput = {
  /** How much, in the one currency of all amounts; at most 1e15 either way. */
  amount: number;
  /** Who was paid. */
  merchantId: string;
  /** When it happened. As it was recorded. */
  occurredAt: string;
  /** The id of the transaction. */
  transactionId: string;
  /** Who paid. */
  userId: string;
};

/** A card payment of a user to a merchant. */
export type TransactionInput = {
  /** How much, in the one currency of all amounts; at most 1e15 either way. */
  amount: number;
  /** Whether it was fraud; null: not known yet. */
  fraud?: boolean | null | undefined;
  /** Who was paid. */
  merchantId: string;
  /** When it happened. Left out, it is the store’s now; who retries sends their own. */
  occurredAt?: string | null | undefined;
  /** The id of the transaction. Sent again, the event has no further effect. */
  transactionId: string;
  /** Who paid. */
  userId: string;
};

/** Why an update was sent. Of several merged into one: RESYNC before EVENT before DECAY. */
export type UpdateCause =
  /** Only time passed, and something left a window or entered one behind its delay. */
  | 'DECAY'
  /** An event arrived. */
  | 'EVENT'
  /** The connection to the store was interrupted; this is what holds now. */
  | 'RESYNC'
  /** The state when the subscription began. */
  | 'SNAPSHOT';

export type FeatureCatalogueQueryVariables = Exact<{ [key: string]: never; }>;


export type FeatureCatalogueQuery = { featureViews: Array<{ name: string, version: number, entity: string, typeName: string, fieldPath: string, keyPattern: string, description: string | null, features: Array<{ name: string, hashField: string | null, type: string, nullable: boolean, stored: boolean, aggregation: string, sourceField: string | null, window: string | null, windowSeconds: number | null, delaySeconds: number | null, where: string | null, description: string | null }> }> };

export type MerchantActivityQueryVariables = Exact<{
  merchantIds: Array<string> | string;
}>;


export type MerchantActivityQuery = { merchants: Array<{ id: string, activity: { id: string, txnCount1h: number, txnCount24h: number, txnAmount24h: number, uniqueUsers1h: number, uniqueUsers24h: number, fraudRate7d: number | null, freshness: { revision: string, asOf: string, validUntil: string | null } } | null }> };

export type WatchUsersSubscriptionVariables = Exact<{
  userIds: Array<string> | string;
}>;


export type WatchUsersSubscription = { userRiskProfileUpdated: Array<{ cause: UpdateCause, user: { id: string, riskProfile: { id: string, txnCount1m: number, txnCount1h: number, txnAmount1h: number, avgTxnAmount24h: number | null, uniqueMerchants24h: number, lastTxnAt: string | null, freshness: { revision: string, asOf: string, validUntil: string | null } } | null } }> };

export type WatchMerchantsSubscriptionVariables = Exact<{
  merchantIds: Array<string> | string;
}>;


export type WatchMerchantsSubscription = { merchantActivityUpdated: Array<{ cause: UpdateCause, merchant: { id: string, activity: { id: string, txnCount1h: number, txnCount24h: number, txnAmount24h: number, uniqueUsers1h: number, uniqueUsers24h: number, fraudRate7d: number | null, freshness: { revision: string, asOf: string, validUntil: string | null } } | null } }> };

export type ActivityFiguresFragment = { id: string, txnCount1h: number, txnCount24h: number, txnAmount24h: number, uniqueUsers1h: number, uniqueUsers24h: number, fraudRate7d: number | null, freshness: { revision: string, asOf: string, validUntil: string | null } };

export type RiskProfileQueryVariables = Exact<{
  userId: string;
}>;


export type RiskProfileQuery = { user: { id: string, riskProfile: { id: string, txnCount1m: number, txnCount5m: number, txnCount1h: number, txnCount24h: number, txnCount7d: number, txnCount30d: number, txnAmount1h: number, txnAmount24h: number, avgTxnAmount: number | null, avgTxnAmount24h: number | null, avgTxnAmount7d: number | null, avgTxnAmount30d: number | null, stddevTxnAmount30d: number | null, minTxnAmount24h: number | null, maxTxnAmount24h: number | null, uniqueMerchants1h: number, uniqueMerchants24h: number, uniqueMerchants30d: number, lastTxnAmount: number | null, lastTxnAt: string | null, freshness: { revision: string, asOf: string, validUntil: string | null, lastEventAt: string | null, completeSince: string } } | null } };

export type RiskProfilesQueryVariables = Exact<{
  userIds: Array<string> | string;
}>;


export type RiskProfilesQuery = { users: Array<{ id: string, riskProfile: { id: string, txnCount1m: number, txnCount5m: number, txnCount1h: number, txnCount24h: number, txnCount7d: number, txnCount30d: number, txnAmount1h: number, txnAmount24h: number, avgTxnAmount: number | null, avgTxnAmount24h: number | null, avgTxnAmount7d: number | null, avgTxnAmount30d: number | null, stddevTxnAmount30d: number | null, minTxnAmount24h: number | null, maxTxnAmount24h: number | null, uniqueMerchants1h: number, uniqueMerchants24h: number, uniqueMerchants30d: number, lastTxnAmount: number | null, lastTxnAt: string | null, freshness: { revision: string, asOf: string, validUntil: string | null, lastEventAt: string | null, completeSince: string } } | null }> };

export type ScoreTransactionMutationVariables = Exact<{
  input: TransactionInput;
}>;


export type ScoreTransactionMutation = { recordTransaction: { transactionId: string, status: RecordStatus, reason: string | null, occurredAt: string | null, user: { id: string, riskProfile: { id: string, txnCount1m: number, txnCount5m: number, txnCount1h: number, txnCount24h: number, txnCount7d: number, txnCount30d: number, txnAmount1h: number, txnAmount24h: number, avgTxnAmount: number | null, avgTxnAmount24h: number | null, avgTxnAmount7d: number | null, avgTxnAmount30d: number | null, stddevTxnAmount30d: number | null, minTxnAmount24h: number | null, maxTxnAmount24h: number | null, uniqueMerchants1h: number, uniqueMerchants24h: number, uniqueMerchants30d: number, lastTxnAmount: number | null, lastTxnAt: string | null, freshness: { revision: string, asOf: string, validUntil: string | null, lastEventAt: string | null, completeSince: string } } | null } | null, merchant: { id: string, activity: { id: string, uniqueUsers1h: number, labelledTxnCount30d: number, fraudRate1d: number | null, fraudRate7d: number | null, fraudRate30d: number | null } | null } | null } };

export type RiskFeaturesFragment = { id: string, txnCount1m: number, txnCount5m: number, txnCount1h: number, txnCount24h: number, txnCount7d: number, txnCount30d: number, txnAmount1h: number, txnAmount24h: number, avgTxnAmount: number | null, avgTxnAmount24h: number | null, avgTxnAmount7d: number | null, avgTxnAmount30d: number | null, stddevTxnAmount30d: number | null, minTxnAmount24h: number | null, maxTxnAmount24h: number | null, uniqueMerchants1h: number, uniqueMerchants24h: number, uniqueMerchants30d: number, lastTxnAmount: number | null, lastTxnAt: string | null, freshness: { revision: string, asOf: string, validUntil: string | null, lastEventAt: string | null, completeSince: string } };

export type MerchantRiskFragment = { id: string, uniqueUsers1h: number, labelledTxnCount30d: number, fraudRate1d: number | null, fraudRate7d: number | null, fraudRate30d: number | null };

export type RecordTransactionMutationVariables = Exact<{
  input: TransactionInput;
}>;


export type RecordTransactionMutation = { recordTransaction: { transactionId: string, status: RecordStatus, reason: string | null, occurredAt: string | null } };

export type LabelTransactionMutationVariables = Exact<{
  input: LabelTransactionInput;
}>;


export type LabelTransactionMutation = { labelTransaction: { status: LabelStatus, reason: string | null, occurredAt: string | null, views: Array<{ name: string, status: LabelStatus, reason: string | null }> } };

export type RetractTransactionMutationVariables = Exact<{
  input: RetractTransactionInput;
}>;


export type RetractTransactionMutation = { retractTransaction: { status: RetractStatus, reason: string | null, occurredAt: string | null, views: Array<{ name: string, status: RetractStatus, reason: string | null }> } };

export type RecordTransactionsMutationVariables = Exact<{
  input: Array<TransactionInput> | TransactionInput;
}>;


export type RecordTransactionsMutation = { recordTransactions: { recorded: number, duplicates: number, tooLate: number, rejected: number, unavailable: number, results: Array<{ index: number, transactionId: string, status: RecordStatus, reason: string | null }> } };

export const ActivityFiguresFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ActivityFigures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MerchantActivity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers24h"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate7d"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}}]}}]}}]} as unknown as DocumentNode<ActivityFiguresFragment, unknown>;
export const RiskFeaturesFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RiskFeatures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserRiskProfile"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount5m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount7d"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount7d"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"stddevTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"minTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"maxTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants30d"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAt"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}},{"kind":"Field","name":{"kind":"Name","value":"lastEventAt"}},{"kind":"Field","name":{"kind":"Name","value":"completeSince"}}]}}]}}]} as unknown as DocumentNode<RiskFeaturesFragment, unknown>;
export const MerchantRiskFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"MerchantRisk"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MerchantActivity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers1h"}},{"kind":"Field","name":{"kind":"Name","value":"labelledTxnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate1d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate7d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate30d"}}]}}]} as unknown as DocumentNode<MerchantRiskFragment, unknown>;
export const FeatureCatalogueDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"FeatureCatalogue"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"featureViews"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"version"}},{"kind":"Field","name":{"kind":"Name","value":"entity"}},{"kind":"Field","name":{"kind":"Name","value":"typeName"}},{"kind":"Field","name":{"kind":"Name","value":"fieldPath"}},{"kind":"Field","name":{"kind":"Name","value":"keyPattern"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"features"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"hashField"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"nullable"}},{"kind":"Field","name":{"kind":"Name","value":"stored"}},{"kind":"Field","name":{"kind":"Name","value":"aggregation"}},{"kind":"Field","name":{"kind":"Name","value":"sourceField"}},{"kind":"Field","name":{"kind":"Name","value":"window"}},{"kind":"Field","name":{"kind":"Name","value":"windowSeconds"}},{"kind":"Field","name":{"kind":"Name","value":"delaySeconds"}},{"kind":"Field","name":{"kind":"Name","value":"where"}},{"kind":"Field","name":{"kind":"Name","value":"description"}}]}}]}}]}}]} as unknown as DocumentNode<FeatureCatalogueQuery, FeatureCatalogueQueryVariables>;
export const MerchantActivityDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"MerchantActivity"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"merchantIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"merchants"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"ids"},"value":{"kind":"Variable","name":{"kind":"Name","value":"merchantIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"activity"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ActivityFigures"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ActivityFigures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MerchantActivity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers24h"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate7d"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}}]}}]}}]} as unknown as DocumentNode<MerchantActivityQuery, MerchantActivityQueryVariables>;
export const WatchUsersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"WatchUsers"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"userIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"userRiskProfileUpdated"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"userIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"userIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cause"}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"riskProfile"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount1h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants24h"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAt"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<WatchUsersSubscription, WatchUsersSubscriptionVariables>;
export const WatchMerchantsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"WatchMerchants"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"merchantIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"merchantActivityUpdated"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"merchantIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"merchantIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cause"}},{"kind":"Field","name":{"kind":"Name","value":"merchant"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"activity"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"ActivityFigures"}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"ActivityFigures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MerchantActivity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers24h"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate7d"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}}]}}]}}]} as unknown as DocumentNode<WatchMerchantsSubscription, WatchMerchantsSubscriptionVariables>;
export const RiskProfileDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"RiskProfile"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"userId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"user"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"userId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"riskProfile"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RiskFeatures"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RiskFeatures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserRiskProfile"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount5m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount7d"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount7d"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"stddevTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"minTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"maxTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants30d"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAt"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}},{"kind":"Field","name":{"kind":"Name","value":"lastEventAt"}},{"kind":"Field","name":{"kind":"Name","value":"completeSince"}}]}}]}}]} as unknown as DocumentNode<RiskProfileQuery, RiskProfileQueryVariables>;
export const RiskProfilesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"RiskProfiles"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"userIds"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"users"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"ids"},"value":{"kind":"Variable","name":{"kind":"Name","value":"userIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"riskProfile"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RiskFeatures"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RiskFeatures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserRiskProfile"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount5m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount7d"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount7d"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"stddevTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"minTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"maxTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants30d"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAt"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}},{"kind":"Field","name":{"kind":"Name","value":"lastEventAt"}},{"kind":"Field","name":{"kind":"Name","value":"completeSince"}}]}}]}}]} as unknown as DocumentNode<RiskProfilesQuery, RiskProfilesQueryVariables>;
export const ScoreTransactionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"ScoreTransaction"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TransactionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"recordTransaction"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"transactionId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"occurredAt"}},{"kind":"Field","name":{"kind":"Name","value":"user"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"riskProfile"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"RiskFeatures"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"merchant"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"activity"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"MerchantRisk"}}]}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"RiskFeatures"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UserRiskProfile"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount5m"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount24h"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount7d"}},{"kind":"Field","name":{"kind":"Name","value":"txnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount1h"}},{"kind":"Field","name":{"kind":"Name","value":"txnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount7d"}},{"kind":"Field","name":{"kind":"Name","value":"avgTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"stddevTxnAmount30d"}},{"kind":"Field","name":{"kind":"Name","value":"minTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"maxTxnAmount24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants1h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants24h"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueMerchants30d"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAmount"}},{"kind":"Field","name":{"kind":"Name","value":"lastTxnAt"}},{"kind":"Field","name":{"kind":"Name","value":"freshness"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"revision"}},{"kind":"Field","name":{"kind":"Name","value":"asOf"}},{"kind":"Field","name":{"kind":"Name","value":"validUntil"}},{"kind":"Field","name":{"kind":"Name","value":"lastEventAt"}},{"kind":"Field","name":{"kind":"Name","value":"completeSince"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"MerchantRisk"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"MerchantActivity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"uniqueUsers1h"}},{"kind":"Field","name":{"kind":"Name","value":"labelledTxnCount30d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate1d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate7d"}},{"kind":"Field","name":{"kind":"Name","value":"fraudRate30d"}}]}}]} as unknown as DocumentNode<ScoreTransactionMutation, ScoreTransactionMutationVariables>;
export const RecordTransactionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RecordTransaction"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TransactionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"recordTransaction"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"transactionId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"occurredAt"}}]}}]}}]} as unknown as DocumentNode<RecordTransactionMutation, RecordTransactionMutationVariables>;
export const LabelTransactionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"LabelTransaction"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"LabelTransactionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"labelTransaction"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"occurredAt"}},{"kind":"Field","name":{"kind":"Name","value":"views"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<LabelTransactionMutation, LabelTransactionMutationVariables>;
export const RetractTransactionDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RetractTransaction"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RetractTransactionInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retractTransaction"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"occurredAt"}},{"kind":"Field","name":{"kind":"Name","value":"views"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<RetractTransactionMutation, RetractTransactionMutationVariables>;
export const RecordTransactionsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RecordTransactions"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"TransactionInput"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"recordTransactions"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"recorded"}},{"kind":"Field","name":{"kind":"Name","value":"duplicates"}},{"kind":"Field","name":{"kind":"Name","value":"tooLate"}},{"kind":"Field","name":{"kind":"Name","value":"rejected"}},{"kind":"Field","name":{"kind":"Name","value":"unavailable"}},{"kind":"Field","name":{"kind":"Name","value":"results"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"only"},"value":{"kind":"ListValue","values":[{"kind":"EnumValue","value":"TOO_LATE"},{"kind":"EnumValue","value":"REJECTED"},{"kind":"EnumValue","value":"UNAVAILABLE"}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"index"}},{"kind":"Field","name":{"kind":"Name","value":"transactionId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}}]}}]}}]} as unknown as DocumentNode<RecordTransactionsMutation, RecordTransactionsMutationVariables>;