import type { DerivedFeature, Event, Feature, ReadFeatures } from '../define/index.ts';
import { derivedValue, type PastVector, servedValues } from '../engine/index.ts';
import { assertReachable, isPast, isTold, type ShownVector } from './shown-vector.ts';

/** How a feature appears in GraphQL. */
export interface FeatureOutput {
  /** Of its value, or of each value of its list. */
  readonly type: 'Int' | 'Float' | 'Boolean' | 'DateTime';
  readonly nullable: boolean;
  /** How many values its list may have; null: it is one value. */
  readonly listed: number | null;
}

const outputOfField = { number: 'Float', boolean: 'Boolean', time: 'DateTime' } as const;

/**
 * The type of a stored feature: counts, rates and sums of an empty window are 0, and its list is empty, so they are never
 * null; of nothing there is no average, extreme or share, and no oldest or newest event.
 */
export function featureOutput(event: Event, { aggregation: { kind, field, n } }: Feature): FeatureOutput {
  const typeOfField = outputOfField[event.fields[field ?? '']?.type as keyof typeof outputOfField];
  switch (kind) {
    case 'count':
    case 'distinct':
      return { type: 'Int', nullable: false, listed: null };
    case 'rate':
    case 'sum':
      return { type: 'Float', nullable: false, listed: null };
    case 'first':
    case 'last':
      return { type: typeOfField, nullable: true, listed: null };
    case 'lastN':
      return { type: typeOfField, nullable: false, listed: n ?? 0 };
    default:
      return { type: 'Float', nullable: true, listed: null };
  }
}

/** A derivation may always come to nothing. */
export const derivedOutput: FeatureOutput = { type: 'Float', nullable: true, listed: null };

/** The type of an output as the schema writes it, but for its own nullability: `Float`, or `[Float!]`. */
export function typeText({ type, listed }: FeatureOutput): string {
  return listed === null ? type : `[${type}!]`;
}

/** A served number as GraphQL has it: NaN is null, and a boolean is 0 or 1. */
export function outputValue(served: number | undefined, { type }: FeatureOutput): number | boolean | null {
  if (served === undefined || Number.isNaN(served)) return null;
  return type === 'Boolean' ? served !== 0 : served;
}

const featuresOfPast = new WeakMap<PastVector, ReadFeatures>();

/** A past vector's features by name, for derivations: one that cannot be told fails whoever looks at it. */
function featuresOf(vector: PastVector): ReadFeatures {
  const known = featuresOfPast.get(vector);
  if (known) return known;
  const features: { [name: string]: number | readonly number[] } = {};
  for (const [position, value] of servedValues(vector).entries()) {
    const name = vector.view.features[position]?.name ?? '';
    if (isTold(vector, position)) features[name] = value;
    else Object.defineProperty(features, name, { enumerable: true, get: () => assertReachable(vector, position) });
  }
  featuresOfPast.set(vector, features);
  return features;
}

/** A derivation's outcome; null when it is not finite. It fails as the features do that it looks at. */
export function derivedOutcome(vector: ShownVector, derived: DerivedFeature): number | null {
  if (!isPast(vector)) return derivedValue(vector, derived);
  const value = derived.compute(featuresOf(vector));
  return Number.isFinite(value) ? value : null;
}
