import { describe, expect, test } from 'vitest';
import {
  avg,
  count,
  derivedSignature,
  featureSignature,
  first,
  last,
  lastN,
  lifetime,
  max,
  rate,
  ratio,
  timeSinceLast,
  type View,
  view,
} from '../../src/define/index.ts';
import { base, transaction } from './transaction.ts';

/** The signature of a view's only feature. */
function signatureOf(one: View): string {
  const [feature] = one.features;
  if (!feature) throw new Error('the view has no feature');
  return featureSignature(one, feature);
}

const hourly = view('profile', {
  ...base,
  features: { busy: count({ window: '1h', where: { amount: { gt: 1, lt: 9 } } }) },
});

describe("a feature's signature", () => {
  test('stays when only names, words, the history, or the order of a filter change', () => {
    const same = view('other_profile', {
      ...base,
      version: 2,
      description: 'In other words.',
      history: '7d',
      features: { calm: count({ window: '60m', description: 'Other.', where: { amount: { lt: 9, gt: 1 } } }) },
    });
    expect(signatureOf(same)).toBe(signatureOf(hourly));
  });

  test('stays when a list of alternatives is only sorted otherwise', () => {
    const among = (...ids: string[]) =>
      view('profile', { ...base, features: { x: count({ window: '1h', where: { deviceId: { in: ids } } }) } });
    expect(signatureOf(among('b', 'a', 'b'))).toBe(signatureOf(among('a', 'b')));
  });

  test('differs when the meaning does', () => {
    const profiles = [
      view('profile', { ...base, features: { x: count({ window: '1h' }) } }),
      view('profile', { ...base, features: { x: count({ window: '2h' }) } }),
      view('profile', { ...base, features: { x: count({ window: '1h', delay: '1h' }) } }),
      view('profile', { ...base, features: { x: count({ window: lifetime({ idle: '1h' }) }) } }),
      view('profile', { ...base, features: { x: count({ window: '1h', where: { amount: { gt: 1 } } }) } }),
      view('profile', { ...base, features: { x: count({ window: '1h', where: { amount: { gte: 1 } } }) } }),
      view('profile', { ...base, features: { x: avg('amount', { window: '1h' }) } }),
      view('profile', { ...base, features: { x: max('amount', { window: '1h' }) } }),
      view('profile', { ...base, features: { x: rate({ window: '1h' }) } }),
      view('profile', { ...base, features: { x: timeSinceLast({ window: '1h' }) } }),
      view('profile', { ...base, features: { x: first('amount', { window: '1h' }) } }),
      view('profile', { ...base, features: { x: last('amount', { window: '1h' }) } }),
      view('profile', { ...base, features: { x: lastN('amount', { n: 1, window: '1h' }) } }),
      view('profile', { ...base, features: { x: lastN('amount', { n: 2, window: '1h' }) } }),
      view('profile', { ...base, by: 'transactionId', features: { x: count({ window: '1h' }) } }),
      view('profile', {
        ...base,
        from: { ...transaction, time: 'bookedAt' },
        features: { x: count({ window: '1h' }) },
      }),
      view('profile', { ...base, from: { ...transaction, id: 'userId' }, features: { x: count({ window: '1h' }) } }),
    ];
    expect(new Set(profiles.map(signatureOf)).size).toBe(profiles.length);
  });
});

test("a ratio's signature names its features, in order, and no words", () => {
  const { derived } = view('profile', {
    ...base,
    features: { a: count({ window: '1h' }), b: count({ window: '2h' }) },
    derived: {
      one: ratio('a', 'b'),
      same: ratio('a', 'b', { description: 'Other words.' }),
      other: ratio('b', 'a'),
      source: (f) => f.a / f.b,
    },
  });
  expect(derived.map(derivedSignature)).toEqual([
    'ratio(a, b)',
    'ratio(a, b)',
    'ratio(b, a)',
    'derived (f) => f.a / f.b',
  ]);
});
