import type { Registry } from 'prom-client';
import type { MetricState } from './family.ts';

let registry: Promise<Registry> | null = null;

/** Where all others are added up, or averaged, it is the slowest or the newest worker that tells something. */
const ofTheWorst = /^(nodejs_eventloop_lag|process_start_time)/;

/** Node's own metrics of this process: processor, memory, handles, garbage collection, delays of the event loop; from when they are first asked for. */
export async function processMetrics(): Promise<MetricState[]> {
  registry ??= begin();
  const states = (await (await registry).getMetricsAsJSON()) as unknown as MetricState[];
  return states.map(({ name, help, type, aggregator, values }) => ({
    name,
    help,
    type,
    aggregator: ofTheWorst.test(name) ? 'max' : aggregator,
    // Before anything was measured it is no number, which JSON could not carry.
    values: values.filter(({ value }) => Number.isFinite(value)),
  }));
}

async function begin(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  return own;
}
