import { LRUCache } from 'lru-cache';
import type { Refusals } from '../guard/refusals.ts';
import { Lease } from './lease.ts';
import { rateOf } from './rate.ts';
import { type BucketStore, bucketName, SharedBuckets } from './shared-buckets.ts';

/** Whom limits are counted by. */
export interface Client {
  readonly name: string;
  /** Its own, in place of those of all. */
  readonly limits?: RateLimits;
}

/** Per second and client; null, or absent: there is none. */
export interface RateLimits {
  readonly requestsPerSecond?: number | null;
  /** Of what operations read and record: see `operationCost`. */
  readonly costPerSecond?: number | null;
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
  limitsCost(client: Client): boolean {
    return this.#costLimit(client) !== null;
  }

  /** The most that an operation of this client may cost, since it is never let through at more. */
  mostCost(client: Client): number {
    const limit = this.#costLimit(client);
    return limit === null ? Number.POSITIVE_INFINITY : rateOf(limit).held;
  }

  /** One request. @returns 0, or after how many milliseconds it may come again. */
  request(client: Client): number | Promise<number> {
    const { limits } = this.#options;
    const limit = client.limits?.requestsPerSecond ?? limits.requestsPerSecond ?? null;
    if (limit === null) return 0;
    return this.#counted('requests', this.#lease('requests', this.#requests, client, limit).take(1));
  }

  /** An operation of this cost. @returns 0, or after how many milliseconds it may come again; never, if that is infinite. */
  cost(client: Client, cost: number): number | Promise<number> {
    const limit = this.#costLimit(client);
    if (limit === null) return 0;
    return this.#counted('cost', this.#lease('cost', this.#costs, client, limit).take(cost));
  }

  #costLimit({ limits }: Client): number | null {
    return limits?.costPerSecond ?? this.#options.limits.costPerSecond ?? null;
  }

  #lease(kind: string, leases: LRUCache<string, Lease>, { name }: Client, limit: number): Lease {
    const known = leases.get(name);
    if (known?.rate.perSecond === limit) return known;
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
