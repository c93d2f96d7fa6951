import { byWeight, type Random } from '../../src/simulate/index.ts';

/** Draws the number of whom an entity deals with: a user's merchant, a merchant's user. */
export type Population = (random: Random) => number;

/**
 * A population in which the one of rank r is drawn in proportion to 1/r^exponent (Zipf): a few again and again, and many
 * now and then.
 */
export function zipf(size: number, exponent: number): Population {
  return byWeight(Float64Array.from({ length: size }, (_, i) => (i + 1) ** -exponent));
}

/** A population so large that hardly anyone is drawn twice. */
export const nearlyAllDistinct: Population = (random) => random.below(2 ** 32);

/** What the benches draw from, by name. */
export const populations: { readonly [name: string]: Population } = {
  Zipf: zipf(10_000, 1.1),
  distinct: nearlyAllDistinct,
};
