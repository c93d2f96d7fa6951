import type { Customer, Population, Terminal } from './population.ts';
import type { Random } from './random.ts';

/** What shares of all fall into the hands of fraudsters each day. */
export interface FraudShares {
  readonly compromisedTerminals: number;
  readonly leakedCards: number;
}

/** As in the book: 2 of its 10,000 terminals and 3 of its 5,000 customers a day. */
export const bookShares: FraudShares = { compromisedTerminals: 2 / 10_000, leakedCards: 3 / 5_000 };

/** What no customer pays, and every fraudster who is simple-minded. */
export const suspiciousAmount = 220;
export const compromisedDays = 28;
export const leakedDays = 14;
/** Of a leaked card's payments, who pays: else it is the customer, who does not know yet. */
export const leakedShare = 1 / 3;
export const leakedFactor = 5;

/**
 * Three kinds of fraud, as in the Fraud Detection Handbook (see population.ts): an amount above 220; a compromised terminal,
 * all of whose payments are fraud for 28 days; a leaked card, of whose payments a third is five times as large, and fraud,
 * for 14 days. On the first day as many are under way as on any other: the days before it have been gone through.
 */
export class Fraud {
  /** For the victims only, who are to be the same however many payments there are. */
  readonly #random: Random;
  readonly #population: Population;
  readonly #shares: FraudShares;
  readonly #compromisedUntil = new Map<Terminal, number>();
  readonly #leakedUntil = new Map<Customer, number>();
  #today: number;

  constructor(random: Random, population: Population, shares: FraudShares, firstDay: number) {
    this.#random = random;
    this.#population = population;
    this.#shares = shares;
    this.#today = firstDay - Math.max(compromisedDays, leakedDays);
    this.goTo(firstDay);
  }

  /** Goes on to this day; those that are gone through have their victims, too. */
  goTo(day: number): void {
    while (this.#today < day) {
      this.#today++;
      const { compromisedTerminals, leakedCards } = this.#shares;
      this.#strike(this.#compromisedUntil, this.#population.terminals, compromisedTerminals, compromisedDays);
      this.#strike(this.#leakedUntil, this.#population.customers, leakedCards, leakedDays);
    }
  }

  #strike<Victim>(until: Map<Victim, number>, all: readonly Victim[], share: number, days: number): void {
    for (const [victim, end] of until) if (end <= this.#today) until.delete(victim);
    for (const victim of all) if (this.#random.uniform() < share) until.set(victim, this.#today + days);
  }

  /** What becomes of a payment that the customer's habits make at this terminal today. */
  happensTo(
    customer: Customer,
    terminal: Terminal,
    amount: number,
    random: Random,
  ): { amount: number; fraud: boolean } {
    const stolen = this.#leakedUntil.has(customer) && random.uniform() < leakedShare;
    const paid = stolen ? (Math.round(100 * amount) * leakedFactor) / 100 : amount;
    return { amount: paid, fraud: stolen || amount > suspiciousAmount || this.#compromisedUntil.has(terminal) };
  }

  /** The terminals that are compromised today. */
  get compromised(): Terminal[] {
    return [...this.#compromisedUntil.keys()];
  }

  /** The customers whose cards are leaked today. */
  get leaked(): Customer[] {
    return [...this.#leakedUntil.keys()];
  }
}
