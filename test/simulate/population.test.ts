import { describe, expect, test } from 'vitest';
import { drawPopulation } from '../../src/simulate/index.ts';

const population = drawPopulation({ seed: 1, customers: 2_000, terminals: 400 });
const { customers, terminals } = population;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a population', () => {
  test('is the same with the same seed, and another with another', () => {
    const small = (seed: number) => drawPopulation({ seed, customers: 5, terminals: 5 });
    expect(small(1)).toEqual(small(1));
    expect(small(1).customers).not.toEqual(small(2).customers);
    expect(small(1).terminals).not.toEqual(small(2).terminals);
  });

  test('has ids that people can read, and that differ', () => {
    expect(customers[16]?.id).toBe('user_0017');
    expect(terminals[41]?.id).toBe('shop_0042');
    expect(new Set([...customers, ...terminals].map(({ id }) => id)).size).toBe(2_400);
    expect(drawPopulation({ seed: 1, customers: 1, terminals: 12_345 }).terminals.at(-1)?.id).toBe('shop_12345');
    expect(drawPopulation({ seed: 1, customers: 1, terminals: 12_345 }).terminals[0]?.id).toBe('shop_00001');
  });

  test('lives all over a square of 100', () => {
    for (const axis of ['x', 'y'] as const) {
      const at = [...customers, ...terminals].map(({ place }) => place[axis]);
      expect(Math.min(...at)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...at)).toBeLessThan(100);
      expect(mean(at)).toBeCloseTo(50, -1);
      expect(Math.min(...at)).toBeLessThan(1);
      expect(Math.max(...at)).toBeGreaterThan(99);
    }
  });

  test('has habits: from 5 to 100 a payment, and up to 4 payments a day', () => {
    const amounts = customers.map(({ meanAmount }) => meanAmount);
    expect([Math.floor(Math.min(...amounts)), Math.ceil(Math.max(...amounts))]).toEqual([5, 100]);
    expect(mean(amounts)).toBeCloseTo(52.5, -0.5);
    const payments = customers.map(({ paymentsPerDay }) => paymentsPerDay);
    expect([Math.floor(Math.min(...payments)), Math.ceil(Math.max(...payments))]).toEqual([0, 4]);
    expect(mean(payments)).toBeCloseTo(2, 0);
  });

  test.each([
    ['the book’s radius, where some reach none', undefined, 5],
    ['a wide one', 30, 30],
  ])('pays at the terminals within reach, or at the nearest one: %s', (_, radius, reach) => {
    const drawn = drawPopulation({ seed: 1, customers: 500, terminals: 400, ...(radius && { radius }) });
    let alone = 0;
    for (const { place, terminals: near } of drawn.customers) {
      const byDistance = drawn.terminals
        .map((terminal) => ({ terminal, far: Math.hypot(terminal.place.x - place.x, terminal.place.y - place.y) }))
        .sort((a, b) => a.far - b.far);
      const within = byDistance.filter(({ far }) => far <= reach);
      if (within.length === 0) alone++;
      const expected = within.length > 0 ? within : byDistance.slice(0, 1);
      expect(near.map(({ id }) => id).sort()).toEqual(expected.map(({ terminal }) => terminal.id).sort());
    }
    expect(alone > 0).toBe(radius === undefined);
  });
});
