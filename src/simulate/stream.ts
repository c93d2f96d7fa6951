import type { Milliseconds } from '../define/index.ts';
import { bookShares, Fraud, type FraudShares } from './fraud.ts';
import type { Customer, Population } from './population.ts';
import { Random } from './random.ts';
import { busiest, rhythm } from './rhythm.ts';
import type { Transaction } from './transaction.ts';
import { byWeight } from './weighted.ts';

export interface StreamOptions {
  /** A whole number below 2^32. */
  readonly seed: number;
  /** From when on there are payments: whole milliseconds since 1970. */
  readonly fromMs: Milliseconds;
  /** How many payments a second all customers make together, in the mean of a day; null: as many as their habits say. */
  readonly ratePerSecond: number | null;
  /** How long a day of the simulation takes; default 24 hours. */
  readonly dayMs?: Milliseconds;
  /** How much of its first day is over at the beginning; default 0, which is midnight, and 0.25 is six in the morning. */
  readonly beginsAt?: number;
  /** Default: the book's. */
  readonly fraud?: FraudShares;
  /** What transaction ids begin with, so that those of two streams differ; default `txn`, as in `txn_1`. */
  readonly idPrefix?: string;
}

const realDayMs = 86_400_000;

/**
 * The payments of a population without end, in order of time, after the model of the Fraud Detection Handbook (see
 * population.ts): a Poisson process whose intensity follows the rhythm of the day, each payment by a customer drawn in
 * proportion to their habit, at one of their terminals. It depends on its options alone and never looks at a clock: begun
 * at another moment, it is the same stream, moved.
 */
export class TransactionStream {
  readonly #options: Required<Omit<StreamOptions, 'ratePerSecond'>>;
  readonly #random: Random;
  readonly #fraud: Fraud;
  readonly #customers: readonly Customer[];
  readonly #drawCustomer: (random: Random) => number;
  readonly #habitualRate: number;
  #ratePerMs: number;
  /** Since the beginning: up to where everything has been handed out, and when the next payment comes. */
  #knownMs = 0;
  #nextMs: number;
  #count = 0;

  constructor(population: Population, options: StreamOptions) {
    const { ratePerSecond, ...others } = options;
    this.#options = { dayMs: realDayMs, beginsAt: 0, fraud: bookShares, idPrefix: 'txn', ...others };
    const { seed, fraud } = this.#options;
    this.#random = new Random(seed + 2 ** 32);
    this.#fraud = new Fraud(new Random(seed + 2 * 2 ** 32), population, fraud, 0);
    this.#customers = population.customers;
    const habits = Float64Array.from(population.customers, ({ paymentsPerDay }) => paymentsPerDay);
    this.#drawCustomer = byWeight(habits);
    this.#habitualRate = habits.reduce((sum, payments) => sum + payments, 0) / this.#options.dayMs;
    this.#ratePerMs = this.#perMs(ratePerSecond);
    this.#nextMs = this.#arrivalAfter(0);
  }

  /** What the stream is up to: who is being defrauded. */
  get fraud(): Pick<Fraud, 'compromised' | 'leaked'> {
    return this.#fraud;
  }

  /** Up to when all payments have been handed out. */
  get knownMs(): Milliseconds {
    return this.#options.fromMs + this.#knownMs;
  }

  /** From where the stream has been handed out on, as many a second; null: as the habits say. */
  setRate(ratePerSecond: number | null): void {
    this.#ratePerMs = this.#perMs(ratePerSecond);
    // A Poisson process has no memory: the wait may be drawn anew.
    this.#nextMs = this.#arrivalAfter(this.#knownMs);
  }

  /** The payments from where it was left to just before this moment. Whoever stops in between goes on there next time. */
  *upTo(endMs: Milliseconds): Generator<Transaction, void, void> {
    const end = endMs - this.#options.fromMs;
    while (this.#nextMs < end) {
      this.#knownMs = this.#nextMs;
      this.#nextMs = this.#arrivalAfter(this.#knownMs);
      yield this.#pay();
    }
    this.#knownMs = Math.max(this.#knownMs, end);
  }

  #perMs(ratePerSecond: number | null): number {
    return ratePerSecond === null ? this.#habitualRate : ratePerSecond / 1_000;
  }

  /** By thinning (Lewis and Shedler 1979): of arrivals as frequent as at noon, each is kept with the share of its moment. */
  #arrivalAfter(sinceMs: number): number {
    const meanWaitMs = 1 / (this.#ratePerMs * busiest);
    for (let at = sinceMs; ; ) {
      at += this.#random.exponential(meanWaitMs);
      if (this.#random.uniform() * busiest < rhythm(this.#days(at) % 1)) return at;
    }
  }

  /** Since the midnight before the beginning. */
  #days(ms: number): number {
    return this.#options.beginsAt + ms / this.#options.dayMs;
  }

  #pay(): Transaction {
    const { fromMs, idPrefix } = this.#options;
    const customer = this.#customers[this.#drawCustomer(this.#random)] as Customer;
    const terminal = customer.terminals[this.#random.below(customer.terminals.length)] as Customer['terminals'][number];
    this.#fraud.goTo(Math.floor(this.#days(this.#knownMs)));
    this.#count++;
    return {
      transactionId: `${idPrefix}_${this.#count}`,
      userId: customer.id,
      merchantId: terminal.id,
      occurredAt: fromMs + Math.floor(this.#knownMs),
      ...this.#fraud.happensTo(customer, terminal, drawAmount(this.#random, customer.meanAmount), this.#random),
    };
  }
}

/** Normal with a deviation of half the mean; one below zero is drawn anew, uniform up to twice the mean. In whole cents. */
function drawAmount(random: Random, mean: number): number {
  const drawn = mean * (1 + random.normal() / 2);
  return Math.round(100 * (drawn < 0 ? 2 * mean * random.uniform() : drawn)) / 100;
}
