import type { Registry } from 'prom-client';
import { tracer } from '../../measure/index.ts';
import { counter, type MetricState } from './family.ts';

let registry: Promise<Registry> | null = null;

/** Where there are no traces, none are counted. */
const spans = counter(
  'freshet_trace_spans_total',
  'Spans of traces that have ended, were exported to the collector, or failed to be. Those that are neither wait, or were dropped because too many did.',
  () => {
    const { ended = 0, exported = 0, failed = 0 } = tracer.current?.counts ?? {};
    return [
      [{ state: 'ended' }, ended],
      [{ state: 'exported' }, exported],
      [{ state: 'failed' }, failed],
    ];
  },
);

/** Where all others are added up, or averaged, it is the slowest or the newest worker that tells something. */
const ofTheWorst = /^(nodejs_eventloop_lag|process_start_time)/;

/** Traces, and Node's own metrics of this process: processor, memory, handles, garbage collection, delays of the event loop; from when they are first asked for. */
export async function processMetrics(): Promise<MetricState[]> {
  registry ??= begin();
  const states = (await (await registry).getMetricsAsJSON()) as unknown as MetricState[];
  const nodes = states.map(({ name, help, type, aggregator, values }) => ({
    name,
    help,
    type,
    aggregator: ofTheWorst.test(name) ? 'max' : aggregator,
    // Before anything was measured it is no number, which JSON could not carry.
    values: values.filter(({ value }) => Number.isFinite(value)),
  }));
  return [spans.state(), ...nodes];
}

async function begin(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  return own;
}
