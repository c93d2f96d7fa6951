import { Random } from './random.ts';

/** Somewhere in the square; both from 0 to 100. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Where cards are read: the merchant of the schema. */
export interface Terminal {
  /** Such as `shop_0042`. */
  readonly id: string;
  readonly place: Place;
}

/** Who pays, and their habits: the user of the schema. */
export interface Customer {
  /** Such as `user_0017`. */
  readonly id: string;
  readonly place: Place;
  readonly meanAmount: number;
  readonly paymentsPerDay: number;
  /** Where they pay: all within the radius of their place, or, where there is none, the nearest one. */
  readonly terminals: readonly Terminal[];
}

export interface PopulationOptions {
  /** A whole number below 2^32. */
  readonly seed: number;
  /** At least 1. */
  readonly customers: number;
  /** At least 1. */
  readonly terminals: number;
  /** How far customers go to pay, in the units of the square; default 5, as in the book. */
  readonly radius?: number;
}

const side = 100;
const leastMeanAmount = 5;
const mostMeanAmount = 100;
const mostPaymentsPerDay = 4;
const bookRadius = 5;

/** Who pays whom. The same options give the same population. */
export interface Population {
  readonly seed: number;
  readonly customers: readonly Customer[];
  readonly terminals: readonly Terminal[];
}

/**
 * Draws customers and terminals at places in a square, and the customers' habits, as the simulator of the Fraud Detection
 * Handbook does (Le Borgne, Siblini, Lebichot and Bontempi 2022: Reproducible Machine Learning for Credit Card Fraud
 * Detection, chapter 3, «Transaction data simulator»): the mean amount uniform from 5 to 100, the mean number of payments
 * a day from 0 to 4.
 */
export function drawPopulation(options: PopulationOptions): Population {
  const { seed, radius = bookRadius } = options;
  const random = new Random(seed);
  const drawPlace = (): Place => ({ x: side * random.uniform(), y: side * random.uniform() });
  const terminals = ids('shop', options.terminals).map((id): Terminal => ({ id, place: drawPlace() }));
  const customers = ids('user', options.customers).map((id): Customer => {
    const place = drawPlace();
    return {
      id,
      place,
      meanAmount: leastMeanAmount + (mostMeanAmount - leastMeanAmount) * random.uniform(),
      paymentsPerDay: mostPaymentsPerDay * random.uniform(),
      terminals: reachable(place, terminals, radius),
    };
  });
  return { seed, customers, terminals };
}

function reachable(from: Place, terminals: readonly Terminal[], radius: number): Terminal[] {
  const within = terminals.filter(({ place }) => distance(from, place) <= radius);
  if (within.length > 0) return within;
  return [terminals.reduce((a, b) => (distance(from, b.place) < distance(from, a.place) ? b : a))];
}

export function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** From `user_0001` on; with more digits where there are more than 9,999. */
function ids(prefix: string, count: number): string[] {
  const digits = Math.max(4, String(count).length);
  return Array.from({ length: count }, (_, i) => `${prefix}_${String(i + 1).padStart(digits, '0')}`);
}
