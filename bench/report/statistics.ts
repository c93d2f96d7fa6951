/** The value below which a share `q` (0 to 1) of the values lies, between two of them in proportion; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  // Also where both are infinite, which have no difference.
  return below === above ? below : below + (place - Math.floor(place)) * (above - below);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * How many times as long ours takes as theirs: 0 if it takes none, or less than none, which may come of subtractions;
 * infinite if only theirs does. NaN if one of them is.
 */
export function timesAsLong(ours: number, theirs: number): number {
  if (ours <= 0) return 0;
  return theirs <= 0 ? Number.POSITIVE_INFINITY : ours / theirs;
}

/** The largest; NaN of none. */
export function most(values: readonly number[]): number {
  return values.reduce((largest, value) => (value > largest ? value : largest), values[0] ?? Number.NaN);
}
