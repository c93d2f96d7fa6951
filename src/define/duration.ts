import { DefinitionError } from './definition-error.ts';

/** A length of time in whole milliseconds. */
export type Milliseconds = number;

/** A duration as it is written in a definition: `'90s'`, `'5m'`, `'24h'`, `'30d'`. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longer than any window that makes sense, and short enough that sums of two stay exact integers. */
const longestMs = 3_660 * unitMs.d;

/** Reads a duration such as `'5m'`; NaN if it is none. The view says so, who knows of which feature it is. */
export function parseDuration(text: string): Milliseconds {
  const match = /^(\d+)([smhd])$/.exec(text);
  const ms = match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN;
  return ms > 0 && ms <= longestMs ? ms : Number.NaN;
}

/** @param at names the view, the feature, and which of its durations this is. */
export function assertDuration(text: string, ms: Milliseconds, at: string): void {
  if (!Number.isNaN(ms)) return;
  throw new DefinitionError(
    `${at}: ${JSON.stringify(text)} is not a duration; expected a whole number above 0 with s, m, h or d, such as '90s', '5m', '24h' or '30d' (at most ten years)`,
  );
}

/** Writes a length in the largest unit that divides it, a day as its hours: `30d`, `24h`, `90m`. */
export function formatDuration(ms: Milliseconds): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms % unitMs[unit] === 0 && (unit !== 'd' || ms > unitMs.d)) return `${ms / unitMs[unit]}${unit}`;
  }
  return `${ms}ms`;
}
