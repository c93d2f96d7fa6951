import type { Explanation } from './explanation.ts';

/** Names of what is a moment, wherever it stands. */
const moments: ReadonlySet<string> = new Set([
  ...['now', 'asOf', 'validUntil', 'lastEventAt', 'completeSince', 'at', 'from', 'to', 'first', 'last'],
  ...['oldest', 'frontier', 'compactedAt', 'dropped', 'rememberedSince', 'fedAt', 'wholeSince', 'arrival', 'endedAt'],
]);

/** Explanations as JSON: moments in ISO 8601, `expiresIn` and the rest as they are. */
export function explanationJson(explanations: readonly Explanation[]): string {
  const write = (name: string, value: unknown) =>
    moments.has(name) && typeof value === 'number' ? new Date(value).toISOString() : value;
  return JSON.stringify(explanations, write, 2);
}
