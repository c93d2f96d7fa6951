import type { DerivedFeature } from '../define/index.ts';
import type { Vector } from './vector.ts';

/** Computes a derived feature from a vector; null when the outcome is not finite. What the derivation throws passes. */
export function derivedValue(vector: Vector, { compute }: DerivedFeature): number | null {
  const numbers = Object.fromEntries(vector.view.features.map(({ name }, i) => [name, vector.values[i] as number]));
  const value = compute(numbers);
  return Number.isFinite(value) ? value : null;
}
