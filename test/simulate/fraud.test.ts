import { describe, expect, test } from 'vitest';
import { Fraud } from '../../src/simulate/fraud.ts';
import { drawPopulation, type FraudShares, Random, TransactionStream } from '../../src/simulate/index.ts';

const dayMs = 86_400_000;
const population = drawPopulation({ seed: 3, customers: 300, terminals: 300, radius: 15 });
const none: FraudShares = { compromisedTerminals: 0, leakedCards: 0 };

/** A month of payments, and with each who was being defrauded when it was made. */
function* month(fraud?: FraudShares) {
  const stream = new TransactionStream(population, {
    seed: 4,
    fromMs: 0,
    ratePerSecond: null,
    ...(fraud && { fraud }),
  });
  for (const transaction of stream.upTo(30 * dayMs)) {
    yield {
      ...transaction,
      isLeaked: stream.fraud.leaked.some(({ id }) => id === transaction.userId),
      isCompromised: stream.fraud.compromised.some(({ id }) => id === transaction.merchantId),
    };
  }
}

describe('fraud', () => {
  test('is an amount above 220, and where nobody is defrauded nothing else', () => {
    const payments = [...month(none)];
    expect(payments.filter(({ fraud }) => fraud).length).toBeGreaterThan(5);
    for (const { fraud, amount } of payments) expect(fraud).toBe(amount > 220);
  });

  test('is every payment at a compromised terminal, and no other of an ordinary amount', () => {
    const payments = [...month({ ...none, compromisedTerminals: 0.003 })].filter(({ amount }) => amount <= 220);
    const compromised = payments.filter(({ isCompromised }) => isCompromised);
    expect(compromised.length).toBeGreaterThan(300);
    for (const { fraud, isCompromised } of payments) expect(fraud).toBe(isCompromised);
  });

  test('is a third of the payments with a leaked card, and these are five times as large', () => {
    const payments = [...month({ ...none, leakedCards: 0.01 })];
    const leaked = payments.filter(({ isLeaked }) => isLeaked);
    const stolen = leaked.filter(({ fraud, amount }) => fraud && amount !== 0);
    expect(leaked.length).toBeGreaterThan(1_000);
    expect(stolen.length / leaked.length).toBeCloseTo(1 / 3, 1);
    const means = new Map(population.customers.map(({ id, meanAmount }) => [id, meanAmount]));
    const relative = (of: typeof leaked) =>
      of.reduce((sum, { userId, amount }) => sum + amount / (means.get(userId) as number), 0) / of.length;
    expect(relative(stolen)).toBeCloseTo(5 * 1.027, 0);
    expect(relative(leaked.filter(({ fraud }) => !fraud))).toBeCloseTo(1.027, 1);
    for (const { amount } of stolen) expect(Math.round(100 * amount) % 5).toBe(0);
    for (const { fraud, amount, isLeaked } of payments) if (!isLeaked) expect(fraud).toBe(amount > 220);
  });

  test('has the shares of the book unless it is told otherwise', () => {
    const payments = [...month()];
    const share = payments.filter(({ fraud }) => fraud).length / payments.length;
    // 28 days of 2/10,000 terminals, a third of 14 days of 3/5,000 cards, and amounts above 220: about one percent.
    expect(share).toBeGreaterThan(0.002);
    expect(share).toBeLessThan(0.03);
    expect(payments.some(({ isLeaked }) => isLeaked)).toBe(true);
  });
});

describe('those who are defrauded', () => {
  const shares = { compromisedTerminals: 0.01, leakedCards: 0.02 };

  /** For each day who is, by id. */
  function calendar(days: number, which: 'compromised' | 'leaked'): Set<string>[] {
    const fraud = new Fraud(new Random(5), population, shares, 0);
    return Array.from({ length: days }, (_, day) => {
      fraud.goTo(day);
      return new Set(fraud[which].map(({ id }) => id));
    });
  }

  test.each([
    ['compromised', 28, 0.01],
    ['leaked', 14, 0.02],
  ] as const)('are %s for %d days', (which, days, share) => {
    const byDay = calendar(600, which);
    const lengths: number[] = [];
    const since = new Map<string, number>();
    for (const [day, now] of byDay.entries()) {
      for (const id of now) if (!byDay[day - 1]?.has(id)) since.set(id, day);
      for (const id of byDay[day - 1] ?? []) {
        const begun = since.get(id) as number;
        if (!now.has(id) && begun > 0) lengths.push(day - begun);
      }
    }
    // Who falls prey again meanwhile stays longer; nobody less long.
    expect(Math.min(...lengths)).toBe(days);
    const once = (1 - share) ** (days - 1);
    expect(lengths.filter((length) => length === days).length / lengths.length).toBeCloseTo(once, 1);
    const always = byDay.reduce((sum, now) => sum + now.size, 0) / 600 / 300;
    expect(always).toBeCloseTo(1 - (1 - share) ** days, 1.5);
  });

  test('are as many on the first day as on any other', () => {
    const sizes = (day: number, which: 'compromised' | 'leaked') =>
      Array.from({ length: 30 }, (_, seed) => {
        const fraud = new Fraud(new Random(seed), population, shares, 0);
        fraud.goTo(day);
        return fraud[which].length;
      }).reduce((sum, size) => sum + size / 30, 0);
    expect(sizes(0, 'compromised') / sizes(100, 'compromised')).toBeCloseTo(1, 1);
    expect(sizes(0, 'leaked') / sizes(100, 'leaked')).toBeCloseTo(1, 1);
  });

  test('do not depend on how many payments there are', () => {
    const victimsAt = (ratePerSecond: number) => {
      const stream = new TransactionStream(population, { seed: 6, fromMs: 0, ratePerSecond, fraud: shares });
      for (const _ of stream.upTo(10 * dayMs));
      return stream.fraud.compromised.map(({ id }) => id);
    };
    expect(victimsAt(0.01)).toEqual(victimsAt(0.02));
  });
});
