import type { Aggregation } from './aggregation.ts';
import { DefinitionError } from './definition-error.ts';
import { assertFieldName } from './names.ts';

/** A value computed from a view's features when it is read; never stored. */
export interface DerivedFeature {
  readonly name: string;
  readonly description: string;
  /** Of a ratio: the names of the two features. */
  readonly ratio: readonly [numerator: string, denominator: string] | null;
  readonly compute: (features: ReadFeatures) => number;
}

/** A view's features by name, as they are served: see `FeatureNumbers`. */
export type ReadFeatures = { readonly [name: string]: number | readonly number[] };

/**
 * The features as a derivation sees them, all as numbers: a time in milliseconds since 1970, a boolean as 0 or 1, and
 * what is null as NaN, which makes the outcome null too unless the derivation looks. A list is one of numbers.
 */
export type FeatureNumbers<Features> = {
  readonly [K in keyof Features]: Features[K] extends List ? readonly number[] : number;
};

/** A feature as far as it matters here. */
interface Named {
  readonly name: string;
  readonly aggregation: Aggregation;
}

type List = { readonly kind: 'lastN' };

/** Names of the features that are one number each. */
type NumberOf<Features> = {
  [K in keyof Features & string]: Features[K] extends List ? never : K;
}[keyof Features & string];

/** What a view may derive from its features. */
export type Derivation<Features> = ((features: FeatureNumbers<Features>) => number) | Ratio<NumberOf<Features>>;

/** One feature over another. `Name` is there for the view, which checks it against its features. */
export interface Ratio<Name extends string = string> {
  readonly numerator: Name;
  readonly denominator: Name;
  readonly description: string | undefined;
}

/** One feature of the view over another, by their names; null when the denominator is 0, or when either is null. */
export function ratio<const Numerator extends string, const Denominator extends string>(
  numerator: Numerator,
  denominator: Denominator,
  options: {
    /** What the ratio means to whoever reads it; left out, one is made from the names. */
    readonly description?: string;
  } = {},
): Ratio<Numerator | Denominator> {
  return { numerator, denominator, description: options.description };
}

/** A derived feature as its view has it. `at` names the view and it. */
export function derivedFeature(
  name: string,
  derivation: DerivedFeature['compute'] | Ratio,
  features: readonly Named[],
  at: string,
): DerivedFeature {
  assertFieldName(name, at);
  if (typeof derivation === 'function') {
    const description = 'Computed from other features of the view when it is read.';
    return { name, description, ratio: null, compute: derivation };
  }
  if (typeof derivation !== 'object' || derivation === null || !('numerator' in derivation)) {
    throw new DefinitionError(`${at}: is neither a function of the view's features nor a ratio of two of them`);
  }
  const {
    numerator,
    denominator,
    description = `${numerator} over ${denominator}, computed when it is read.`,
  } = derivation;
  for (const term of [numerator, denominator]) assertNumber(term, features, at);
  return {
    name,
    description,
    ratio: [numerator, denominator],
    compute: (all) => (all[numerator] as number) / (all[denominator] as number),
  };
}

function assertNumber(term: string, features: readonly Named[], at: string): void {
  const feature = features.find(({ name }) => name === term);
  if (!feature) throw new DefinitionError(`${at}: ratio of ${term}, which is no stored feature of the view`);
  if (feature.aggregation.kind === 'lastN') {
    throw new DefinitionError(`${at}: ratio takes features that are one number, but ${term} is a list`);
  }
}
