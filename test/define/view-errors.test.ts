import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  avg,
  count,
  DefinitionError,
  distinct,
  event,
  first,
  last,
  lastN,
  lifetime,
  rate,
  ratio,
  share,
  sum,
  timeSinceLast,
  type View,
  view,
  type Where,
} from '../../src/define/index.ts';
import { base } from './transaction.ts';

/** As one who comes without types: what TypeScript refuses is refused again at start. */
type Untyped = (name: string, definition: { readonly [option: string]: unknown }) => View;
const define = view as unknown as Untyped;
const withFeatures = (features: { [name: string]: unknown }) => define('profile', { ...base, features });
const filtered = (where: object | null) => withFeatures({ busy: count({ window: '1h', where: where as Where }) });
const one = { busy: count({ window: '1h' }) };

/** Asserts that a definition is refused with a message that has all these parts. */
function refused(definition: () => unknown, ...parts: string[]) {
  expect(definition).toThrow(DefinitionError);
  for (const part of parts) expect(definition).toThrow(part);
}

describe('a view is refused, by its name,', () => {
  test.each(['Profile', 'user-profile', 'user__profile', '_profile', 'profile_', '1st', 'a:b', 'a{b}', ''])(
    'when it is called %j',
    (name) => refused(() => define(name, { ...base, features: one }), `view ${name}`, 'snake_case'),
  );

  test.each([0, -1, 1.5, Number.NaN, '1'])('when its version is %j', (version) => {
    refused(() => define('profile', { ...base, version, features: one }), 'view profile', 'version', String(version));
  });

  test.each(['amount', 'deviceId', 'nobody'])('when %s is to hold the id of its entity', (by) => {
    refused(() => define('profile', { ...base, by, features: one }), 'view profile', `not ${by}`);
  });

  test.each(['0h', '24', 'a day', '3661d', 24, null])('when its history is %j', (history) => {
    refused(() => define('profile', { ...base, history, features: one }), 'view profile, history', 'not a duration');
  });

  test('when it has no features', () => {
    refused(() => withFeatures({}), 'view profile', 'no features');
  });
});

describe('a feature is refused, by its name and that of its view,', () => {
  const at = 'view profile, feature busy';

  test.each(['Busy', 'how_busy', '1h', ''])('when it is called %j', (name) => {
    refused(() => withFeatures({ [name]: count({ window: '1h' }) }), `view profile, feature ${name}`, 'camelCase');
  });

  test.each<[string, Aggregation]>([
    ['has a field that the event lacks', avg('amuont', { window: '1h' })],
    ['averages an id', avg('userId', { window: '1h' })],
    ['sums a boolean', sum('fraud', { window: '1h' })],
    ['shares a number', share('amount', { window: '1h' })],
    ['takes the last id', last('deviceId', { window: '1h' })],
    ['takes the first id', first('deviceId', { window: '1h' })],
    ['lists ids', lastN('deviceId', { n: 1, window: '1h' })],
    ['counts different numbers', distinct('amount', { window: '1h' })],
    ['counts inherited fields', distinct('constructor', { window: '1h' })],
  ])('when it %s', (_, aggregation) => {
    refused(() => withFeatures({ busy: aggregation }), at, String(aggregation.field));
  });

  test('when it counts different values in a window that does not end now', () => {
    const untyped = distinct as (field: string, options: object) => Aggregation;
    const delayed = untyped('userId', { window: '1h', delay: '1h' });
    const running = untyped('userId', { window: lifetime({ idle: '1h' }) });
    refused(() => withFeatures({ busy: delayed }), at, 'distinct');
    refused(() => withFeatures({ busy: running }), at, 'distinct');
  });

  test('when it tells how long ago something was in a window that does not end now', () => {
    const untyped = timeSinceLast as (options: object) => Aggregation;
    refused(() => withFeatures({ busy: untyped({ window: '1h', delay: '1h' }) }), at, 'timeSinceLast');
  });

  test.each<[string, (options: object) => Aggregation]>([
    ['rate', (options) => rate(options as { window: '1h' })],
    ['first', (options) => first('amount', options as { window: '1h' })],
    ['lastN', (options) => lastN('amount', { n: 1, ...options } as { n: number; window: '1h' })],
    ['timeSinceLast', (options) => timeSinceLast(options as { window: '1h' })],
  ])('when it takes a %s over a lifetime', (kind, make) => {
    refused(() => withFeatures({ busy: make({ window: lifetime({ idle: '1h' }) }) }), at, kind, 'lifetime');
  });

  test.each([0, 101, 1.5, -1, Number.NaN, '5', undefined])('when it lists the last %j', (n) => {
    const list = lastN('amount', { n: n as number, window: '1h' });
    refused(() => withFeatures({ busy: list }), at, 'from 1 to 100', `not ${n}`);
  });

  test('when it is no aggregation', () => {
    refused(() => withFeatures({ busy: { kind: 'median', window: { kind: 'sliding' } } }), at);
    refused(() => withFeatures({ busy: '1h' }), at);
  });

  test.each([undefined, null, 3600, {}])('when its window is %j', (window) => {
    const untyped = count as unknown as (options: object) => Aggregation;
    refused(() => withFeatures({ busy: untyped({ window }) }), at, 'window', 'is not a duration');
  });

  test.each([
    [{ amuont: { gt: 1 } }, 'amuont'],
    [{ amount: { above: 1 } }, 'above'],
    [{ amount: { eq: 'x' } }, 'where.amount.eq'],
    [{ amount: { gt: null } }, 'where.amount.gt'],
    [{ amount: { gt: Number.NaN } }, 'where.amount.gt'],
    [{ amount: { in: 1 } }, 'where.amount.in'],
    [{ amount: { in: [1, 'x'] } }, 'where.amount.in'],
    [{ userId: { gte: 'x' } }, 'where.userId.gte'],
    [{ fraud: { eq: 1 } }, 'where.fraud.eq'],
    [{ occurredAt: { eq: 1 } }, 'where.occurredAt.eq'],
    [{ amount: { constructor: 1 } }, 'operator constructor'],
    [null, 'where must be an object'],
    [{ amount: {} }, 'where.amount must be'],
    [{ amount: undefined }, 'where.amount must be'],
    [{ amount: null }, 'where.amount must be'],
    [{ amount: 5 }, 'where.amount must be'],
    [{ amount: [5] }, 'where.amount must be'],
    [{ fraud: { eq: true }, amount: {} }, 'where.amount must be'],
    [{ amount: { gte: undefined } }, 'where.amount.gte'],
    [{ amount: { gte: 5, lt: undefined } }, 'where.amount.lt'],
    [{ amount: { in: [] } }, 'where.amount.in'],
  ])('when its filter is %o', (where, part) => {
    refused(() => filtered(where), at, part);
  });

  test.each(['id', 'freshness', 'accuracy'])('when it takes the name %s, which every view has', (name) => {
    refused(() => withFeatures({ [name]: count({ window: '1h' }) }), `view profile, feature ${name}`, 'reserved');
    refused(() => define('profile', { ...base, features: one, derived: { [name]: () => 1 } }), name, 'reserved');
  });

  test.each(['true', 'false', 'null'])('when it is called %s, which is no value of an enum', (name) => {
    refused(() => withFeatures({ [name]: count({ window: '1h' }) }), `view profile, feature ${name}`, 'GraphQL');
  });

  test('when a derived value has its name', () => {
    refused(() => define('profile', { ...base, features: one, derived: { busy: () => 1 } }), at, 'taken');
  });

  test('when it is a ratio of what its view does not store as one number', () => {
    const deriving = (features: object, derived: object) => () => define('profile', { ...base, features, derived });
    const atShare = 'view profile, derived share';
    refused(deriving(one, { share: ratio('busy', 'bussy') }), atShare, 'bussy');
    refused(deriving(one, { other: () => 1, share: ratio('other', 'busy') }), atShare, 'other');
    const list = { busy: lastN('amount', { n: 2, window: '1h' }) };
    refused(deriving(list, { share: ratio('busy', 'busy') }), atShare, 'busy is a list');
  });

  test.each([null, 5, 'busy', {}])('when it is derived by %j', (derivation) => {
    refused(
      () => define('profile', { ...base, features: one, derived: { z: derivation } }),
      'view profile, derived z',
      'neither',
    );
  });

  test('when it would share a hash field with another', () => {
    const features = { aBC: count({ window: '1h' }), aBc: count({ window: '2h' }) };
    refused(() => withFeatures(features), 'view profile, feature aBc', 'a_bc', 'aBC');
  });
});

describe('an event is refused, by its name,', () => {
  const untyped = event as unknown as (name: string, definition: { [option: string]: unknown }) => unknown;
  const fields = {
    key: { type: 'id' },
    maybe: { type: 'id', optional: true },
    at: { type: 'time' },
    size: { type: 'number' },
  };

  test.each([
    [{ id: 'size', time: 'at' }, 'id must name'],
    [{ id: 'maybe', time: 'at' }, 'cannot be optional'],
    [{ id: 'key', time: 'size' }, 'time must name'],
    [{ id: 'nothing', time: 'at' }, 'id must name'],
  ])('when its id and time are %o', (names, part) => {
    refused(() => untyped('Happening', { description: '', fields, ...names }), 'event Happening', part);
  });
});
