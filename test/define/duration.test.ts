import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { count, DefinitionError, type Duration, formatDuration, lifetime, view } from '../../src/define/index.ts';
import { base } from './transaction.ts';

/** How a definition reads a duration: as the length of a window. */
function lengthOf(text: string): number {
  const [feature] = view('profile', { ...base, features: { busy: count({ window: text as Duration }) } }).features;
  return feature?.aggregation.window.kind === 'sliding' ? feature.aggregation.window.lengthMs : Number.NaN;
}

describe('a duration', () => {
  test.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['1d', 86_400_000],
    ['30d', 2_592_000_000],
    ['3660d', 316_224_000_000],
  ])('%s is %i ms', (text, ms) => {
    expect(lengthOf(text)).toBe(ms);
  });

  test.each([
    '',
    '5',
    'm',
    '0s',
    '-1m',
    '1.5h',
    '1e3s',
    '5x',
    '5 m',
    ' 5m',
    '5m ',
    '1h30m',
    '3661d',
    '99999999999999999s',
  ])('%j is refused, with what was expected', (text) => {
    expect(() => lengthOf(text)).toThrow(DefinitionError);
    expect(() => lengthOf(text)).toThrow(
      `view profile, feature busy, window: ${JSON.stringify(text)} is not a duration; expected a whole`,
    );
  });

  test('says whether it was the window, the delay or the idle time that was wrong', () => {
    const delayed = count({ window: '1h', delay: '0m' });
    expect(() => view('profile', { ...base, features: { delayed } })).toThrow('feature delayed, delay: "0m"');
    const running = count({ window: lifetime({ idle: '0d' }) });
    expect(() => view('profile', { ...base, features: { running } })).toThrow('feature running, idle: "0d"');
  });

  test.each([
    [1_000, '1s'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [86_400_000, '24h'],
    [604_800_000, '7d'],
    [129_600_000, '36h'],
    [1_500, '1500ms'],
  ])('%i ms is written %s, in the largest unit that divides it, a day in hours', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 316_224_000 }), (seconds) => {
        expect(lengthOf(formatDuration(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });
});
