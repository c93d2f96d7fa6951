import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatText } from '../../../src/graphql/compiled/float-text.ts';

describe('the text of a number', () => {
  it.each([
    ...[0, -0, 0.01, 0.1, 0.5, 0.99, 1, 1.1, 9.99, 10, 100.05, 1e3, 123_456.78, 1e13, 1e15, 1e21, 5e-324],
    ...[
      0.001,
      0.015,
      1.005,
      2.675,
      0.1 + 0.2,
      1e13 + 0.01,
      9_999_999_999_999.99,
      10_000_000_000_000.01,
      2 ** 53,
      2 ** 53 / 100,
    ],
  ])('is that of JavaScript: %d', (value) => {
    expect(floatText(value)).toBe(String(value));
    expect(floatText(-value)).toBe(String(-value));
  });

  it('is that of JavaScript, whatever number', () => {
    const hundredths = fc.integer({ min: -(2 ** 53), max: 2 ** 53 }).map((all) => all / 100);
    const amounts = fc.integer({ min: 0, max: 10_000_000 }).map((all) => all / 100);
    const any = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.oneof(hundredths, amounts, any), (value) => floatText(value) === String(value)),
      { numRuns: 100_000 },
    );
  });
});
