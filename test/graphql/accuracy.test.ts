import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { CountingProxy } from '../support/counting-proxy.ts';
import { meets, valuesAt } from '../support/oracle.ts';
import { isCluster } from '../support/store.ts';
import {
  type Accuracy,
  type AnsweredHabits,
  accuracyOfAll,
  everything,
  features,
  habits,
  historyOf,
  pay,
  payment,
  schema,
  stream,
} from './past-payments.ts';
import { faults, nextOf, Service, type ServiceOptions, streamOf } from './service.ts';

const open = (options?: ServiceOptions) => Service.open(schema, [habits], options);
const openCrowded = () => open({ singles: 4 });

async function ask(service: Service, id: string): Promise<AnsweredHabits> {
  const { data, errors } = await service.run(`query ($id: ID!) { payer(id: $id) { habits { ${everything} } } }`, {
    id,
  });
  expect(errors).toBeUndefined();
  return (data as { payer: { habits: AnsweredHabits } }).payer.habits;
}

/** Holds what the engine tells of the past until it is let go. */
function holdPast(engine: Engine): { readonly begun: Promise<void>; letGo(): void } {
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const past = engine.pastEach.bind(engine);
  engine.pastEach = async (...args) => {
    begun.resolve();
    await held.promise;
    return past(...args);
  };
  return { begun: begun.promise, letGo: () => held.resolve() };
}

describe('of a log in which every event stands by itself, accuracy', () => {
  test('is exact, and says the value', async () => {
    const service = await open();
    await service.engine.record(payment, stream('ada', 20, await service.now()));
    const vector = await ask(service, 'ada');
    expect(vector.accuracy.map(({ feature }) => feature)).toEqual(features);
    for (const { feature, exact, lower, upper, method } of vector.accuracy) {
      const value = { lastAt1h: Date.parse(String(vector.lastAt1h)), lastFraud1h: Number(vector.lastFraud1h) }[feature];
      expect({ exact, method }).toEqual({ exact: true, method: 'EXACT' });
      expect([lower, upper]).toEqual(Array(2).fill(value ?? vector[feature]));
    }
  });

  test('is exact of nothing, too: zero, or null', async () => {
    const service = await open();
    const { accuracy } = await ask(service, 'nobody');
    expect(accuracy.every(({ exact }) => exact)).toBe(true);
    const of = (name: string) => accuracy.find(({ feature }) => feature === name);
    expect(of('count10m')).toMatchObject({ lower: 0, upper: 0 });
    expect(of('avg10m')).toMatchObject({ lower: null, upper: null });
  });

  test('is in the order asked', async () => {
    const service = await open();
    const { data } = await service.run(
      '{ payer(id: "ada") { habits { accuracy(features: [sum10m, count10m]) { feature } } } }',
    );
    expect(data).toEqual({
      payer: { habits: { accuracy: [{ feature: 'sum10m' }, { feature: 'count10m' }] } },
    });
  });
});

describe('of a log whose old events were put together, accuracy', () => {
  test('tells between what the truth lies, and what is exact all the same', async () => {
    const service = await open({ singles: 4, clock: 'event' });
    // Tiles ten minutes old are of five seconds: the edge of that window lies in the middle of one.
    const payments = stream('ada', 1_500, Date.UTC(2025, 0, 1, 12, 0, 2));
    await service.engine.record(payment, payments);
    const vector = await ask(service, 'ada');
    const truths = valuesAt(habits, historyOf(payments), Date.parse(vector.freshness.asOf));
    for (const [i, { feature, exact, lower, upper }] of vector.accuracy.entries()) {
      const truth = truths[i];
      if (!truth || feature === 'average') continue;
      if (exact) expect(meets(lower as number, truth), feature).toBe(true);
      const [{ oneOf, giveOrTake }, value] = [truth, vector[feature]];
      expect(
        oneOf.some((one) => Number(one) >= Number(lower) - giveOrTake && Number(one) <= Number(upper) + giveOrTake),
      ).toBe(true);
      if (typeof value === 'number') expect([value >= Number(lower), value <= Number(upper)]).toEqual([true, true]);
    }
    const method = (name: string) => vector.accuracy.find(({ feature }) => feature === name)?.method;
    expect(method('count10m')).toBe('INTERPOLATED');
    expect(['shops10m', 'lastAmount1h', 'average'].map(method)).toEqual(['EXACT', 'EXACT', 'EXACT']);
  });

  test('comes with what was recorded, of the same moment', async () => {
    const service = await openCrowded();
    const now = await service.now();
    await service.engine.record(payment, stream('ada', 300, now - 60_000));
    const past = vi.spyOn(service.engine, 'pastEach');
    const { data, errors } = await service.run(
      `mutation ($input: PaymentInput!) { recordPayment(input: $input) {
        payer { habits { count10m ${accuracyOfAll} freshness { asOf } } }
      } }`,
      { input: { ...pay('ada', now), paidAt: new Date(now).toISOString() } },
    );
    expect(errors).toBeUndefined();
    const { habits: served } = (data as { recordPayment: { payer: { habits: AnsweredHabits } } }).recordPayment.payer;
    expect(past.mock.calls).toEqual([[habits, [{ id: 'ada', moments: [Date.parse(served.freshness.asOf)] }]]]);
    const [counted] = served.accuracy as [Accuracy];
    expect(counted).toMatchObject({ exact: true, lower: served.count10m });
  });

  test('comes with every message of a subscription, of its own moment', async () => {
    const service = await openCrowded();
    const now = await service.now();
    await service.engine.record(payment, stream('ada', 100, now - 1_000));
    const messages = streamOf(
      await service.watch(
        'subscription { payerHabitsUpdated(payerIds: ["ada"]) { payer { habits { count10m accuracy(features: [count10m]) { exact lower upper } } } } }',
      ),
    );
    const next = async () => {
      const { data, errors } = await nextOf(messages);
      expect(errors).toBeUndefined();
      return data;
    };
    const counting = (n: number) => ({
      payerHabitsUpdated: [{ payer: { habits: { count10m: n, accuracy: [{ exact: true, lower: n, upper: n }] } } }],
    });
    expect(await next()).toEqual(counting(100));
    const update = next();
    await service.engine.record(payment, [pay('ada', now)]);
    expect(await update).toEqual(counting(101));
    await messages.return(undefined);
  });

  test('holds what was served and what is known, where an event came in between', async () => {
    const service = await openCrowded();
    const now = await service.now();
    await service.engine.record(payment, stream('ada', 3, now - 1_000));
    const past = holdPast(service.engine);
    const asked = ask(service, 'ada');
    await past.begun;
    await service.engine.record(payment, [pay('ada', now - 5_000)]);
    past.letGo();
    const { count10m, average, accuracy } = await asked;
    expect(count10m).toBe(3);
    const [counted] = accuracy as [Accuracy];
    expect(counted).toMatchObject({ exact: false, lower: 3, upper: 4, method: 'INTERPOLATED' });
    expect(accuracy.at(-1)).toMatchObject({ feature: 'average', exact: true, lower: average });
  });
});

describe('accuracy of many entities', () => {
  test.skipIf(isCluster)('is one call more for all of them, however often it is asked', async () => {
    const proxy = await CountingProxy.before(inject('valkeyUrl'));
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const service = await open({ valkeyUrl: proxy.url, microsPerCall: 1e9 });
    const ids = Array.from({ length: 100 }, (_, i) => `p${i}`);
    const now = await service.now();
    await service.engine.record(
      payment,
      ids.map((id) => pay(id, now)),
    );
    const exchange = await proxy.during(async () => {
      const { errors } = await service.run(
        `query ($ids: [ID!]!) {
          payers(ids: $ids) { habits { ${accuracyOfAll} again: accuracy(features: [sum10m]) { exact } } }
        }`,
        { ids },
      );
      expect(errors).toBeUndefined();
    });
    expect(exchange).toEqual({ toServer: 2, toClient: 2 });
  });

  test('fails with one that cannot be read, and not with the others', async () => {
    const service = await open();
    const past = holdPast(service.engine);
    const asked = service.run(`{ payers(ids: ["broken", "whole"]) { id habits { ${accuracyOfAll} } } }`);
    await past.begun;
    await service.spoil(habits, 'broken');
    past.letGo();
    const result = await asked;
    expect(result.data?.payers).toMatchObject([
      { id: 'broken', habits: null },
      { id: 'whole', habits: { accuracy: { length: features.length } } },
    ]);
    expect(faults(result).map(({ path }) => path)).toEqual(['payers.0.habits.accuracy']);
  });

  test('counts as a vector each', async () => {
    const service = await open();
    const ids = Array.from({ length: 1_000 }, (_, i) => `p${i}`);
    const twice = 'a: accuracy(features: [count10m]) { exact } b: accuracy(features: [count10m, sum10m]) { exact }';
    const refused = await service.run(
      `query ($ids: [ID!]!) { payers(ids: $ids) { habits { ${twice} } } again: payers(ids: $ids) { habits { ${twice} } } }`,
      { ids },
    );
    expect(faults(refused)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'payers' }]);
    expect(refused.errors?.[0]?.message).toContain('asks for 6000 feature vectors');
    const unforeseen = await service.run(`{ crowd(size: 1700) { habits { ${twice} } } }`);
    expect(new Set(faults(unforeseen).map(({ code }) => code))).toEqual(new Set(['QUERY_TOO_COMPLEX']));
  });

  test('counts what it shows', async () => {
    const service = await open();
    const everyFeature = accuracyOfAll.replace('}', 'a: lower b: upper c: method __typename }');
    const refused = await service.run(
      `query ($ids: [ID!]!) {
        one: payers(ids: $ids) { habits { ${everyFeature} } }
        two: payers(ids: $ids) { habits { ${everyFeature} } }
      }`,
      { ids: Array.from({ length: 1_000 }, (_, i) => `p${i}`) },
    );
    expect(refused.errors?.[0]?.message).toMatch(/asks for 2\d{5} values: the limit is 200000/);
  });

  test('is of each feature once', async () => {
    const service = await open();
    const refused = await service.run(
      '{ payer(id: "a") { habits { accuracy(features: [count10m, count10m, count10m, count10m, count10m, count10m, count10m, count10m, count10m, count10m, count10m, count10m]) { exact } } } }',
    );
    expect(faults(refused)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'payer' }]);
    expect(refused.errors?.[0]?.message).toBe(
      'accuracy(features:) takes at most 11 features, and got 12: name each once',
    );
  });
});

test('what is derived has no accuracy', async () => {
  const service = await open();
  const asked = service.run('{ payer(id: "a") { habits { accuracy(features: [perShop]) { exact } } } }');
  await expect(asked).rejects.toThrow('"perShop" does not exist in "PayerHabitsFeature" enum');
});

test('while Valkey is away, the vector beside it is null too', async () => {
  const service = await open();
  const past = holdPast(service.engine);
  const asked = service.run(`{ payer(id: "a") { habits { count10m ${accuracyOfAll} } } }`);
  await past.begun;
  service.cutOff();
  past.letGo();
  const result = await asked;
  expect(result.data).toEqual({ payer: { habits: null } });
  expect(faults(result)).toEqual([{ code: 'UNAVAILABLE', path: 'payer.habits.accuracy' }]);
});
