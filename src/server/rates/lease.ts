import { LocalBucket } from './local-bucket.ts';
import { leaseMs, type Rate } from './rate.ts';
import type { SharedBuckets } from './shared-buckets.ts';

export interface LeaseOptions {
  /** Null: there is no store. */
  readonly buckets: SharedBuckets | null;
  readonly bucket: string;
  readonly rate: Rate;
  /** Told of each that was let through, or not, without the store. */
  readonly onLocal: () => void;
}

interface Waiting {
  readonly tokens: number;
  readonly settle: (waitMs: number) => void;
}

/** Most that is taken ahead, in parts of a second's worth: no more than so many round trips a second for one client. */
const mostRoundTrips = 20;

/**
 * A client's tokens in this process, taken out of its bucket in the store, some of them ahead, so that not each request takes a round trip.
 * What is ahead is no more than twice what was used before, is forgotten when the lease is over, and is given back to nobody.
 */
export class Lease {
  readonly rate: Rate;
  readonly #options: LeaseOptions;
  readonly #mostAhead: number;
  #tokens = 0;
  /** By `performance.now()`, as all moments here. */
  #until = 0;
  /** Of this lease. */
  #used = 0;
  #ahead = 0;
  /** When the store's bucket is full again at the soonest. */
  #fullAt = 0;
  #waiting: Waiting[] = [];
  #asking = false;
  #local: LocalBucket | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.rate = options.rate;
    this.#mostAhead = Math.floor(options.rate.perSecond / mostRoundTrips);
  }

  /** Takes so many tokens. @returns 0, or in how many milliseconds they can be had at the soonest. */
  take(tokens: number): number | Promise<number> {
    if (tokens > this.rate.held) return Number.POSITIVE_INFINITY;
    const now = performance.now();
    this.#expire(now);
    if (this.#waiting.length === 0 && this.#tokens >= tokens) {
      this.#use(tokens);
      return 0;
    }
    // Others may have taken more meanwhile, and never less: nothing else is to be learnt from the store.
    const waitMs = this.#waitFor(tokens, now);
    if (waitMs > 0) return waitMs;
    return new Promise((settle) => {
      this.#waiting.push({ tokens, settle });
      if (!this.#asking) void this.#ask();
    });
  }

  #expire(now: number): void {
    if (now < this.#until) return;
    this.#ahead = Math.min(this.#ahead, this.#used);
    this.#tokens = 0;
    this.#used = 0;
  }

  #use(tokens: number): void {
    this.#tokens -= tokens;
    this.#used += tokens;
  }

  #waitFor(tokens: number, now: number): number {
    const { intervalMicros, held } = this.rate;
    return this.#fullAt - now + ((tokens - this.#tokens - held) * intervalMicros) / 1_000;
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    while (this.#waiting.length > 0) {
      const begun = performance.now();
      // What is used up before its time was too little.
      if (begun < this.#until) this.#ahead = Math.min(this.#mostAhead, Math.max(1, 2 * this.#ahead));
      this.#expire(begun);
      const wanted = this.#waiting.reduce((sum, { tokens }) => sum + tokens, 0) - this.#tokens;
      const least = Math.max(1, (this.#waiting[0] as Waiting).tokens - this.#tokens);
      const most = Math.max(least, Math.min(wanted + this.#ahead, this.rate.held));
      const { buckets, bucket } = this.#options;
      const given = buckets && (await buckets.take(bucket, this.rate, least, most));
      if (given === null) this.#goByLocal();
      else {
        this.#expire(performance.now());
        // Of those that are left, the life is not made longer.
        if (this.#tokens === 0) this.#until = begun + leaseMs;
        this.#tokens += given.tokens;
        this.#fullAt = begun + given.fullInMs;
        this.#local = null;
        this.#serve(given.tokens === 0);
      }
    }
    this.#asking = false;
  }

  /** @param isRefused whether there was not even enough for the first who waits. */
  #serve(isRefused: boolean): void {
    const now = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [place, one] of waiting.entries()) {
      if (this.#tokens >= one.tokens && now < this.#until) {
        this.#use(one.tokens);
        one.settle(0);
        continue;
      }
      const waitMs = this.#waitFor(one.tokens, now);
      if (waitMs > 0 || (isRefused && place === 0)) one.settle(Math.max(1, waitMs));
      else this.#waiting.push(one);
    }
  }

  #goByLocal(): void {
    const now = performance.now();
    this.#local ??= new LocalBucket(this.rate);
    for (const { tokens, settle } of this.#waiting.splice(0)) {
      this.#options.onLocal();
      settle(this.#local.take(tokens, now));
    }
  }
}
