import type { MetricState, Sample } from './family.ts';

/** What one process tells of itself. Can be sent as JSON, and added up. */
export type MetricsPart = readonly MetricState[];

/** What several processes have counted together that cannot say it themselves: of what they have open, or how slow they are, nothing is known. */
export function totalsOf(parts: readonly MetricsPart[]): MetricsPart {
  const counted = parts.flat().filter(({ type }) => type !== 'gauge');
  return [...Map.groupBy(counted, ({ name }) => name).values()].map((states) => {
    const [first] = states as [MetricState];
    return { ...first, values: added(states.flatMap(({ values }) => values)) };
  });
}

function added(samples: readonly Sample[]): Sample[] {
  const alike = Map.groupBy(samples, ({ metricName, labels }) => JSON.stringify([metricName, labels]));
  return [...alike.values()].map((all) => ({
    ...(all[0] as Sample),
    value: all.reduce((sum, { value }) => sum + value, 0),
  }));
}
