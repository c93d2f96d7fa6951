export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** An instant by RFC 3339, such as `2026-01-31T09:30:00.000Z`. Out: always in UTC with milliseconds. In: with any offset; digits past the millisecond are cut. */
  DateTime: { input: string; output: string; }
};

/** How a value came about. */
export type AccuracyMethod =
  /** Every event counts where it belongs. */
  | 'EXACT'
  /** Old events were put together, and an edge of the window cuts some of them; or an event came in while it was read. */
  | 'INTERPOLATED'
  /** Estimated from a sample: in 99 % of cases, the truth lies between the bounds. */
  | 'SAMPLED'
  /** It cannot be told: of a past moment, the value itself, which is null beside an error; of a preview, how sure it is. */
  | 'UNREACHABLE';

/** What a search came to. */
export type EntitySearch = {
  /** Whether there are no more than these. */
  complete: Scalars['Boolean']['output'];
  /** What was found, each entity once; first those of just this id. */
  found: Array<FoundEntity>;
};

/** One value of one entity: an aggregation over a window, or a derivation of other features. */
export type Feature = {
  /** `count`, `rate`, `sum`, `avg`, `min`, `max`, `stddev`, `share`, `first`, `last`, `lastN`, `timeSinceLast` or `distinct`; `ratio` or `derived` if it is. */
  aggregation: Scalars['String']['output'];
  /** How long ago its window ends; null if it has no edge, or if it is derived. */
  delaySeconds?: Maybe<Scalars['Float']['output']>;
  /** What it means. */
  description?: Maybe<Scalars['String']['output']>;
  /** Its field in the Valkey hash, which lacks it while it is null; null if it is not stored. A list is there as JSON, and for `timeSinceLast` the newest event’s time, in milliseconds since 1970. */
  hashField?: Maybe<Scalars['String']['output']>;
  /** Its name, and that of its field. */
  name: Scalars['String']['output'];
  /** Whether a value may be null. */
  nullable: Scalars['Boolean']['output'];
  /** The event’s field that it aggregates; null if none. */
  sourceField?: Maybe<Scalars['String']['output']>;
  /** Whether it is stored; otherwise it is derived when it is read. */
  stored: Scalars['Boolean']['output'];
  /** The GraphQL type of its values, such as `Float`, or `[Float!]` for a list. */
  type: Scalars['String']['output'];
  /** Which events count, in words; null: all. */
  where?: Maybe<Scalars['String']['output']>;
  /** Its window in words, such as `1h`, `7d, 7d ago` or `lifetime, idle 24h`; null if it is derived. */
  window?: Maybe<Scalars['String']['output']>;
  /** The length of its window; null if that has no edge, or if it is derived. */
  windowSeconds?: Maybe<Scalars['Float']['output']>;
};

/** How sure the value of a feature is. Unless it is `SAMPLED`, the truth always lies between the bounds, both included: what the feature would be if every event taken in so far were kept by itself. Of events before `freshness.completeSince` a feature may know nothing. */
export type FeatureAccuracy = {
  /** Whether the value is the truth, to the last digits of a double; null then means that there is none. */
  exact: Scalars['Boolean']['output'];
  /** The name of the feature. */
  feature: Scalars['String']['output'];
  /** The truth is at least this; of a time, in milliseconds since 1970, of a boolean, 0 or 1, and of a list, how many values it should hold. Null if the value is null for sure, or cannot be told. If it is not exact, the truth of a feature that may be null may also be null. */
  lower?: Maybe<Scalars['Float']['output']>;
  /** How the value came about. */
  method: AccuracyMethod;
  /** The truth is at most this; as `lower`. */
  upper?: Maybe<Scalars['Float']['output']>;
};

/** A named, versioned set of features of one entity from one event: the unit of storage and of serving. */
export type FeatureView = {
  /** What it is for. */
  description?: Maybe<Scalars['String']['output']>;
  /** The entity that its features describe. */
  entity: Scalars['String']['output'];
  /** Its features, in the order of its type’s fields. */
  features: Array<Feature>;
  /** The type and field that serve it, such as `User.riskProfile`. */
  fieldPath: Scalars['String']['output'];
  /** How far back its vectors of past moments reach. */
  historySeconds: Scalars['Float']['output'];
  /** The Valkey hash that holds it, with `<id>` for the id of the entity; readable with HGETALL. */
  keyPattern: Scalars['String']['output'];
  /** Its name, in snake_case. */
  name: Scalars['String']['output'];
  /** Its GraphQL type. */
  typeName: Scalars['String']['output'];
  /** Its version. Within one, features are only added and never change what they mean. */
  version: Scalars['Int']['output'];
};

/** What was removed of an entity, from all of its views at once. */
export type ForgetReceipt = {
  /** How many bytes of memory they took. */
  bytes: Scalars['Float']['output'];
  /** Its id, as it was sent. */
  id: Scalars['ID']['output'];
  /** How many keys were removed; 0 if nothing was stored. */
  keys: Scalars['Int']['output'];
  /** Why it was not done. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it. */
  status: ForgetStatus;
};

/** What became of a wish to forget an entity. */
export type ForgetStatus =
  /** Nothing of it is stored any more. */
  | 'FORGOTTEN'
  /** The id breaks a rule: nothing could be stored under it. */
  | 'REJECTED'
  /** The store could not be reached: it may or may not be forgotten. Sending it again is safe. */
  | 'UNAVAILABLE';

/** An entity of which something is stored. */
export type FoundEntity = {
  /** Its type, such as `User`. */
  entity: Scalars['String']['output'];
  /** Its id. */
  id: Scalars['ID']['output'];
};

/** Of which moment a vector is, and how long it holds. All times are of the store’s clock. */
export type Freshness = {
  /** The moment of the values: when they were folded, or the one that was asked for. Of a view with a feature `timeSinceLast`, when they were read: what that tells is the seconds up to this moment. */
  asOf: Scalars['DateTime']['output'];
  /** From when on every event is in every feature. A window that reaches back further may lack events: of a feature that was added today, this is today. */
  completeSince: Scalars['DateTime']['output'];
  /** The newest event’s own time; null: none is known. Of a past moment, the newest at or before it; the moment itself where that falls among events that were put together. */
  lastEventAt?: Maybe<Scalars['DateTime']['output']>;
  /** Opaque. Changes whenever a value does, and is never used twice for an entity. That of a past moment changes with every event. */
  revision: Scalars['String']['output'];
  /** Until when they stay true if no event arrives, but for `timeSinceLast`, which grows; null: for ever, or they are of a past moment. */
  validUntil?: Maybe<Scalars['DateTime']['output']>;
};

/** What a client has of an entity. */
export type KnownRevisionInput = {
  /** The entity’s id. */
  id: Scalars['ID']['input'];
  /** The revision of its newest update. */
  revision: Scalars['String']['input'];
};

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
  fraud: Scalars['Boolean']['input'];
  /** Who was paid. */
  merchantId: Scalars['ID']['input'];
  /** When it happened. As it was recorded. */
  occurredAt: Scalars['DateTime']['input'];
  /** The id of the transaction. */
  transactionId: Scalars['ID']['input'];
  /** Who paid. */
  userId: Scalars['ID']['input'];
};

/** What became of the label of one Transaction, and the features that it changed. */
export type LabelTransactionPayload = {
  /** The Merchant of the event’s merchantId, as it is now. Null only if that id was rejected. */
  merchant?: Maybe<Merchant>;
  /** The recorded time, where that is known. Null if no such event is known. */
  occurredAt?: Maybe<Scalars['DateTime']['output']>;
  /** Which views it was not done in, and why; null if it was done in all. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it: that of the view in which least was done. */
  status: LabelStatus;
  /** The id of the Transaction, as it was sent. */
  transactionId: Scalars['ID']['output'];
  /** The User of the event’s userId, as it is now. Null only if that id was rejected. */
  user?: Maybe<User>;
  /** What became of it in each view that it concerns: each is corrected whole, or not at all. */
  views: Array<LabelledView>;
};

/** What became of a label in one view. */
export type LabelledView = {
  /** The view, as `featureViews` has it. */
  name: Scalars['String']['output'];
  /** Why it was not done there, or had nothing to do. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it there. */
  status: LabelStatus;
};

/** Who is paid. */
export type Merchant = {
  /** How busy a merchant is, and how much of it turned out to be fraud. Null only beside an error at its path. */
  activity?: Maybe<MerchantActivity>;
  /** MerchantActivity at moments of the last 24h, in the order asked and in one round trip. One that cannot be told is null beside an error at its path. */
  activitySeries: Array<Maybe<MerchantActivity>>;
  /** The id of the Merchant, as its events have it. */
  id: Scalars['ID']['output'];
};


/** Who is paid. */
export type MerchantActivityArgs = {
  asOf?: InputMaybe<Scalars['DateTime']['input']>;
};


/** Who is paid. */
export type MerchantActivitySeriesArgs = {
  at: Array<Scalars['DateTime']['input']>;
};

/** How busy a merchant is, and how much of it turned out to be fraud. */
export type MerchantActivity = {
  /** How sure values beside it are, of the same moment, in the order asked. It is folded from the log, which costs as much as another vector. */
  accuracy: Array<FeatureAccuracy>;
  /** Frauds among all transactions in the 1d that ended 7 days ago; what nobody labelled is no fraud. */
  fraudRate1d?: Maybe<Scalars['Float']['output']>;
  /** Frauds among all transactions in the 7d that ended 7 days ago; what nobody labelled is no fraud. */
  fraudRate7d?: Maybe<Scalars['Float']['output']>;
  /** Frauds among all transactions in the 30d that ended 7 days ago; what nobody labelled is no fraud. */
  fraudRate30d?: Maybe<Scalars['Float']['output']>;
  /** Of which moment these values are, and how long they hold. */
  freshness: Freshness;
  /** `merchant_activity:v1:<id of the Merchant>`, for clients that cache by id; of a past moment `merchant_activity:v1@<moment>:<id of the Merchant>`, and of a preview `merchant_activity:v1#<preview>:<id of the Merchant>`. */
  id: Scalars['ID']['output'];
  /** Transactions, fraud or not, in the 1d that ended 7 days ago: old enough to be labelled. */
  labelledTxnCount1d: Scalars['Int']['output'];
  /** Transactions, fraud or not, in the 7d that ended 7 days ago: old enough to be labelled. */
  labelledTxnCount7d: Scalars['Int']['output'];
  /** Transactions, fraud or not, in the 30d that ended 7 days ago: old enough to be labelled. */
  labelledTxnCount30d: Scalars['Int']['output'];
  /** Sum of amount in the last 24h. */
  txnAmount24h: Scalars['Float']['output'];
  /** Number of events in the last 1h. */
  txnCount1h: Scalars['Int']['output'];
  /** Number of events in the last 24h. */
  txnCount24h: Scalars['Int']['output'];
  /** Number of different values of userId in the last 1h. */
  uniqueUsers1h: Scalars['Int']['output'];
  /** Number of different values of userId in the last 24h. */
  uniqueUsers24h: Scalars['Int']['output'];
};


/** How busy a merchant is, and how much of it turned out to be fraud. */
export type MerchantActivityAccuracyArgs = {
  features: Array<MerchantActivityFeature>;
};

/** The features of MerchantActivity that are stored. Those that are derived are computed from them when they are read, and have no accuracy of their own. */
export type MerchantActivityFeature =
  /** Frauds among all transactions in the 1d that ended 7 days ago; what nobody labelled is no fraud. */
  | 'fraudRate1d'
  /** Frauds among all transactions in the 7d that ended 7 days ago; what nobody labelled is no fraud. */
  | 'fraudRate7d'
  /** Frauds among all transactions in the 30d that ended 7 days ago; what nobody labelled is no fraud. */
  | 'fraudRate30d'
  /** Transactions, fraud or not, in the 1d that ended 7 days ago: old enough to be labelled. */
  | 'labelledTxnCount1d'
  /** Transactions, fraud or not, in the 7d that ended 7 days ago: old enough to be labelled. */
  | 'labelledTxnCount7d'
  /** Transactions, fraud or not, in the 30d that ended 7 days ago: old enough to be labelled. */
  | 'labelledTxnCount30d'
  /** Sum of amount in the last 24h. */
  | 'txnAmount24h'
  /** Number of events in the last 1h. */
  | 'txnCount1h'
  /** Number of events in the last 24h. */
  | 'txnCount24h'
  /** Number of different values of userId in the last 1h. */
  | 'uniqueUsers1h'
  /** Number of different values of userId in the last 24h. */
  | 'uniqueUsers24h';

/** A change of MerchantActivity of one Merchant. */
export type MerchantActivityUpdate = {
  /** Why it was sent. */
  cause: UpdateCause;
  /** The Merchant, with its values as of this update. */
  merchant: Merchant;
};

/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type Mutation = {
  /** Removes everything that is stored of one Merchant, also for views that are no longer served. It is unknown from then on. Safe to send again. */
  forgetMerchant: ForgetReceipt;
  /** Removes everything that is stored of one User, also for views that are no longer served. It is unknown from then on. Safe to send again. */
  forgetUser: ForgetReceipt;
  /** Sets the fraud of one Transaction that is recorded already, however late it comes. Safe to send again. */
  labelTransaction: LabelTransactionPayload;
  /** Records one Transaction and returns the features that it changed. Safe to send again. */
  recordTransaction: RecordTransactionPayload;
  /** Records Transactions in one round trip; each succeeds or fails by itself. Safe to send again. */
  recordTransactions: RecordTransactionsPayload;
  /** Takes one recorded Transaction out again, as if it had never been; its id stays known. Safe to send again. */
  retractTransaction: RetractTransactionPayload;
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationForgetMerchantArgs = {
  id: Scalars['ID']['input'];
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationForgetUserArgs = {
  id: Scalars['ID']['input'];
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationLabelTransactionArgs = {
  input: LabelTransactionInput;
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationRecordTransactionArgs = {
  input: TransactionInput;
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationRecordTransactionsArgs = {
  input: Array<TransactionInput>;
};


/** Records events, corrects what was recorded, and forgets. Every mutation is safe to send again. */
export type MutationRetractTransactionArgs = {
  input: RetractTransactionInput;
};

/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type Query = {
  /** What is served: every view that the caller may read something of, with its features, for discovery. */
  featureViews: Array<FeatureView>;
  /** One Merchant by id. Never null: an unknown one has empty windows. */
  merchant: Merchant;
  /** Merchants by id, in the order asked; their vectors come in one round trip. */
  merchants: Array<Merchant>;
  /** What recording one Transaction would come to, and the features as they would be. Nothing is recorded. Its vectors have ids of their own; those of its entities are the true ones: leave them out in a client that caches by id, or it would link an entity to what was only previewed. */
  previewTransaction: RecordTransactionPayload;
  /** Entities of which something is stored, by a part of their id: for people who do not know all of it. There is no index of ids, so it looks at what is stored, for a bounded time. */
  searchEntities: EntitySearch;
  /** One User by id. Never null: an unknown one has empty windows. */
  user: User;
  /** Users by id, in the order asked; their vectors come in one round trip. */
  users: Array<User>;
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QueryMerchantArgs = {
  id: Scalars['ID']['input'];
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QueryMerchantsArgs = {
  ids: Array<Scalars['ID']['input']>;
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QueryPreviewTransactionArgs = {
  input: TransactionInput;
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QuerySearchEntitiesArgs = {
  first?: Scalars['Int']['input'];
  text: Scalars['String']['input'];
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QueryUserArgs = {
  id: Scalars['ID']['input'];
};


/** Reads features: as they are, as they were, and as they would be. Changes nothing. */
export type QueryUsersArgs = {
  ids: Array<Scalars['ID']['input']>;
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

/** What became of one Transaction, and the features that it changed. */
export type RecordTransactionPayload = {
  /** The Merchant of the event’s merchantId, as it is now. Null only if that id was rejected. */
  merchant?: Maybe<Merchant>;
  /** The recorded time; a duplicate’s original where known. Null if it was not recorded. */
  occurredAt?: Maybe<Scalars['DateTime']['output']>;
  /** Why it was not recorded, or in what a duplicate differs from the original. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it. */
  status: RecordStatus;
  /** The id of the Transaction, as it was sent. */
  transactionId: Scalars['ID']['output'];
  /** The User of the event’s userId, as it is now. Null only if that id was rejected. */
  user?: Maybe<User>;
};

/** What became of one Transaction of a batch, and the features as they are after the whole batch. */
export type RecordTransactionResult = {
  /** Its place in the batch, from 0. */
  index: Scalars['Int']['output'];
  /** The Merchant of the event’s merchantId, as it is now. Null only if that id was rejected. */
  merchant?: Maybe<Merchant>;
  /** The recorded time; a duplicate’s original where known. Null if it was not recorded. */
  occurredAt?: Maybe<Scalars['DateTime']['output']>;
  /** Why it was not recorded, or in what a duplicate differs from the original. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it. */
  status: RecordStatus;
  /** The id of the Transaction, as it was sent. */
  transactionId: Scalars['ID']['output'];
  /** The User of the event’s userId, as it is now. Null only if that id was rejected. */
  user?: Maybe<User>;
};

/** What became of a batch of Transactions: how many of each status, and each by itself. */
export type RecordTransactionsPayload = {
  /** Events that were in already. */
  duplicates: Scalars['Int']['output'];
  /** Events that are in, in at least one view for the first time. */
  recorded: Scalars['Int']['output'];
  /** Events that break a rule. */
  rejected: Scalars['Int']['output'];
  /** Each event of the batch, in the order sent. */
  results: Array<RecordTransactionResult>;
  /** Events that came too late to have an effect. */
  tooLate: Scalars['Int']['output'];
  /** Events of which a part could not reach the store: send them again. */
  unavailable: Scalars['Int']['output'];
};


/** What became of a batch of Transactions: how many of each status, and each by itself. */
export type RecordTransactionsPayloadResultsArgs = {
  only?: InputMaybe<Array<RecordStatus>>;
};

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
  amount: Scalars['Float']['input'];
  /** Who was paid. */
  merchantId: Scalars['ID']['input'];
  /** When it happened. As it was recorded. */
  occurredAt: Scalars['DateTime']['input'];
  /** The id of the transaction. */
  transactionId: Scalars['ID']['input'];
  /** Who paid. */
  userId: Scalars['ID']['input'];
};

/** What became of the retraction of one Transaction, and the features that it changed. */
export type RetractTransactionPayload = {
  /** The Merchant of the event’s merchantId, as it is now. Null only if that id was rejected. */
  merchant?: Maybe<Merchant>;
  /** The recorded time, where that is known. Null if no such event is known. */
  occurredAt?: Maybe<Scalars['DateTime']['output']>;
  /** Which views it was not done in, and why; null if it was done in all. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it: that of the view in which least was done. */
  status: RetractStatus;
  /** The id of the Transaction, as it was sent. */
  transactionId: Scalars['ID']['output'];
  /** The User of the event’s userId, as it is now. Null only if that id was rejected. */
  user?: Maybe<User>;
  /** What became of it in each view that it concerns: each is corrected whole, or not at all. */
  views: Array<RetractedView>;
};

/** What became of a retraction in one view. */
export type RetractedView = {
  /** The view, as `featureViews` has it. */
  name: Scalars['String']['output'];
  /** Why it was not done there, or had nothing to do. */
  reason?: Maybe<Scalars['String']['output']>;
  /** What became of it there. */
  status: RetractStatus;
};

/** What a service, the processes that share a port, did in a second, and what it holds open. Others on the same store have their own. */
export type ServerActivity = {
  /** When the second ended. */
  at: Scalars['DateTime']['output'];
  /** Events that were newly recorded. */
  eventsPerSecond: Scalars['Float']['output'];
  /** Half of them were answered in so many milliseconds, to a per cent; null if there were none. */
  p50Ms?: Maybe<Scalars['Float']['output']>;
  /** 99 of a hundred of them were answered in so many milliseconds; null if there were none. */
  p99Ms?: Maybe<Scalars['Float']['output']>;
  /** Vectors that were read for queries; what is read for watchers is not among them. */
  readsPerSecond: Scalars['Float']['output'];
  /** Queries and mutations that were answered. */
  requestsPerSecond: Scalars['Float']['output'];
  /** Why changes cannot be heard or read now, in words, as far as has been noticed; null while they can. */
  storeProblem?: Maybe<Scalars['String']['output']>;
  /** Events that were duplicates, too late, rejected, or could not be recorded for now. */
  turnedAwayPerSecond: Scalars['Float']['output'];
  /** Vectors that they watch, each counted once a process. */
  watchedEntities: Scalars['Int']['output'];
  /** Open subscriptions to views. */
  watchers: Scalars['Int']['output'];
};

/** Watches features: a snapshot first, then every change. */
export type Subscription = {
  /** First a snapshot of each Merchant’s MerchantActivity, then every change, be it by an event or by time alone. A message holds all that changed since the last one. Ends after the snapshot if no id is valid. */
  merchantActivityUpdated: Array<MerchantActivityUpdate>;
  /** What the service, all its processes on this machine, did each second; the first message comes after one. */
  serverActivity: ServerActivity;
  /** First a snapshot of each User’s UserRiskProfile, then every change, be it by an event or by time alone. A message holds all that changed since the last one. Ends after the snapshot if no id is valid. */
  userRiskProfileUpdated: Array<UserRiskProfileUpdate>;
};


/** Watches features: a snapshot first, then every change. */
export type SubscriptionMerchantActivityUpdatedArgs = {
  merchantIds: Array<Scalars['ID']['input']>;
  minIntervalMs?: Scalars['Int']['input'];
  since?: InputMaybe<Array<KnownRevisionInput>>;
};


/** Watches features: a snapshot first, then every change. */
export type SubscriptionUserRiskProfileUpdatedArgs = {
  minIntervalMs?: Scalars['Int']['input'];
  since?: InputMaybe<Array<KnownRevisionInput>>;
  userIds: Array<Scalars['ID']['input']>;
};

/** A card payment of a user to a merchant. */
export type TransactionInput = {
  /** How much, in the one currency of all amounts; at most 1e15 either way. */
  amount: Scalars['Float']['input'];
  /** Whether it was fraud; null: not known yet. */
  fraud?: InputMaybe<Scalars['Boolean']['input']>;
  /** Who was paid. */
  merchantId: Scalars['ID']['input'];
  /** When it happened. Left out, it is the store’s now; who retries sends their own. */
  occurredAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** The id of the transaction. Sent again, the event has no further effect. */
  transactionId: Scalars['ID']['input'];
  /** Who paid. */
  userId: Scalars['ID']['input'];
};

/** Why an update was sent. Of several merged into one: RESYNC before EVENT before DECAY. */
export type UpdateCause =
  /** Only time passed, and something left a window or entered one behind its delay. */
  | 'DECAY'
  /** An event arrived. */
  | 'EVENT'
  /** Changes may have gone unheard, as when the connection to the store was interrupted; this is what holds now. */
  | 'RESYNC'
  /** The state when the subscription began. */
  | 'SNAPSHOT';

/** Who pays. */
export type User = {
  /** The id of the User, as its events have it. */
  id: Scalars['ID']['output'];
  /** How a user spends: what a fraud model asks of whoever is about to pay. Null only beside an error at its path. */
  riskProfile?: Maybe<UserRiskProfile>;
  /** UserRiskProfile at moments of the last 24h, in the order asked and in one round trip. One that cannot be told is null beside an error at its path. */
  riskProfileSeries: Array<Maybe<UserRiskProfile>>;
};


/** Who pays. */
export type UserRiskProfileArgs = {
  asOf?: InputMaybe<Scalars['DateTime']['input']>;
};


/** Who pays. */
export type UserRiskProfileSeriesArgs = {
  at: Array<Scalars['DateTime']['input']>;
};

/** How a user spends: what a fraud model asks of whoever is about to pay. */
export type UserRiskProfile = {
  /** How sure values beside it are, of the same moment, in the order asked. It is folded from the log, which costs as much as another vector. */
  accuracy: Array<FeatureAccuracy>;
  /** Running mean of amount: of all transactions since the user last had none for 24 h. For a window, see the others. */
  avgTxnAmount?: Maybe<Scalars['Float']['output']>;
  /** Mean of amount in the last 7d. */
  avgTxnAmount7d?: Maybe<Scalars['Float']['output']>;
  /** Mean of amount in the last 24h. */
  avgTxnAmount24h?: Maybe<Scalars['Float']['output']>;
  /** Mean of amount in the last 30d. */
  avgTxnAmount30d?: Maybe<Scalars['Float']['output']>;
  /** Of which moment these values are, and how long they hold. */
  freshness: Freshness;
  /** `user_risk_profile:v1:<id of the User>`, for clients that cache by id; of a past moment `user_risk_profile:v1@<moment>:<id of the User>`, and of a preview `user_risk_profile:v1#<preview>:<id of the User>`. */
  id: Scalars['ID']['output'];
  /** Amount of the newest transaction by occurredAt, within 30 days; of several at one moment, always the same one. */
  lastTxnAmount?: Maybe<Scalars['Float']['output']>;
  /** When the newest transaction happened, within 30 days. */
  lastTxnAt?: Maybe<Scalars['DateTime']['output']>;
  /** Largest amount in the last 24h. */
  maxTxnAmount24h?: Maybe<Scalars['Float']['output']>;
  /** Smallest amount in the last 24h. */
  minTxnAmount24h?: Maybe<Scalars['Float']['output']>;
  /** Population standard deviation of amount in the last 30d. */
  stddevTxnAmount30d?: Maybe<Scalars['Float']['output']>;
  /** Sum of amount in the last 1h. */
  txnAmount1h: Scalars['Float']['output'];
  /** Sum of amount in the last 24h. */
  txnAmount24h: Scalars['Float']['output'];
  /** Number of events in the last 1h. */
  txnCount1h: Scalars['Int']['output'];
  /** Number of events in the last 1m. */
  txnCount1m: Scalars['Int']['output'];
  /** Number of events in the last 5m. */
  txnCount5m: Scalars['Int']['output'];
  /** Number of events in the last 7d. */
  txnCount7d: Scalars['Int']['output'];
  /** Number of events in the last 24h. */
  txnCount24h: Scalars['Int']['output'];
  /** Number of events in the last 30d. */
  txnCount30d: Scalars['Int']['output'];
  /** Number of different values of merchantId in the last 1h. */
  uniqueMerchants1h: Scalars['Int']['output'];
  /** Number of different values of merchantId in the last 24h. */
  uniqueMerchants24h: Scalars['Int']['output'];
  /** Number of different values of merchantId in the last 30d. */
  uniqueMerchants30d: Scalars['Int']['output'];
};


/** How a user spends: what a fraud model asks of whoever is about to pay. */
export type UserRiskProfileAccuracyArgs = {
  features: Array<UserRiskProfileFeature>;
};

/** The features of UserRiskProfile that are stored. Those that are derived are computed from them when they are read, and have no accuracy of their own. */
export type UserRiskProfileFeature =
  /** Running mean of amount: of all transactions since the user last had none for 24 h. For a window, see the others. */
  | 'avgTxnAmount'
  /** Mean of amount in the last 7d. */
  | 'avgTxnAmount7d'
  /** Mean of amount in the last 24h. */
  | 'avgTxnAmount24h'
  /** Mean of amount in the last 30d. */
  | 'avgTxnAmount30d'
  /** Amount of the newest transaction by occurredAt, within 30 days; of several at one moment, always the same one. */
  | 'lastTxnAmount'
  /** When the newest transaction happened, within 30 days. */
  | 'lastTxnAt'
  /** Largest amount in the last 24h. */
  | 'maxTxnAmount24h'
  /** Smallest amount in the last 24h. */
  | 'minTxnAmount24h'
  /** Population standard deviation of amount in the last 30d. */
  | 'stddevTxnAmount30d'
  /** Sum of amount in the last 1h. */
  | 'txnAmount1h'
  /** Sum of amount in the last 24h. */
  | 'txnAmount24h'
  /** Number of events in the last 1h. */
  | 'txnCount1h'
  /** Number of events in the last 1m. */
  | 'txnCount1m'
  /** Number of events in the last 5m. */
  | 'txnCount5m'
  /** Number of events in the last 7d. */
  | 'txnCount7d'
  /** Number of events in the last 24h. */
  | 'txnCount24h'
  /** Number of events in the last 30d. */
  | 'txnCount30d'
  /** Number of different values of merchantId in the last 1h. */
  | 'uniqueMerchants1h'
  /** Number of different values of merchantId in the last 24h. */
  | 'uniqueMerchants24h'
  /** Number of different values of merchantId in the last 30d. */
  | 'uniqueMerchants30d';

/** A change of UserRiskProfile of one User. */
export type UserRiskProfileUpdate = {
  /** Why it was sent. */
  cause: UpdateCause;
  /** The User, with its values as of this update. */
  user: User;
};
