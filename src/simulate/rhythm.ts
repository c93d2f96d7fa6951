const dayS = 86_400;
const deviation = 20_000 / dayS;
/** Of a normal distribution with this deviation about noon, what lies within the day: within 2.16 deviations. */
const within = 0.969_226;

/**
 * How busy a moment of the day is, 1 in its mean: the time of day of a payment is normally distributed about noon with a
 * deviation of 20,000 s, cut to the day. (What the book's simulator draws outside of the day it throws away.)
 * @param dayShare from 0 (midnight) to just below 1.
 */
export function rhythm(dayShare: number): number {
  const fromNoon = (dayShare - 0.5) / deviation;
  return Math.exp(-(fromNoon ** 2) / 2) / (deviation * Math.sqrt(2 * Math.PI) * within);
}

/** What it is at noon: the most. */
export const busiest = rhythm(0.5);
