import type { View } from '../define/index.ts';
import { type Certainty, featureReader } from '../engine/index.ts';
import { isPast, type ShownVector } from './shown-vector.ts';

/** How sure the value of a stored feature is, as `FeatureAccuracy` shows it. */
export interface FeatureAccuracy {
  readonly feature: string;
  readonly exact: boolean;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: Certainty['method'];
}

/** Running aggregates and a fold of the same events differ in their last digits. */
const digits = 1e-9;

/**
 * How sure the value at a place of a vector is. What is told of the vector's moment was folded after the vector itself:
 * where an event came in between, the bounds hold what the value was and what is known now.
 * @param told as it is served (see `servedCertainty`): in seconds of what is so, and of a list of how many it should hold.
 */
export function accuracyOf(vector: ShownVector, position: number, told: Certainty): FeatureAccuracy {
  const { view } = vector;
  const feature = view.features[position];
  const served = featureReader(view, position)(vector);
  const value = typeof served === 'number' ? served : served.length;
  const name = feature?.name ?? '';
  // A running figure is what it is, and later events move it on for good.
  const running = feature?.aggregation.window.kind === 'lifetime' && !isPast(vector);
  if (running || (told.method === 'EXACT' && isSame(value, told.lower))) {
    return { feature: name, exact: true, lower: shown(value), upper: shown(value), method: 'EXACT' };
  }
  if (told.method === 'UNREACHABLE') return unknownAccuracy(view, position);
  const known = [value, told.lower, told.upper].filter((one) => !Number.isNaN(one));
  return {
    feature: name,
    exact: false,
    lower: shown(Math.min(...known)),
    upper: shown(Math.max(...known)),
    method: told.method === 'EXACT' ? 'INTERPOLATED' : told.method,
  };
}

/** Of a value of which it cannot be told how sure it is. */
export function unknownAccuracy(view: View, position: number): FeatureAccuracy {
  const feature = view.features[position]?.name ?? '';
  return { feature, exact: false, lower: null, upper: null, method: 'UNREACHABLE' };
}

function isSame(one: number, other: number): boolean {
  return Object.is(one, other) || Math.abs(one - other) <= digits * Math.max(Math.abs(one), Math.abs(other));
}

/** What is no finite number is null: no value, or no bound. */
function shown(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
