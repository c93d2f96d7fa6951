import type { Backend, StoreConnection } from '../backend.ts';
import type { StoreLook } from '../health.ts';
import { type EntranceSources, entranceMetrics } from './entrance-metrics.ts';
import { eventMetrics } from './event-metrics.ts';
import { counter, type Family, gauge } from './family.ts';
import { liveMetrics } from './live-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { type RequestSources, requestMetrics } from './request-metrics.ts';
import { connectionMetrics, storeMetrics } from './store-metrics.ts';
import type { MetricsPart } from './totals.ts';

export interface MetricsSources extends RequestSources, EntranceSources {
  /** Null while there is nothing to serve from. */
  readonly backend: () => Backend | null;
  readonly store: StoreSource;
}

/** What is known of the store. */
export interface StoreSource {
  readonly connection: StoreConnection;
  look(): Promise<StoreLook>;
}

/** What the processes of a service have counted. */
export interface GatheredMetrics {
  /** Of those that have answered. */
  readonly parts: readonly MetricsPart[];
  /** Of all together that have ended, or have not answered; null: nothing is known. */
  readonly others: MetricsPart | null;
}

/** How many processes share the port. */
export interface Staff {
  readonly wanted: number;
  readonly serving: number;
  /** How many have ended since the first start. */
  readonly lost: number;
}

/** What Prometheus scrapes, in its text format. */
export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Reads what the parts of a server have counted, when somebody asks. Nothing is counted here, and of prom-client, which has the process's
 * own metrics and the format, nothing is loaded before that.
 */
export class Metrics {
  readonly #families: readonly Family[];
  readonly #store: StoreSource;

  constructor(sources: MetricsSources) {
    const { activity, backend, store } = sources;
    this.#store = store;
    this.#families = [
      ...requestMetrics(sources),
      ...entranceMetrics(sources),
      ...eventMetrics(activity, () => backend()?.engine ?? null),
      ...liveMetrics(activity, () => backend()?.hub ?? null),
      ...connectionMetrics(() => store.connection),
    ];
  }

  async part(): Promise<MetricsPart> {
    return [...this.#families.map((family) => family.state()), ...(await processMetrics())];
  }

  /** Bounded in time: by how long a look at the store may take, once the parts are there. */
  async scrape({ parts, others }: GatheredMetrics, staff: Staff): Promise<Scrape> {
    const look = await this.#store.look();
    const { AggregatorRegistry } = await import('prom-client');
    const seen = [...storeMetrics(look), ...workerMetrics(staff, parts.length)].map((family) => family.state());
    const registry = AggregatorRegistry.aggregate([...parts, ...(others ? [others] : []), seen] as object[]);
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

function workerMetrics({ wanted, serving, lost }: Staff, answered: number): readonly Family[] {
  return [
    gauge(
      'freshet_workers',
      'Processes that share the port: how many are wanted, how many serve, and how many have told for this scrape.',
      () => [
        [{ state: 'wanted' }, wanted],
        [{ state: 'serving' }, serving],
        [{ state: 'answered' }, answered],
      ],
    ),
    counter('freshet_workers_ended_total', 'Workers that have ended and were replaced.', () => lost),
  ];
}
