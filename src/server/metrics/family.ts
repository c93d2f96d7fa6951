import type { Histogram } from '../../measure/index.ts';

/** What tells the samples of a metric apart: never an id, an address, or a text of a client's. */
export type Labels = { readonly [name: string]: string };

/** One number, as prom-client has it. */
export interface Sample {
  /** Where it is not that of the metric. */
  readonly metricName?: string;
  readonly labels: Labels | { readonly le: number | '+Inf' };
  readonly value: number;
}

/** A metric as it stands, as prom-client has it: can be sent as JSON. */
export interface MetricState {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What is told of several processes. */
  readonly aggregator: 'sum' | 'max' | 'min' | 'first';
  readonly values: readonly Sample[];
}

/** A metric that is counted elsewhere, and read when it is asked for. */
export interface Family {
  state(): MetricState;
}

type Told = number | Iterable<readonly [Labels, number]>;

/** @param read what was counted since the start, by labels if it has some. */
export function counter(name: string, help: string, read: () => Told): Family {
  return { state: () => ({ name, help, type: 'counter', aggregator: 'sum', values: samples(read()) }) };
}

/** @param aggregator what is told where several processes have one each; default: all together. */
export function gauge(
  name: string,
  help: string,
  read: () => Told,
  aggregator: MetricState['aggregator'] = 'sum',
): Family {
  return { state: () => ({ name, help, type: 'gauge', aggregator, values: samples(read()) }) };
}

/** Cells of a distribution: `counts` has one more than there are bounds. */
export interface Distribution {
  readonly bounds: readonly number[];
  readonly counts: Histogram['counts'] | readonly number[];
  readonly sum: number;
}

export function histogram(name: string, help: string, read: () => Iterable<readonly [Labels, Distribution]>): Family {
  return {
    state: () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: [...read()].flatMap(([labels, distribution]) => [...cells(name, labels, distribution)]),
    }),
  };
}

function samples(told: Told): Sample[] {
  if (typeof told === 'number') return [{ labels: {}, value: told }];
  return [...told].map(([labels, value]) => ({ labels, value }));
}

function* cells(name: string, labels: Labels, { bounds, counts, sum }: Distribution): Iterable<Sample> {
  let total = 0;
  for (let cell = 0; cell <= bounds.length; cell++) {
    total += counts[cell] as number;
    yield { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[cell] ?? '+Inf' } as Labels, value: total };
  }
  yield { metricName: `${name}_sum`, labels, value: sum };
  yield { metricName: `${name}_count`, labels, value: total };
}
