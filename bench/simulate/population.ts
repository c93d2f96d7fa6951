import type { Random } from './random.ts';

/** Draws the number of whom an entity deals with: a user's merchant, a merchant's user. */
export type Population = (random: Random) => number;

/**
 * A population in which the one of rank r is drawn in proportion to 1/r^exponent (Zipf): a few again and again, and many
 * now and then.
 */
export function zipf(size: number, exponent: number): Population {
  const cumulative = new Float64Array(size);
  let total = 0;
  for (let rank = 1; rank <= size; rank++) {
    total += rank ** -exponent;
    cumulative[rank - 1] = total;
  }
  return (random) => {
    const wanted = random.uniform() * total;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** A population so large that hardly anyone is drawn twice. */
export const nearlyAllDistinct: Population = (random) => random.below(2 ** 32);

/** What the benches draw from, by name. */
export const populations: { readonly [name: string]: Population } = {
  Zipf: zipf(10_000, 1.1),
  distinct: nearlyAllDistinct,
};
