import {
  type Aggregation,
  avg,
  count,
  type Duration,
  distinct,
  entity,
  event,
  last,
  max,
  min,
  share,
  stddev,
  sum,
  type View,
  view,
  type Where,
} from '../../src/define/index.ts';
import type { EventInput } from '../../src/engine/index.ts';

/** A small event, and views of it, for tests that tell of behaviour by example. */
export const payment = event('Payment', {
  description: 'Somebody pays.',
  id: 'paymentId',
  time: 'paidAt',
  fields: {
    paymentId: { type: 'id', description: 'The key of idempotence.' },
    userId: { type: 'id', description: 'Who pays.' },
    shopId: { type: 'id', description: 'Whom.' },
    amount: { type: 'number', description: 'How much.' },
    fraud: { type: 'boolean', optional: true, label: true, description: 'Known late.' },
    paidAt: { type: 'time', optional: true, description: 'When.' },
  },
});

const user = entity('User', { description: 'Who pays.' });
const shop = entity('Shop', { description: 'Who is paid.' });

/** A view of a user's payments with the features of a test. */
export function spending(
  features: { readonly [name: string]: Aggregation },
  name = 'spending',
  history: Duration = '24h',
): View {
  const options = { version: 1, entity: user, from: payment, by: 'userId', description: 'How a user pays.' } as const;
  return view(name, { ...options, history, features: features as { [name: string]: ReturnType<typeof count> } });
}

const big: Where = { amount: { gte: 100 } };

/** One feature of each kind, over windows from a minute to thirty days. */
export const everything = spending(
  {
    count1m: count({ window: '1m' }),
    count24h: count({ window: '24h' }),
    bigCount1h: count({ window: '1h', where: big }),
    sum30d: sum('amount', { window: '30d' }),
    avg1h: avg('amount', { window: '1h' }),
    min24h: min('amount', { window: '24h' }),
    max24h: max('amount', { window: '24h' }),
    stddev30d: stddev('amount', { window: '30d' }),
    fraudRate1d: share('fraud', { window: '24h', delay: '7d' }),
    shops24h: distinct('shopId', { window: '24h' }),
    lastAmount: last('amount', { window: '30d' }),
    lastAt: last('paidAt', { window: '30d' }),
  },
  'everything',
);

/** What a shop takes in: a second view of the same event, of another entity. */
export const takings = view('takings', {
  version: 1,
  entity: shop,
  from: payment,
  by: 'shopId',
  description: 'What a shop takes in.',
  features: { sum24h: sum('amount', { window: '24h' }), users24h: distinct('userId', { window: '24h' }) },
});

let payments = 0;

/** A payment; what a test does not say is ordinary, and its id is new. */
export function pay(fields: EventInput = {}): EventInput {
  payments += 1;
  return { paymentId: `payment ${payments}`, userId: 'ada', shopId: 'baker', amount: 10, ...fields };
}
