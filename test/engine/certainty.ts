import type { PastVector, Vector } from '../../src/engine/index.ts';
import type { Expected } from '../support/oracle.ts';

/** Doubles of long sums differ in their last digits. */
const digits = 1e-12;

/** The features of which a vector says what cannot be, were the truth as expected. */
export function contradictions({ view, values, certainties }: PastVector, expected: readonly Expected[]): string[] {
  return certainties.flatMap(({ lower, upper, method }, i) => {
    const [value, { oneOf, giveOrTake }] = [values[i] as number, expected[i] as Expected];
    const slack = 2 * giveOrTake + digits * Math.max(Math.abs(lower) || 0, Math.abs(upper) || 0);
    const fits = (truth: number) =>
      method === 'EXACT'
        ? Object.is(truth, value) || Math.abs(truth - value) <= slack
        : Number.isNaN(truth) || (truth >= lower - slack && truth <= upper + slack);
    if (method === 'UNREACHABLE' || oneOf.some(fits)) return [];
    return [`${view.features[i]?.name} is ${value}, ${method} in [${lower}, ${upper}], must be ${oneOf.join(' or ')}`];
  });
}

/** The features that are served with a value outside of what is said of the same moment. */
export function outOfBounds({ view, values }: Vector, { values: exact, certainties }: PastVector): string[] {
  return certainties.flatMap(({ lower, upper, method }, i) => {
    const [value, twin] = [values[i] as number, exact[i] as number];
    const slack = 1e3 * digits * Math.max(Math.abs(value), Math.abs(lower), Math.abs(upper));
    const fits =
      method === 'EXACT'
        ? Object.is(value, twin) || Math.abs(value - twin) <= slack
        : Number.isNaN(value) || (value >= lower - slack && value <= upper + slack);
    return fits ? [] : [`${view.features[i]?.name} is served as ${value}, but ${method} in [${lower}, ${upper}]`];
  });
}

/** What two vectors of one moment differ in, but for the last digits of numbers that are as large as `scale`. */
export function differences(one: PastVector, other: PastVector, scale: number): string[] {
  const alike = (a: number, b: number) =>
    Object.is(a, b) || Math.abs(a - b) <= digits * Math.max(scale, Math.abs(a), Math.abs(b));
  return one.certainties.flatMap((a, i) => {
    const [b, value, twin] = [other.certainties[i] as typeof a, one.values[i] as number, other.values[i] as number];
    const same = alike(value, twin) && alike(a.lower, b.lower) && alike(a.upper, b.upper) && a.method === b.method;
    return same ? [] : [`${one.view.features[i]?.name}: ${value} ${JSON.stringify(a)}, ${twin} ${JSON.stringify(b)}`];
  });
}
