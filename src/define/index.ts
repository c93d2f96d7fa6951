export type { Aggregation, AggregationKind, Lifetime, SlidingWindow } from './aggregation.ts';
export {
  avg,
  count,
  distinct,
  first,
  last,
  lastN,
  lifetime,
  max,
  min,
  rate,
  share,
  stddev,
  sum,
  timeSinceLast,
} from './aggregation.ts';
export { DefinitionError } from './definition-error.ts';
export type { DerivedFeature, FeatureNumbers, ReadFeatures } from './derived.ts';
export { ratio } from './derived.ts';
export { describeAggregation, describeWindow } from './describe.ts';
export type { Duration, Milliseconds } from './duration.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type { Entity } from './entity.ts';
export { entity } from './entity.ts';
export type { Event, EventField, EventFields, FieldType, RequiredFieldOf } from './event.ts';
export { event } from './event.ts';
export { camelCase, pascalCase, snakeCase } from './names.ts';
export { derivedSignature, featureSignature } from './signature.ts';
export type { Feature, View } from './view.ts';
export { view } from './view.ts';
export type { Condition, Where } from './where.ts';
export { canonicalWhere, compileWhere, describeWhere } from './where.ts';
