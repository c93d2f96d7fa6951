import {
  avg,
  count,
  distinct,
  entity,
  event,
  first,
  last,
  lastN,
  lifetime,
  max,
  min,
  rate,
  ratio,
  share,
  stddev,
  sum,
  timeSinceLast,
  view,
} from '../../src/define/index.ts';
import { newBuilder } from '../graphql/deployments.ts';

export const buyer = entity('Buyer', { description: 'Who orders.' });
export const shop = entity('Shop', { description: 'Where it is ordered.' });

export const order = event('Order', {
  description: 'An order of a buyer in a shop.',
  id: 'orderId',
  time: 'placedAt',
  fields: {
    orderId: { type: 'id', description: 'The id of the order.' },
    buyerId: { type: 'id', description: 'Who ordered.' },
    shopId: { type: 'id', description: 'Where.' },
    price: { type: 'number', description: 'For how much.' },
    placedAt: { type: 'time', optional: true, description: 'When.' },
    paid: { type: 'boolean', optional: true, description: 'Whether it was paid at once.' },
    dueAt: { type: 'time', optional: true, description: 'When it is due.' },
    coupon: { type: 'id', optional: true, description: 'What made it cheaper.' },
    fraud: { type: 'boolean', optional: true, label: true, description: 'Whether it was fraud.' },
  },
});

/** So many orders within 30 days make the derivation `fragile` fail. */
export const fragileCount = 3;

/** Every kind of feature, and derivations that fail or come to nothing. */
export const habits = view('buyer_habits', {
  version: 1,
  entity: buyer,
  from: order,
  by: 'buyerId',
  description: 'How a buyer orders.',
  history: '12d',
  features: {
    orders30d: count({ window: '30d' }),
    dearOrders30d: count({ window: '30d', where: { price: { gte: 100 } } }),
    rate7d: rate({ window: '7d' }),
    spent30d: sum('price', { window: '30d' }),
    running: avg('price', { window: lifetime({ idle: '60d' }) }),
    mean30d: avg('price', { window: '30d' }),
    spread30d: stddev('price', { window: '30d' }),
    least30d: min('price', { window: '30d' }),
    most30d: max('price', { window: '30d' }),
    frauds7d: share('fraud', { window: '7d', delay: '7d' }),
    shops30d: distinct('shopId', { window: '30d' }),
    firstPrice30d: first('price', { window: '30d' }),
    lastPaid30d: last('paid', { window: '30d' }),
    lastDue30d: last('dueAt', { window: '30d' }),
    prices30d: lastN('price', { window: '30d', n: 3 }),
    paid30d: lastN('paid', { window: '30d', n: 2 }),
    due30d: lastN('dueAt', { window: '30d', n: 2 }),
  },
  derived: {
    perShop: ratio('spent30d', 'shops30d'),
    endless: () => Number.POSITIVE_INFINITY,
    newest: ({ prices30d }) => prices30d[0] ?? Number.NaN,
    fragile: ({ orders30d }) => {
      if (orders30d === fragileCount) throw new Error('a fault of this derivation');
      return orders30d / 2;
    },
  },
});

/** What is true only at the moment at which it is read. */
export const recency = view('buyer_recency', {
  version: 1,
  entity: buyer,
  from: order,
  by: 'buyerId',
  description: 'How long ago a buyer ordered.',
  features: { sinceLast: timeSinceLast({ window: '30d' }), orders7d: count({ window: '7d' }) },
});

export const trade = view('shop_trade', {
  version: 1,
  entity: shop,
  from: order,
  by: 'shopId',
  description: 'What a shop sells.',
  features: { orders30d: count({ window: '30d' }), buyers30d: distinct('buyerId', { window: '30d' }) },
});

export const orderViews = [habits, recency, trade];

const builder = newBuilder();
const buyerType = builder.entityType(buyer, {
  fields: (t) => ({
    habits: t.featureView(habits),
    recency: t.featureView(recency),
    habitsSeries: t.featureViewSeries(habits),
    nickname: t.string({ authScopes: { known: true }, resolve: ({ id }) => `${id}y` }),
  }),
});
builder.entityType(shop, { fields: (t) => ({ trade: t.featureView(trade) }) });
builder.queryFields((t) => ({
  buyer: t.entity(buyer),
  buyers: t.entities(buyer),
  shop: t.entity(shop),
  shops: t.entities(shop),
  featureViews: t.featureViews(),
  searchEntities: t.searchEntities(),
  previewOrder: t.preview(order),
  regulars: t.field({
    authScopes: { known: true },
    type: [buyerType],
    resolve: () => [{ id: 'b1' }, { id: 'nobody' }],
  }),
  motto: t.string({ authScopes: { known: true }, resolve: () => 'Buy.' }),
}));
builder.mutationType({
  description: 'Mutations.',
  fields: (t) => ({
    recordOrder: t.record(order),
    recordOrders: t.recordMany(order),
    labelOrder: t.label(order),
    forgetBuyer: t.forget(buyer),
  }),
});
builder.subscriptionType({
  description: 'Subscriptions.',
  fields: (t) => ({ buyerHabitsUpdated: t.featureUpdates(habits) }),
});

/** A team's schema: every kind of feature, and fields of its own beside them. */
export const orderSchema = builder.toSchema({ views: orderViews, sortSchema: false });

/** What a compiled operation can do, type by type; anything else is for the reference. */
export const compilable: { readonly [type: string]: (field: string) => boolean } = {
  Query: (field) => ['buyer', 'buyers', 'shop', 'shops'].includes(field),
  Mutation: (field) => ['recordOrder', 'recordOrders'].includes(field),
  Buyer: (field) => !['habitsSeries', 'nickname'].includes(field),
  Shop: () => true,
  BuyerHabits: (field) => field !== 'accuracy',
  BuyerRecency: (field) => field !== 'accuracy',
  ShopTrade: (field) => field !== 'accuracy',
  Freshness: () => true,
  RecordOrderPayload: () => true,
  RecordOrdersPayload: () => true,
  RecordOrderResult: () => true,
};
