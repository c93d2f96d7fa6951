import { type Aggregation, type AggregationOn, longestList } from './aggregation.ts';
import { DefinitionError } from './definition-error.ts';
import { type Derivation, type DerivedFeature, derivedFeature } from './derived.ts';
import { describeAggregation } from './describe.ts';
import { assertDuration, type Duration, type Milliseconds, parseDuration } from './duration.ts';
import type { Entity } from './entity.ts';
import type { Event, RequiredFieldOf } from './event.ts';
import { assertEnumValue, assertFieldName, assertViewName, pascalCase, snakeCase } from './names.ts';
import { assertWhere } from './where.ts';

/** Names that every view's GraphQL type already has. */
export const reservedNames = ['id', 'freshness', 'accuracy'] as const;
type Reserved = (typeof reservedNames)[number];

const defaultHistory: Duration = '24h';

/** A stored feature of a view. */
export interface Feature {
  /** In GraphQL: `txnCount1h`. */
  readonly name: string;
  /** In the served hash: `txn_count_1h`. */
  readonly hashField: string;
  readonly aggregation: Aggregation;
  readonly description: string;
}

/** A named, versioned set of features of one entity from one event: the unit of storage and of serving. */
export interface View {
  readonly name: string;
  readonly version: number;
  readonly entity: Entity;
  readonly event: Event;
  /** The event's field that holds the entity's id. */
  readonly by: string;
  readonly description: string;
  /** The name of its GraphQL type: `UserRiskProfile`. */
  readonly typeName: string;
  /** How far back vectors of past moments reach: what they are folded from is kept beyond the longest window for so long. */
  readonly historyMs: Milliseconds;
  readonly features: readonly Feature[];
  readonly derived: readonly DerivedFeature[];
}

type NotReserved<Features> = { readonly [K in Extract<keyof Features, Reserved>]: never };

/**
 * Defines a view.
 * @param name in snake_case; names follow from it: `user_risk_profile` gives `UserRiskProfile`.
 */
export function view<
  const E extends Event,
  const Features extends { readonly [name: string]: AggregationOn<E> },
  const Derived extends string = never,
>(
  name: string,
  definition: {
    /** A new version is built beside the old one; within a version a definition may only grow. */
    readonly version: number;
    readonly entity: Entity;
    readonly from: E;
    readonly by: RequiredFieldOf<E, 'id'>;
    readonly description: string;
    /** How far back vectors of past moments reach; default 24 h. It may change at any time, and changes no feature. */
    readonly history?: Duration;
    readonly features: Features & NotReserved<Features>;
    /** Computed at read and nullable: an outcome that is not finite is null. */
    readonly derived?: {
      readonly [K in Derived]: K extends Reserved ? never : Derivation<Features>;
    };
  },
): View {
  assertViewName(name);
  const { version, entity, from: event, by, description, history = defaultHistory } = definition;
  if (!Number.isInteger(version) || version < 1) {
    throw new DefinitionError(`view ${name}: version must be a whole number from 1, not ${version}`);
  }
  if (event.fields[by]?.type !== 'id' || event.fields[by].optional) {
    throw new DefinitionError(`view ${name}: by must name a required field of type id of ${event.name}, not ${by}`);
  }
  const historyMs = parseDuration(history);
  assertDuration(history, historyMs, `view ${name}, history`);
  const features = Object.entries<Aggregation>(definition.features).map(([featureName, aggregation]) => {
    const at = `view ${name}, feature ${featureName}`;
    assertFieldName(featureName, at);
    assertEnumValue(featureName, at);
    assertAggregation(aggregation, event, at);
    return {
      name: featureName,
      hashField: snakeCase(featureName),
      aggregation,
      description: aggregation.description ?? describeAggregation(aggregation),
    };
  });
  const derivations = Object.entries(definition.derived ?? {}) as [string, Parameters<typeof derivedFeature>[1]][];
  const derived = derivations.map(([derivedName, derivation]) =>
    derivedFeature(derivedName, derivation, features, `view ${name}, derived ${derivedName}`),
  );
  if (features.length === 0) throw new DefinitionError(`view ${name}: has no features`);
  assertDistinctNames(name, features, derived);
  const typeName = pascalCase(name);
  return { name, version, entity, event, by, description, typeName, historyMs, features, derived };
}

const fieldTypes = {
  count: [],
  rate: [],
  sum: ['number'],
  avg: ['number'],
  min: ['number'],
  max: ['number'],
  stddev: ['number'],
  share: ['boolean'],
  first: ['number', 'boolean', 'time'],
  last: ['number', 'boolean', 'time'],
  lastN: ['number', 'boolean', 'time'],
  timeSinceLast: [],
  distinct: ['id'],
} as const satisfies { [K in Aggregation['kind']]: readonly string[] };

/** What is kept of the events' order, or of their number in a stretch of time, says nothing of a running figure. */
const slidingOnly: readonly string[] = ['rate', 'first', 'lastN', 'timeSinceLast', 'distinct'];
const endingNow: readonly string[] = ['timeSinceLast', 'distinct'];

function assertAggregation(aggregation: Aggregation, event: Event, at: string): void {
  const { kind, field, n, window, where } = aggregation;
  const allowed: readonly string[] | undefined = fieldTypes[kind];
  if (!allowed) throw new DefinitionError(`${at}: is not an aggregation`);
  if (allowed.length > 0) {
    const type = field === undefined ? undefined : event.fields[field]?.type;
    if (!type) throw new DefinitionError(`${at}: ${kind} of ${field}, a field that ${event.name} does not have`);
    if (!allowed.includes(type)) {
      throw new DefinitionError(
        `${at}: ${kind} takes a field of type ${allowed.join(' or ')}, but ${field} is ${type}`,
      );
    }
  }
  if (endingNow.includes(kind) && (window.kind !== 'sliding' || window.delayMs > 0)) {
    throw new DefinitionError(`${at}: ${kind} takes a window that ends now: neither a delay nor a lifetime`);
  }
  if (slidingOnly.includes(kind) && window.kind !== 'sliding') {
    throw new DefinitionError(`${at}: ${kind} takes a window of some length, such as '24h', and no lifetime`);
  }
  if (kind === 'lastN' && !(Number.isInteger(n) && n !== undefined && n >= 1 && n <= longestList)) {
    throw new DefinitionError(`${at}: lastN takes n, the most values in its list, from 1 to ${longestList}, not ${n}`);
  }
  if (window.kind === 'lifetime') assertDuration(window.idle, window.idleMs, `${at}, idle`);
  else {
    assertDuration(window.length, window.lengthMs, `${at}, window`);
    assertDuration(window.delay ?? '', window.delayMs, `${at}, delay`);
  }
  if (where !== undefined) assertWhere(where, event, at);
}

function assertDistinctNames(view: string, features: readonly Feature[], derived: readonly DerivedFeature[]): void {
  const names = new Map<string, string>(reservedNames.map((name) => [name, 'a reserved name']));
  for (const { name } of [...features, ...derived]) {
    const taken = names.get(name);
    if (taken) throw new DefinitionError(`view ${view}, feature ${name}: the name is taken by ${taken}`);
    names.set(name, 'another feature');
  }
  const hashFields = new Map<string, string>();
  for (const { name, hashField } of features) {
    const other = hashFields.get(hashField);
    if (other) {
      throw new DefinitionError(
        `view ${view}, feature ${name}: shares the hash field ${hashField} with ${other}; rename one`,
      );
    }
    hashFields.set(hashField, name);
  }
}
