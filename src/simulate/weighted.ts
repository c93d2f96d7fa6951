import type { Random } from './random.ts';

/**
 * Draws an index in proportion to its weight.
 * @param weights at least one, none of them negative, not all 0.
 */
export function byWeight(weights: Float64Array): (random: Random) => number {
  const cumulative = new Float64Array(weights.length);
  let total = 0;
  for (const [i, weight] of weights.entries()) {
    total += weight;
    cumulative[i] = total;
  }
  return (random) => {
    const wanted = random.uniform() * total;
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
