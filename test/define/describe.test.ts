import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  avg,
  count,
  describeAggregation,
  describeWindow,
  distinct,
  first,
  last,
  lastN,
  lifetime,
  max,
  min,
  rate,
  share,
  stddev,
  sum,
  timeSinceLast,
  view,
  type Where,
} from '../../src/define/index.ts';
import { base } from './transaction.ts';

const big: Where = { amount: { gte: 1000 } };

describe('an aggregation says what it is', () => {
  test.each<[Aggregation, string]>([
    [count({ window: '1h' }), 'Number of events in the last 1h.'],
    [sum('amount', { window: '24h' }), 'Sum of amount in the last 24h.'],
    [avg('amount', { window: '90s' }), 'Mean of amount in the last 90s.'],
    [min('amount', { window: '7d' }), 'Smallest amount in the last 7d.'],
    [max('amount', { window: '7d' }), 'Largest amount in the last 7d.'],
    [stddev('amount', { window: '30d' }), 'Population standard deviation of amount in the last 30d.'],
    [last('amount', { window: '30d' }), 'amount of the newest event in the last 30d.'],
    [first('amount', { window: '30d' }), 'amount of the oldest event in the last 30d.'],
    [lastN('amount', { n: 5, window: '1h' }), 'At most 5 values of amount, newest first, in the last 1h.'],
    [rate({ window: '5m', delay: '1h' }), 'Events a second in the 5m that ended 1h ago.'],
    [timeSinceLast({ window: '30d' }), 'Seconds since the newest event in the last 30d.'],
    [
      timeSinceLast({ window: '30d', where: big }),
      'Seconds since the newest event with amount ≥ 1000 in the last 30d.',
    ],
    [distinct('merchantId', { window: '1h' }), 'Number of different values of merchantId in the last 1h.'],
    [share('fraud', { window: '7d', delay: '7d' }), 'Share of events whose fraud is true in the 7d that ended 7d ago.'],
    [count({ window: '24h', where: big }), 'Number of events with amount ≥ 1000 in the last 24h.'],
    [
      avg('amount', { window: lifetime({ idle: '24h' }) }),
      'Mean of amount, running; forgets after 24h without an event.',
    ],
  ])('%#: %o', (aggregation, sentence) => {
    expect(describeAggregation(aggregation)).toBe(sentence);
  });

  test('and its window in the words of a definition', () => {
    expect(describeWindow(count({ window: '90m' }))).toBe('90m');
    expect(describeWindow(count({ window: '1d', delay: '168h' }))).toBe('24h, 7d ago');
    expect(describeWindow(count({ window: lifetime({ idle: '24h' }) }))).toBe('lifetime, idle 24h');
  });

  test('unless the definition has better words', () => {
    const { features } = view('profile', {
      ...base,
      features: { a: count({ window: '1h' }), b: count({ window: '1h', description: 'How busy it is.' }) },
    });
    expect(features.map(({ description }) => description)).toEqual([
      'Number of events in the last 1h.',
      'How busy it is.',
    ]);
  });
});
