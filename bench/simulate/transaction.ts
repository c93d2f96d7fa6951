import type { Milliseconds } from '../../src/define/index.ts';
import type { Random } from '../../src/simulate/index.ts';

/** Some moment for simulated histories to begin. */
export const beginningMs: Milliseconds = Date.UTC(2025, 0, 1);

const medianCents = 4_000;
const amountDeviation = 1;
const fraudShare = 0.01;

/** An amount, lognormal, in whole cents. */
export function drawAmount(random: Random): number {
  return Math.ceil(random.lognormal(medianCents, amountDeviation)) / 100;
}

export function drawFraud(random: Random): boolean {
  return random.uniform() < fraudShare;
}
