import type { View } from '../../src/define/index.ts';
import { type Certainty, type PastVector, servedCertainty, servedValues, type Vector } from '../../src/engine/index.ts';
import { type Answer, areAlike, type Expected, shown } from '../support/oracle.ts';
import { edgesOf } from '../support/streams.ts';

/** Doubles of long sums differ in their last digits. */
const digits = 1e-12;
/** So small a spread has squares that are too small for a double. */
const leastSpread = 1e-150;

/** The features of which a vector says what cannot be, were the truth as expected. */
export function contradictions(vector: PastVector, expected: readonly Expected[]): string[] {
  return servedValues(vector).flatMap((value, i) => {
    const { lower, upper, method } = servedCertainty(vector, i);
    const { oneOf, giveOrTake } = expected[i] as Expected;
    const slack = 2 * giveOrTake + digits * Math.max(Math.abs(lower) || 0, Math.abs(upper) || 0);
    const fits = (truth: Answer) =>
      method === 'EXACT' ? areAlike(truth, value, slack) : isWithin(truth, value, lower - slack, upper + slack);
    if (method === 'UNREACHABLE' || oneOf.some(fits)) return [];
    const said = `${shown(value)}, ${method} in [${lower}, ${upper}]`;
    return [`${vector.view.features[i]?.name} is ${said}, must be ${oneOf.map(shown).join(' or ')}`];
  });
}

/** Whether the truth may be what is said of it: a number in between; of a list its begin, and a length in between. */
function isWithin(truth: Answer, value: Answer, lower: number, upper: number): boolean {
  if (typeof truth === 'number') return Number.isNaN(truth) || (truth >= lower && truth <= upper);
  const begin = truth.slice(0, (value as readonly number[]).length);
  return areAlike(begin, value, 0) && truth.length >= lower && truth.length <= upper;
}

/** The features that are served with a value outside of what is said of the same moment. */
export function outOfBounds(vector: Pick<Vector, 'view' | 'values' | 'asOf'>, past: PastVector): string[] {
  const exact = servedValues(past);
  return servedValues(vector).flatMap((value, i) => {
    const { lower, upper, method } = servedCertainty(past, i);
    const twin = exact[i] as Answer;
    const size = Math.max(Math.abs(Number(value)) || 0, Math.abs(lower), Math.abs(upper));
    const slack = Math.max(1e3 * digits * size, leastSpread);
    const fits =
      method === 'UNREACHABLE' ||
      (method === 'EXACT' || typeof value !== 'number'
        ? areAlike(value, twin, slack)
        : Number.isNaN(value) || (value >= lower - slack && value <= upper + slack));
    const name = vector.view.features[i]?.name;
    return fits ? [] : [`${name} is served as ${shown(value)}, but ${method} in [${lower}, ${upper}]`];
  });
}

/** The features that are served with another value than cells say when they are folded anew, at the same moment. */
export function driftsFrom(vector: Pick<Vector, 'view' | 'values' | 'asOf'>, anew: PastVector): string[] {
  const twins = servedValues(anew);
  return servedValues(vector).flatMap((value, i) => {
    const twin = twins[i] as Answer;
    const slack = Math.max(1e3 * digits * Math.abs(Number(value) || 0), leastSpread);
    const isFolded = servedCertainty(anew, i).method !== 'UNREACHABLE';
    const name = vector.view.features[i]?.name;
    return !isFolded || areAlike(value, twin, slack) ? [] : [`${name} is ${shown(value)}, anew ${shown(twin)}`];
  });
}

/** What two vectors of one moment differ in, but for the last digits of numbers that are as large as `scale`. */
export function differences(one: PastVector, other: PastVector, scale: number): string[] {
  const alike = (a: number, b: number) => areAlike(a, b, digits * Math.max(scale, Math.abs(a) || 0, Math.abs(b) || 0));
  const twins = servedValues(other);
  return servedValues(one).flatMap((value, i) => {
    const [a, b, twin] = [servedCertainty(one, i), servedCertainty(other, i), twins[i] as Answer];
    if (a.method === 'UNREACHABLE' && b.method === 'UNREACHABLE') return [];
    const equal = typeof value === 'number' ? alike(value, Number(twin)) : areAlike(value, twin, 0);
    const same = equal && alike(a.lower, b.lower) && alike(a.upper, b.upper) && a.method === b.method;
    const name = one.view.features[i]?.name;
    return same ? [] : [`${name}: ${shown(value)} ${JSON.stringify(a)}, ${shown(twin)} ${JSON.stringify(b)}`];
  });
}

/** Some moments that are worth a look: one's own, those an edge apart from it, and those at and within the end of history. */
export function momentsBefore(view: View, asOf: number, backMs: readonly number[]): number[] {
  const ages = [...edgesOf([view]), view.historyMs];
  const within = [...ages, ...backMs].map((age) => Math.floor(age / 2) % (view.historyMs + 1));
  return [0, ...backMs, ...ages, ...within].map((ms) => asOf - ms);
}

/** A vector as if it said nothing of some features: those that `isLeftOut` tells by their place. */
export function sayingNothing(
  vector: PastVector,
  isLeftOut: (place: number, certainty: Certainty) => boolean,
): PastVector {
  const certainties = vector.certainties.map((one, place) =>
    isLeftOut(place, one) ? { ...one, method: 'UNREACHABLE' as const } : one,
  );
  return { ...vector, certainties };
}
