import { describe, expect, test } from 'vitest';
import { byWeight, Random } from '../../src/simulate/index.ts';

describe('random numbers', () => {
  test('are the same with the same seed, and others with another', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 5 }, () => random.uniform());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('have the means that their names say', () => {
    const random = new Random(1);
    const mean = (draw: () => number) => Array.from({ length: 20_000 }, draw).reduce((sum, x) => sum + x / 20_000, 0);
    expect(mean(() => random.uniform())).toBeCloseTo(0.5, 1);
    expect(mean(() => random.exponential(3)) / 3).toBeCloseTo(1, 1);
    expect(mean(() => random.normal())).toBeCloseTo(0, 1);
    expect(mean(() => Math.log(random.lognormal(40, 1)))).toBeCloseTo(Math.log(40), 1);
  });
});

test('an index is drawn in proportion to its weight, and never with none', () => {
  const random = new Random(2);
  const draw = byWeight(Float64Array.of(0, 1, 0, 3, 0));
  const counts = [0, 0, 0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    const drawn = draw(random);
    counts[drawn] = (counts[drawn] as number) + 1;
  }
  expect([counts[0], counts[2], counts[4]]).toEqual([0, 0, 0]);
  expect((counts[3] as number) / (counts[1] as number)).toBeCloseTo(3, 0);
});
