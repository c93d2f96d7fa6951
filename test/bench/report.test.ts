import { expect, test } from 'vitest';
import { isMet, worstOf } from '../../bench/report/requirement.ts';
import { median, most, quantile, timesAsLong } from '../../bench/report/statistics.ts';
import { digits, percent, table, whole } from '../../bench/report/table.ts';

test('quantiles lie between values in proportion', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([10, 0], 0.99)).toBeCloseTo(9.9);
  expect(quantile([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 0.9)).toBe(Number.POSITIVE_INFINITY);
  expect([median([]), most([])]).toEqual([Number.NaN, Number.NaN]);
  expect(most([2, 7, 5])).toBe(7);
});

test('what takes no time is met by nothing that takes some', () => {
  const times = [
    [3, 2],
    [1, 0],
    [1, -1],
    [-1, 1],
    [-2, -1],
    [0, 0],
  ] as const;
  expect(times.map(([ours, theirs]) => timesAsLong(ours, theirs))).toEqual([
    1.5,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    0,
    0,
    0,
  ]);
  expect([timesAsLong(Number.NaN, 1), timesAsLong(1, Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
});

test('a table stands in columns, words left and numbers right', () => {
  expect(
    table(
      [{ head: 'what', left: true }, { head: 'n' }],
      [
        ['a', '1'],
        ['bcdef', '1,000'],
      ],
    ),
  ).toBe('what       n\na          1\nbcdef  1,000');
});

test('numbers are written with the digits that count', () => {
  expect([whole(1_234_567), digits(0.01234), digits(12.345), digits(1234.5), digits(0)]).toEqual([
    '1,234,567',
    '0.0123',
    '12.3',
    '1235',
    '0',
  ]);
  expect([percent(0.01234), percent(1e-14), percent(2), percent(Number.POSITIVE_INFINITY)]).toEqual([
    '1.2 %',
    '0',
    '200 %',
    '∞',
  ]);
});

test('of several cases the worst decides, then what could not be measured', () => {
  const worst = (...found: (number | null)[]) =>
    worstOf(
      'error',
      1,
      String,
      found.map((one, i) => ({ at: `case ${i}`, found: one })),
    );
  expect(worst(0.5, 0.9, 0.7)).toMatchObject({ what: 'error (at worst case 1)', found: 0.9 });
  expect([worst(0.5, 1), worst(0.5, 1.1), worst(0.5, null), worst(), worst(0, Number.NaN)].map(isMet)).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
  expect(worst(null, 1.1)).toMatchObject({ found: 1.1 });
  expect(worst(null, 0.5)).toMatchObject({ what: 'error (at worst case 0)', found: null });
});
