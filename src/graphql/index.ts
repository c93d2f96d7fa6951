import SchemaBuilder from '@pothos/core';
import './global-types.ts';
import './schema-builder.ts';
import './field-builder.ts';
import { FreshetPlugin } from './plugin.ts';

/** The name under which a builder lists the plugin: `plugins: [freshet]`. */
export const freshet = 'freshet';

SchemaBuilder.registerPlugin(freshet, FreshetPlugin);

export type { ActivityFeed } from './activity.ts';
export { Activity } from './activity.ts';
export type { ActivityHeld, ActivityPart } from './activity-sample.ts';
export {
  type Admits,
  type Ahead,
  type CompiledOperation,
  type HotCounts,
  HotOperations,
  type Ran,
} from './compiled/index.ts';
export type { FreshetContext } from './context.ts';
export { createContext } from './context.ts';
export { parseDateTime } from './date-time.ts';
export type { ErrorMask, ErrorMaskOptions } from './error-mask.ts';
export { createErrorMask, settleHttpStatus, withoutHttp } from './error-mask.ts';
export type { ErrorCode } from './errors.ts';
export { contractError } from './errors.ts';
export { useInputErrors } from './input-errors.ts';
export { useIntrospection } from './introspection.ts';
export type { VectorLoaders } from './loaders.ts';
export { deniedOperation, useAccess, useAnyScope } from './operation-access.ts';
export { operationCost } from './operation-cost.ts';
export { older, type PushSeries } from './push-counts.ts';
export type { Sender, TextOutlet } from './pushed-messages.ts';
export { PushedMessages } from './pushed-messages.ts';
export type { QueryLimits } from './query-limits.ts';
export { defaultQueryLimits, excesses, holdsTooMuch, useQueryLimits } from './query-limits.ts';
export type { OperationKind, Protocol, RequestOutcome, RequestSeries } from './request-counts.ts';
export { readersOf } from './rules.ts';
export type { FreshetScalars } from './scalars.ts';
export { DateTime, Float, ID } from './scalars.ts';
export { printSchemaText } from './schema-text.ts';
export type { FreshetScopes } from './scopes.ts';
export { scopeAuth } from './scopes.ts';
export { useSubscribedField } from './subscribed-field.ts';
export type { DocumentsByHash, SentDocument } from './trusted-documents.ts';
export { documentsByHash, TrustedDocuments } from './trusted-documents.ts';
export type { EntityRef, EntityTypeOptions, FreshetFieldOptions } from './types.ts';
export type { Aside } from './watch-messages.ts';
export { subscribeToWatch, WatchMessages } from './watch-messages.ts';
