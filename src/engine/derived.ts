import type { DerivedFeature, ReadFeatures } from '../define/index.ts';
import { servedValues } from './served.ts';
import type { Vector } from './vector.ts';

const featuresOfVectors = new WeakMap<Vector, ReadFeatures>();

/** A vector's features by name, for derivations; one object for all derivations of a vector. */
function featuresOf(vector: Vector): ReadFeatures {
  const known = featuresOfVectors.get(vector);
  if (known) return known;
  const values = servedValues(vector);
  const features = Object.fromEntries(vector.view.features.map(({ name }, i) => [name, values[i] ?? Number.NaN]));
  featuresOfVectors.set(vector, features);
  return features;
}

/** Computes a derived feature from a vector; null when the outcome is not finite. What the derivation throws passes. */
export function derivedValue(vector: Vector, { compute }: DerivedFeature): number | null {
  const value = compute(featuresOf(vector));
  return Number.isFinite(value) ? value : null;
}
