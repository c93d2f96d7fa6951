import {
  avg,
  count,
  distinct,
  entity,
  event,
  last,
  lifetime,
  max,
  share,
  stddev,
  sum,
  view,
} from '../../src/define/index.ts';
import type { EventInput } from '../../src/engine/index.ts';
import type { Fields, History } from '../support/oracle.ts';
import { newBuilder } from './deployments.ts';
import { freshId } from './service.ts';

export const payer = entity('Payer', { description: 'Who pays.' });

export const payment = event('Payment', {
  description: 'Somebody pays.',
  id: 'paymentId',
  time: 'paidAt',
  fields: {
    paymentId: { type: 'id', description: 'Its id.' },
    payerId: { type: 'id', description: 'Who pays.' },
    shopId: { type: 'id', description: 'Whom.' },
    amount: { type: 'number', description: 'How much.' },
    fraud: { type: 'boolean', optional: true, description: 'Whether it was fraud.' },
    paidAt: { type: 'time', description: 'When.' },
  },
});

/** One feature of each kind, over windows that a log with few singles soon cuts. */
export const habits = view('payer_habits', {
  version: 1,
  entity: payer,
  from: payment,
  by: 'payerId',
  description: 'How somebody pays.',
  history: '2h',
  features: {
    count10m: count({ window: '10m' }),
    sum10m: sum('amount', { window: '10m' }),
    avg10m: avg('amount', { window: '10m' }),
    max10m: max('amount', { window: '10m' }),
    stddev10m: stddev('amount', { window: '10m' }),
    fraudRate10m: share('fraud', { window: '10m' }),
    shops10m: distinct('shopId', { window: '10m' }),
    lastAmount1h: last('amount', { window: '1h' }),
    lastFraud1h: last('fraud', { window: '1h' }),
    lastAt1h: last('paidAt', { window: '1h' }),
    average: avg('amount', { window: lifetime({ idle: '1h' }) }),
  },
  derived: {
    perShop: (f) => f.count10m / f.shops10m,
    aboveAverage: (f) => f.max10m - f.average,
  },
});

export const features = habits.features.map(({ name }) => name);
/** Those that go by windows, of which all of the history can be told. */
export const windowed = features.filter((name) => name !== 'average');
export const accuracyOfAll = `accuracy(features: [${features.join(' ')}]) { feature exact lower upper method }`;

function habitsSchema() {
  const builder = newBuilder();
  const type = builder.entityType(payer, {
    fields: (t) => ({ habits: t.featureView(habits), habitsSeries: t.featureViewSeries(habits) }),
  });
  builder.queryFields((t) => ({
    payer: t.entity(payer),
    payers: t.entities(payer),
    crowd: t.field({
      authScopes: { known: true },
      type: [type],
      nullable: false,
      args: { size: t.arg.int({ required: true }) },
      resolve: (_, { size }) => Array.from({ length: size }, (_, i) => ({ id: `p${i}` })),
    }),
  }));
  builder.mutationType({
    fields: (t) => ({ recordPayment: t.record(payment), recordPayments: t.recordMany(payment) }),
  });
  builder.subscriptionType({ fields: (t) => ({ payerHabitsUpdated: t.featureUpdates(habits) }) });
  return builder.toSchema({ views: [habits] });
}

export const schema = habitsSchema();

/** A payment, its amount and shop by its number. */
export function pay(payerId: string, paidAt: number, number = 0): EventInput {
  return {
    paymentId: freshId('payment'),
    payerId,
    shopId: `shop ${number % 7}`,
    amount: (number * 37) % 101,
    fraud: number % 3 === 0,
    paidAt,
  };
}

/** One payment a second, the last of them at `end`. */
export function stream(payerId: string, length: number, end: number): EventInput[] {
  return Array.from({ length }, (_, i) => pay(payerId, end - 1_000 * (length - 1 - i), i));
}

/** What the oracle takes these payments for. */
export function historyOf(payments: readonly EventInput[]): History {
  return payments.map((fields) => ({
    fields: fields as Fields,
    at: Number(fields.paidAt),
    arrivedAt: Number(fields.paidAt),
  }));
}

export interface Accuracy {
  readonly feature: string;
  readonly exact: boolean;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly method: string;
}

/** A vector as it is asked for with its accuracy. */
export interface AnsweredHabits {
  readonly id: string;
  readonly accuracy: readonly Accuracy[];
  readonly freshness: {
    readonly revision: string;
    readonly asOf: string;
    readonly validUntil: string | null;
    readonly lastEventAt: string | null;
  };
  readonly [feature: string]: unknown;
}

export const everything = `id ${features.join(' ')} ${accuracyOfAll} freshness { revision asOf validUntil lastEventAt }`;
