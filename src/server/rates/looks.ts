import { LRUCache } from 'lru-cache';
import type { Refusals } from '../guard/refusals.ts';
import { LocalBucket } from './local-bucket.ts';
import { rateOf } from './rate.ts';
import type { Client } from './rate-limiter.ts';

/** Whose looks are kept: of an address that comes back later, what it has spent is forgotten. */
const mostAddresses = 20_000;
/** Of all addresses together that have spent their own: of a processor some 5 %. */
const sharedPerSecond = 200;

/** Leave to look at a signature. */
export interface Look {
  /** It was good, and whoever it was of was let through: nothing was spent. */
  giveBack(): void;
}

/**
 * How often signatures are looked at that may be good, or only look like it. That costs more than refusing a request does, so an address
 * can spend it. But who sends bad ones must not keep others of the same address out: those that have spent theirs share what is left.
 * It is a processor that is spared, so each process counts by itself.
 */
export class Looks {
  readonly #perSecond: number;
  readonly #refusals: Refusals;
  readonly #own = new LRUCache<string, LocalBucket>({ max: mostAddresses });
  readonly #shared = new LocalBucket(rateOf(sharedPerSecond));

  /** @param perSecond of an address, in vain. */
  constructor(perSecond: number, refusals: Refusals) {
    this.#perSecond = perSecond;
    this.#refusals = refusals;
  }

  /** @returns after how many milliseconds there can be a look at the soonest, if there is none now. */
  begin({ name }: Client): Look | number {
    const now = performance.now();
    const own = this.#ownOf(name);
    const ownWaitMs = own.take(1, now);
    if (ownWaitMs === 0) return { giveBack: () => own.giveBack(1) };
    const sharedWaitMs = this.#shared.take(1, now);
    if (sharedWaitMs === 0) return shared;
    this.#refusals.requests += 1;
    return Math.min(ownWaitMs, sharedWaitMs);
  }

  #ownOf(address: string): LocalBucket {
    const known = this.#own.get(address);
    if (known) return known;
    const made = new LocalBucket(rateOf(this.#perSecond));
    this.#own.set(address, made);
    return made;
  }
}

/** A bound for a processor counts good ones, too. */
const shared: Look = { giveBack: () => {} };
