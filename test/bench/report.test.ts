import { expect, test } from 'vitest';
import { type CpuProfile, summarize } from '../../bench/report/cpu-profile.ts';
import { isMet, requirementTable, worstOf } from '../../bench/report/requirement.ts';
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

test('a requirement is a bound from above, or from below', () => {
  const requirement = (found: number | null, bound: 'at most' | 'at least') => ({
    what: 'speed',
    found,
    limit: 2,
    bound,
    show: digits,
  });
  expect([1, 2, 3].map((found) => isMet(requirement(found, 'at most')))).toEqual([true, true, false]);
  expect([1, 2, 3].map((found) => isMet(requirement(found, 'at least')))).toEqual([false, true, true]);
  expect(isMet(requirement(null, 'at least'))).toBe(false);
  expect(isMet(requirement(Number.NaN, 'at least'))).toBe(false);
  expect(requirementTable([requirement(1, 'at least')])).toMatch(/NOT MET {2}speed +1\.00 {2}at least 2\.00/);
});

test("a profile says whose code takes the time, and native code is its caller's", () => {
  const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 1 });
  const own = new URL('../../src/engine/engine.ts', import.meta.url).href;
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2, 4, 5, 6] },
      { id: 2, callFrame: frame('record', own), children: [3] },
      { id: 3, callFrame: frame('stringify', '') },
      { id: 4, callFrame: frame('(idle)', '') },
      { id: 5, callFrame: frame('(garbage collector)', '') },
      { id: 6, callFrame: frame('exec', 'file:///x/node_modules/@a/b/node_modules/iovalkey/built/Pipeline.js') },
    ],
    samples: [2, 3, 4, 5, 6, 6],
    timeDeltas: [10, 20, 50, 30, 15, 25],
  };
  const { idle, categories, files } = summarize(profile);
  expect(idle).toBeCloseTo(50 / 150);
  expect(categories.filter(({ share }) => share > 0)).toEqual([
    { name: 'package iovalkey', share: 0.4 },
    { name: 'own: src/engine', share: 0.3 },
    { name: 'garbage collection', share: 0.3 },
  ]);
  expect(files.map(({ name }) => name)).toContain('src/engine/engine.ts');
});
