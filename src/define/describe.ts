import type { Aggregation } from './aggregation.ts';
import { formatDuration } from './duration.ts';
import { describeWhere } from './where.ts';

const phrases: { readonly [K in Aggregation['kind']]: (field: string, n: number) => string } = {
  count: () => 'Number of events',
  rate: () => 'Events a second',
  sum: (field) => `Sum of ${field}`,
  avg: (field) => `Mean of ${field}`,
  min: (field) => `Smallest ${field}`,
  max: (field) => `Largest ${field}`,
  stddev: (field) => `Population standard deviation of ${field}`,
  share: (field) => `Share of events whose ${field} is true`,
  first: (field) => `${field} of the oldest event`,
  last: (field) => `${field} of the newest event`,
  lastN: (field, n) => `At most ${n} values of ${field}, newest first,`,
  timeSinceLast: () => 'Seconds since the newest event',
  distinct: (field) => `Number of different values of ${field}`,
};

/** Says a window as a definition does: `1h`, `7d, 7d ago` or `lifetime, idle 24h`. */
export function describeWindow({ window }: Aggregation): string {
  if (window.kind === 'lifetime') return `lifetime, idle ${formatDuration(window.idleMs)}`;
  const length = formatDuration(window.lengthMs);
  return window.delayMs > 0 ? `${length}, ${formatDuration(window.delayMs)} ago` : length;
}

/** Says in one sentence what an aggregation is; the default description of a feature. */
export function describeAggregation(aggregation: Aggregation): string {
  const { kind, field, n, window, where } = aggregation;
  const what = phrases[kind](field ?? '', n ?? 0) + (where ? ` with ${describeWhere(where)}` : '');
  if (window.kind === 'lifetime')
    return `${what}, running; forgets after ${formatDuration(window.idleMs)} without an event.`;
  const length = formatDuration(window.lengthMs);
  return window.delayMs > 0
    ? `${what} in the ${length} that ended ${formatDuration(window.delayMs)} ago.`
    : `${what} in the last ${length}.`;
}
