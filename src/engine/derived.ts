import type { DerivedFeature, ReadFeatures } from '../define/index.ts';
import { type Folded, servedValues } from './served.ts';

const featuresOfVectors = new WeakMap<Folded, ReadFeatures>();

/** A vector's features by name, for derivations; one object for all derivations of a vector. */
function featuresOf(vector: Folded): ReadFeatures {
  const known = featuresOfVectors.get(vector);
  if (known) return known;
  const values = servedValues(vector);
  const features = Object.fromEntries(vector.view.features.map(({ name }, i) => [name, values[i] ?? Number.NaN]));
  featuresOfVectors.set(vector, features);
  return features;
}

/** Computes a derived feature from a vector; null when the outcome is not finite. What the derivation throws passes. */
export function derivedValue(vector: Folded, { compute }: DerivedFeature): number | null {
  const value = compute(featuresOf(vector));
  return Number.isFinite(value) ? value : null;
}
