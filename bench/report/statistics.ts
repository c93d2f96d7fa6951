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

/** The largest; NaN of none. */
export function most(values: readonly number[]): number {
  return values.reduce((largest, value) => (value > largest ? value : largest), values[0] ?? Number.NaN);
}
