import { describe, expect, test } from 'vitest';
import { avg, count, last, lastN, lifetime, ratio, share, view } from '../../src/define/index.ts';
import { base } from './transaction.ts';

const profile = view('user_risk_profile', {
  ...base,
  features: {
    txnCount5m: count({ window: '5m' }),
    fraudRate7d: share('fraud', { window: '7d', delay: '7d' }),
    avgTxnAmount: avg('amount', { window: lifetime({ idle: '24h' }) }),
    bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),
  },
  derived: { burst: (features) => features.txnCount5m / features.bigTxnCount24h },
});

describe('a view', () => {
  test('has a GraphQL type and hash fields named after it', () => {
    expect(profile.typeName).toBe('UserRiskProfile');
    expect(profile.features.map(({ hashField }) => hashField)).toEqual([
      'txn_count_5m',
      'fraud_rate_7d',
      'avg_txn_amount',
      'big_txn_count_24h',
    ]);
  });

  test('keeps its features in the order in which they were written', () => {
    expect(profile.features.map(({ name }) => name)).toEqual([
      'txnCount5m',
      'fraudRate7d',
      'avgTxnAmount',
      'bigTxnCount24h',
    ]);
  });

  test('knows each window in milliseconds', () => {
    expect(profile.features.map(({ aggregation }) => aggregation.window)).toMatchObject([
      { kind: 'sliding', lengthMs: 300_000, delayMs: 0 },
      { kind: 'sliding', lengthMs: 604_800_000, delayMs: 604_800_000 },
      { kind: 'lifetime', idleMs: 86_400_000 },
      { kind: 'sliding', lengthMs: 86_400_000, delayMs: 0 },
    ]);
  });

  test('reaches a day back, or as far as it says', () => {
    expect(profile.historyMs).toBe(86_400_000);
    const features = { busy: count({ window: '1h' }) };
    expect(view('profile', { ...base, history: '90s', features }).historyMs).toBe(90_000);
  });

  test('derives values from its features as numbers', () => {
    const [burst] = profile.derived;
    expect(burst?.name).toBe('burst');
    expect(burst?.compute({ txnCount5m: 3, bigTxnCount24h: 4 })).toBe(0.75);
    expect(burst?.compute({ txnCount5m: 3, bigTxnCount24h: Number.NaN })).toBeNaN();
  });
});

describe('a ratio', () => {
  const { derived } = view('profile', {
    ...base,
    features: {
      txnCount5m: count({ window: '5m' }),
      lastAmount: last('amount', { window: '1h' }),
      amounts: lastN('amount', { n: 3, window: '1h' }),
    },
    derived: {
      burst: ratio('lastAmount', 'txnCount5m'),
      worded: ratio('txnCount5m', 'lastAmount', { description: 'Better words.' }),
      spread: ({ amounts }) => Math.max(...amounts) - Math.min(...amounts),
    },
  });
  const [burst, worded, spread] = derived;

  test('is one feature over another', () => {
    expect(burst?.compute({ lastAmount: 12, txnCount5m: 4 })).toBe(3);
    expect([burst?.ratio, spread?.ratio]).toEqual([['lastAmount', 'txnCount5m'], null]);
  });

  test('says what it is, unless the definition has better words', () => {
    expect(burst?.description).toBe('lastAmount over txnCount5m, computed when it is read.');
    expect(worded?.description).toBe('Better words.');
  });

  test('stands beside derivations, which see lists as they are', () => {
    expect(spread?.compute({ amounts: [3, 9, 5] })).toBe(6);
  });
});
