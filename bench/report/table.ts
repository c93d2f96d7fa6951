/** A column's head, and how its cells stand. */
export interface Column {
  readonly head: string;
  /** Numbers stand right, which is the default; words left. */
  readonly left?: boolean;
}

/** A plain table: columns two blanks apart, as wide as their widest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, c) => Math.max(...lines.map((line) => (line[c] ?? '').length)));
  return lines
    .map((line) =>
      columns
        .map(({ left }, c) =>
          left ? (line[c] ?? '').padEnd(widths[c] ?? 0) : (line[c] ?? '').padStart(widths[c] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A whole number with its thousands apart: `1,000,000`. */
export function whole(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Three digits that count: `0.0123`, `1.23`, `123`. NaN is nothing. */
export function digits(value: number): string {
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return '∞';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value === 0 ? '0' : value.toPrecision(3);
}

/** A share as a percentage. What rounding in the last digits makes is nothing. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return '';
  if (!Number.isFinite(share)) return '∞';
  if (Math.abs(share) < 1e-9) return '0';
  return `${share >= 1 ? (100 * share).toFixed(0) : (100 * share).toPrecision(2)} %`;
}
