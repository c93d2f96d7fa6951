import { LRUCache } from 'lru-cache';
import type { Refusals } from '../guard/refusals.ts';
import { Lease } from './lease.ts';
import { rateOf } from './rate.ts';
import { type BucketStore, bucketName, SharedBuckets } from './shared-buckets.ts';

/** Whom limits are counted by. */
export interface Client {
  readonly name: string;
}

/** Per second and client; null: there is none. */
export interface RateLimits {
  readonly requestsPerSecond: number | null;
  /** Of what operations read and record: see `operationCost`. */
  readonly costPerSecond: number | null;
}

/** Whether what an operation costs was paid; or it was refused, and after so many milliseconds it may come again. False: nobody asked. */
export type Paid = boolean | { readonly waitMs: number };

export interface RateLimiterOptions {
  readonly limits: RateLimits;
  /** Null: each process counts by itself. */
  readonly store: BucketStore | null;
  readonly refusals: Refusals;
  /** Told when the store cannot be asked. */
  readonly onAway: (error: unknown) => void;
}

/** Whose leases are kept: of those that come back later, what was taken ahead is lost. */
const mostLeases = 20_000;

/** How much each client may ask, over all processes that share a store. */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #buckets: SharedBuckets | null;
  readonly #requests = new LRUCache<string, Lease>({ max: mostLeases });
  readonly #costs = new LRUCache<string, Lease>({ max: mostLeases });
  readonly #onLocal: () => void;

  constructor(options: RateLimiterOptions) {
    const { store, onAway, refusals } = options;
    this.#options = options;
    this.#buckets = store && new SharedBuckets(store, onAway);
    this.#onLocal = () => {
      refusals.limitedLocally += 1;
    };
  }

  /** Whether anything is to be known of what an operation costs. */
  get limitsCost(): boolean {
    return this.#options.limits.costPerSecond !== null;
  }

  /** The most that an operation may cost, since it is never let through at more. */
  get mostCost(): number {
    const { costPerSecond } = this.#options.limits;
    return costPerSecond === null ? Number.POSITIVE_INFINITY : rateOf(costPerSecond).held;
  }

  /** One request. @returns 0, or after how many milliseconds it may come again. */
  request(client: Client): number | Promise<number> {
    const { requestsPerSecond: limit } = this.#options.limits;
    if (limit === null) return 0;
    return this.#counted('requests', this.#lease('requests', this.#requests, client, limit).take(1));
  }

  /** An operation of this cost. @returns 0, or after how many milliseconds it may come again; never, if that is infinite. */
  cost(client: Client, cost: number): number | Promise<number> {
    const { costPerSecond: limit } = this.#options.limits;
    if (limit === null) return 0;
    return this.#counted('cost', this.#lease('cost', this.#costs, client, limit).take(cost));
  }

  #lease(kind: string, leases: LRUCache<string, Lease>, { name }: Client, limit: number): Lease {
    const known = leases.get(name);
    if (known) return known;
    const bucket = bucketName(kind, name);
    const made = new Lease({ buckets: this.#buckets, bucket, rate: rateOf(limit), onLocal: this.#onLocal });
    leases.set(name, made);
    return made;
  }

  #counted(kind: 'requests' | 'cost', waitMs: number | Promise<number>): number | Promise<number> {
    if (waitMs === 0) return 0;
    if (typeof waitMs !== 'number') return waitMs.then((ms) => this.#counted(kind, ms));
    this.#options.refusals[kind] += 1;
    return waitMs;
  }
}
