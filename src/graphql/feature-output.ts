import type { Event, Feature } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';

/** How a feature appears in GraphQL. */
export interface FeatureOutput {
  readonly type: 'Int' | 'Float' | 'Boolean' | 'DateTime';
  readonly nullable: boolean;
}

const outputOfField = { number: 'Float', boolean: 'Boolean', time: 'DateTime' } as const;

/**
 * The type of a stored feature: counts and sums of an empty window are 0, so they are never null; of nothing there is
 * no average, extreme, share or newest event.
 */
export function featureOutput(event: Event, { aggregation: { kind, field } }: Feature): FeatureOutput {
  switch (kind) {
    case 'count':
    case 'distinct':
      return { type: 'Int', nullable: false };
    case 'sum':
      return { type: 'Float', nullable: false };
    case 'last': {
      const type = event.fields[field ?? '']?.type;
      return { type: outputOfField[type as keyof typeof outputOfField], nullable: true };
    }
    default:
      return { type: 'Float', nullable: true };
  }
}

/** A derivation may always come to nothing. */
export const derivedOutput: FeatureOutput = { type: 'Float', nullable: true };

/** A stored double as GraphQL has it: NaN is null, and a boolean is 0 or 1. */
export function outputValue(stored: number | undefined, { type }: FeatureOutput): number | boolean | null {
  if (stored === undefined || Number.isNaN(stored)) return null;
  return type === 'Boolean' ? stored !== 0 : stored;
}

const numbersOfVector = new WeakMap<Vector, { readonly [feature: string]: number }>();

/** A vector's features by name, for derivations; one object for all derivations of a vector. */
export function featureNumbers(vector: Vector): { readonly [feature: string]: number } {
  const known = numbersOfVector.get(vector);
  if (known) return known;
  const numbers = Object.fromEntries(
    vector.view.features.map(({ name }, position) => [name, vector.values[position] ?? Number.NaN]),
  );
  numbersOfVector.set(vector, numbers);
  return numbers;
}
