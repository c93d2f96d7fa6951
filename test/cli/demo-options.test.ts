import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/cli/demo/options.ts';
import { UsageError } from '../../src/cli/usage-error.ts';

describe('the options of the demo', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({
      url: null,
      historyMs: 30 * 86_400_000,
      rate: 20,
      dayMs: 600_000,
      customers: 100,
      terminals: 200,
      seed: 1,
      seconds: null,
    });
  });

  it('are read', () => {
    const text = '--history 7d --rate 0.5 --day 24h --customers 1000 --terminals 7 --seed 0 --seconds 2.5';
    expect(readOptions(text.split(' '))).toEqual({
      url: null,
      historyMs: 7 * 86_400_000,
      rate: 0.5,
      dayMs: 86_400_000,
      customers: 1000,
      terminals: 7,
      seed: 0,
      seconds: 2.5,
    });
    expect(readOptions(['--history', '0'])).toMatchObject({ historyMs: 0 });
    expect(readOptions(['--help', '--rate', 'x'])).toBe(null);
  });

  it('record no past at another’s API unless they say so', () => {
    const url = 'http://10.0.0.1:4000/graphql';
    expect(readOptions(['--url', url])).toMatchObject({ url, historyMs: 0 });
    expect(readOptions(['--url', url, '--history', '2d'])).toMatchObject({ historyMs: 2 * 86_400_000 });
  });

  it.each([
    ['--rate', '0'],
    ['--rate', 'fast'],
    ['--rate', '10001'],
    ['--day', '10'],
    ['--history', '0d'],
    ['--customers', '0'],
    ['--customers', '1e3'],
    ['--terminals', '10001'],
    ['--seed', '4294967296'],
    ['--seconds', '1m'],
    ['--url', '127.0.0.1:4000'],
    ['--url', 'ws://127.0.0.1:4000/graphql'],
    ['--customer', '5'],
    ['--seed', '-1'],
  ])('that are wrong are named in one line: %s %s', (option, value) => {
    let error: unknown;
    try {
      readOptions([option, value]);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(new RegExp(`^.*${option}\\b.*$`));
  });
});
