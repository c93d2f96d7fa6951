/** What the compiler must accept and refuse in a definition; checked by tsc, never run. */

import {
  avg,
  count,
  distinct,
  event,
  first,
  last,
  lastN,
  lifetime,
  max,
  rate,
  ratio,
  share,
  sum,
  timeSinceLast,
  view,
} from '../../src/define/index.ts';
import { base } from './transaction.ts';

// Every aggregation, window and filter that makes sense compiles. -------------------------------------------------------

view('user_risk_profile', {
  ...base,
  features: {
    txnCount5m: count({ window: '5m' }),
    avgTxnAmount: avg('amount', { window: lifetime({ idle: '24h' }) }),
    uniqueDevices24h: distinct('deviceId', { window: '24h' }),
    fraudRate7d: share('fraud', { window: '7d', delay: '7d' }),
    bigFraudCount24h: count({ window: '24h', where: { amount: { gte: 1000, lt: 1e6 }, fraud: { eq: true } } }),
    knownDeviceCount: count({ window: '1h', where: { deviceId: { in: ['a', 'b'] }, userId: { ne: 'nobody' } } }),
    lastTxnAt: last('occurredAt', { window: '30d' }),
    lastFraud: last('fraud', { window: '30d', where: {} }),
    firstAmount: first('amount', { window: '30d', delay: '1d', where: { fraud: { eq: true } } }),
    lastAmounts: lastN('amount', { n: 5, window: '30d', where: { fraud: { eq: true } } }),
    fraudsPerSecond: rate({ window: '5m', delay: '7d', where: { fraud: { eq: true } } }),
    sinceLastFraud: timeSinceLast({ window: '30d', where: { fraud: { eq: true } } }),
  },
  derived: {
    burst: (features) => features.txnCount5m / features.bigFraudCount24h,
    surprise: ({ lastAmounts, avgTxnAmount }) => Math.max(...lastAmounts) / avgTxnAmount,
    fraudRatio: ratio('bigFraudCount24h', 'txnCount5m'),
    worded: ratio('sinceLastFraud', 'fraudsPerSecond', { description: 'Nonsense.' }),
  },
});

// Fields. ---------------------------------------------------------------------------------------------------------------

// @ts-expect-error A misspelt field.
view('profile', { ...base, features: { a: avg('amuont', { window: '1h' }) } });

// @ts-expect-error The average of an id.
view('profile', { ...base, features: { a: avg('userId', { window: '1h' }) } });

// @ts-expect-error The sum of a time.
view('profile', { ...base, features: { a: sum('occurredAt', { window: '1h' }) } });

// @ts-expect-error The largest boolean.
view('profile', { ...base, features: { a: max('fraud', { window: '1h' }) } });

// @ts-expect-error The share of a number.
view('profile', { ...base, features: { a: share('amount', { window: '1h' }) } });

// @ts-expect-error The last id.
view('profile', { ...base, features: { a: last('deviceId', { window: '1h' }) } });

// @ts-expect-error The first id.
view('profile', { ...base, features: { a: first('deviceId', { window: '1h' }) } });

// @ts-expect-error A list of ids.
view('profile', { ...base, features: { a: lastN('deviceId', { n: 5, window: '1h' }) } });

// @ts-expect-error A list without a length.
lastN('amount', { window: '1h' });

// @ts-expect-error A rate of a field.
rate('amount', { window: '1h' });

// @ts-expect-error A count of different numbers.
view('profile', { ...base, features: { a: distinct('amount', { window: '1h' }) } });

// @ts-expect-error An entity whose id is a number.
view('profile', { ...base, by: 'amount', features: { a: count({ window: '1h' }) } });

// @ts-expect-error An entity whose id may be left out.
view('profile', { ...base, by: 'deviceId', features: { a: count({ window: '1h' }) } });

// Windows. --------------------------------------------------------------------------------------------------------------

// @ts-expect-error A unit that does not exist.
count({ window: '1x' });

// @ts-expect-error No unit.
count({ window: '60' });

// @ts-expect-error No window.
count({});

// @ts-expect-error A delay for different values: they are kept only by when they were last seen.
distinct('deviceId', { window: '1h', delay: '1h' });

// @ts-expect-error A lifetime for different values.
distinct('deviceId', { window: lifetime({ idle: '1h' }) });

// @ts-expect-error A delay for the time since the newest event: it is told as of now.
timeSinceLast({ window: '1h', delay: '1h' });

// @ts-expect-error A lifetime for a rate, which would have no length to be over.
rate({ window: lifetime({ idle: '1h' }) });

// @ts-expect-error A lifetime for the first value.
first('amount', { window: lifetime({ idle: '1h' }) });

// @ts-expect-error A lifetime for a list.
lastN('amount', { n: 5, window: lifetime({ idle: '1h' }) });

// @ts-expect-error A delay for a lifetime.
view('profile', { ...base, features: { a: count({ window: lifetime({ idle: '1h' }), delay: '1h' }) } });

// @ts-expect-error A history without a unit.
view('profile', { ...base, history: '24', features: { a: count({ window: '1h' }) } });

// Filters. --------------------------------------------------------------------------------------------------------------

declare const threshold: number | undefined;

// @ts-expect-error A misspelt field.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amuont: { gte: 1 } } }) } });

// @ts-expect-error A misspelt field beside a good one.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: { gt: 3 }, amuont: { gt: 1 } } }) } });

// @ts-expect-error A number compared with a string.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: { eq: 'x' } } }) } });

// @ts-expect-error An order of ids.
view('profile', { ...base, features: { a: count({ window: '1h', where: { userId: { gte: 'x' } } }) } });

// @ts-expect-error A filter by time, which windows are for.
view('profile', { ...base, features: { a: count({ window: '1h', where: { occurredAt: { eq: 1 } } }) } });

// @ts-expect-error An operator that does not exist.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: { above: 1 } } }) } });

// @ts-expect-error A condition without an operator, which would hold of every event.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: {} } }) } });

// @ts-expect-error The same beside a good one.
view('profile', { ...base, features: { a: count({ window: '1h', where: { fraud: { eq: true }, amount: {} } }) } });

// @ts-expect-error No condition.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: undefined } }) } });

// @ts-expect-error A threshold that may not be set.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: { gte: threshold } } }) } });

// @ts-expect-error The same beside a good one.
view('profile', { ...base, features: { a: count({ window: '1h', where: { amount: { gte: threshold, lt: 9 } } }) } });

// @ts-expect-error A misspelt field in the filter of a list.
view('profile', { ...base, features: { a: lastN('amount', { n: 5, window: '1h', where: { amuont: { gte: 1 } } }) } });

// @ts-expect-error The same for the time since the newest event.
view('profile', { ...base, features: { a: timeSinceLast({ window: '1h', where: { amuont: { gte: 1 } } }) } });

// Names. ----------------------------------------------------------------------------------------------------------------

// @ts-expect-error A feature with a name that every view has.
view('profile', { ...base, features: { id: count({ window: '1h' }) } });

// @ts-expect-error The same among good ones.
view('profile', { ...base, features: { a: count({ window: '1h' }), freshness: count({ window: '1h' }) } });

// @ts-expect-error A derivation of a feature that does not exist.
view('profile', { ...base, features: { a: count({ window: '1h' }) }, derived: { z: (features) => features.b } });

// @ts-expect-error A ratio of a misspelt feature.
view('profile', { ...base, features: { a: count({ window: '1h' }) }, derived: { z: ratio('a', 'b') } });

// @ts-expect-error A ratio of a list.
view('profile', { ...base, features: { a: lastN('amount', { n: 5, window: '1h' }) }, derived: { z: ratio('a', 'a') } });

// @ts-expect-error A list taken for a number.
view('profile', { ...base, features: { a: lastN('amount', { n: 5, window: '1h' }) }, derived: { z: (f) => f.a / 2 } });

// @ts-expect-error A derived value with a name that every view has.
view('profile', { ...base, features: { a: count({ window: '1h' }) }, derived: { id: (features) => features.a } });

// Events. ---------------------------------------------------------------------------------------------------------------

const fields = { key: { type: 'id', description: '' }, at: { type: 'time', description: '' } } as const;

const happening = { description: '', fields, id: 'key', time: 'at' } as const;

event('Happening', happening);

// @ts-expect-error An event whose id is a time.
event('Happening', { ...happening, id: 'at' });

// @ts-expect-error An event whose time is an id.
event('Happening', { ...happening, time: 'key' });

// @ts-expect-error A type of field that does not exist.
event('Happening', { ...happening, fields: { ...fields, size: { type: 'int', description: '' } } });
