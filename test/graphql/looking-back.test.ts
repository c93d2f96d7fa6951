import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { count, lifetime, view } from '../../src/define/index.ts';
import { formatDateTime } from '../../src/graphql/date-time.ts';
import { CountingProxy } from '../support/counting-proxy.ts';
import { valuesAt } from '../support/oracle.ts';
import { isCluster } from '../support/store.ts';
import { newBuilder } from './deployments.ts';
import {
  type AnsweredHabits,
  accuracyOfAll,
  everything,
  habits,
  historyOf,
  pay,
  payer,
  payment,
  schema,
  stream,
  windowed,
} from './past-payments.ts';
import { faults, nextOf, Service, type ServiceOptions, streamOf } from './service.ts';

const open = (options?: ServiceOptions) => Service.open(schema, [habits], options);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

async function ask(service: Service, id: string, asOf?: number): Promise<AnsweredHabits> {
  const { data, errors } = await service.run(
    `query ($id: ID!, $asOf: DateTime) { payer(id: $id) { habits(asOf: $asOf) { ${everything} } } }`,
    { id, ...(asOf !== undefined && { asOf: formatDateTime(asOf) }) },
  );
  const unexpected = errors?.filter(({ path }) => path?.at(-1) !== 'average' && path?.at(-1) !== 'aboveAverage');
  expect(unexpected ?? []).toEqual([]);
  return (data as { payer: { habits: AnsweredHabits } }).payer.habits;
}

const windowsOf = (vector: AnsweredHabits) => Object.fromEntries(windowed.map((name) => [name, vector[name]]));
const times = (moments: readonly number[]) => JSON.stringify(moments.map(formatDateTime));

describe('the vector of a past moment', () => {
  test('is what was served then, under another id and revision', async () => {
    const service = await open();
    const served: AnsweredHabits[] = [];
    for (const number of [0, 1, 2, 3]) {
      await service.engine.record(payment, [pay('ada', await service.now(), number)]);
      served.push(await ask(service, 'ada'));
    }
    const last = Date.parse(served.at(-1)?.freshness.asOf ?? '');
    await expect.poll(() => service.now()).toBeGreaterThan(last);
    const back: AnsweredHabits[] = [];
    for (const then of served) {
      const again = await ask(service, 'ada', Date.parse(then.freshness.asOf));
      expect(windowsOf(again)).toEqual(windowsOf(then));
      expect(again.accuracy.filter(({ exact }) => !exact).map(({ feature }) => feature)).toEqual(
        then === served.at(-1) ? [] : ['average'],
      );
      const { asOf, lastEventAt } = then.freshness;
      expect(again.id).toBe(`payer_habits:v1@${asOf}:ada`);
      expect(again.freshness).toMatchObject({ asOf, lastEventAt, validUntil: null });
      back.push(again);
    }
    const ids = [...served, ...back].map(({ id }) => id);
    expect(new Set(ids).size).toBe(1 + new Set(served.map(({ freshness }) => freshness.asOf)).size);
    expect(new Set([...served, ...back].map(({ freshness }) => freshness.revision)).size).toBe(2 * served.length);
  });

  test('has an id that no entity gives its own vector, whatever it is called', async () => {
    const service = await open();
    const moment = formatDateTime((await service.now()) - minuteMs);
    const ids = ['ada', `ada@${moment}`, `@${moment}:ada`];
    const { data } = await service.run(
      `query ($ids: [ID!]!) { payers(ids: $ids) { now: habits { id } then: habits(asOf: "${moment}") { id } } }`,
      { ids },
    );
    const payers = data?.payers as { now: { id: string }; then: { id: string } }[];
    expect(payers.map(({ now }) => now.id)).toEqual(ids.map((id) => `payer_habits:v1:${id}`));
    expect(new Set(payers.flatMap(({ now, then }) => [now.id, then.id])).size).toBe(6);
  });

  test('knows of events that came late', async () => {
    const service = await open();
    const then = (await service.now()) - 30 * minuteMs;
    await service.engine.record(payment, [pay('ada', then - 2 * minuteMs, 1)]);
    const before = await ask(service, 'ada', then);
    await service.engine.record(payment, [pay('ada', then - minuteMs, 2), pay('ada', then + 1, 3)]);
    const after = await ask(service, 'ada', then);
    expect([before.count10m, after.count10m]).toEqual([1, 2]);
    expect(after.freshness.lastEventAt).toBe(formatDateTime(then - minuteMs));
    expect(after.freshness.revision).not.toBe(before.freshness.revision);
  });

  test('is exact, or between bounds, to the end of the history, where old events were put together', async () => {
    const service = await open({ clock: 'event', singles: 4 });
    // Tiles of more than ten minutes ago are of thirty seconds: edges lie within them, and not between two.
    const now = Date.UTC(2025, 0, 1, 12, 0, 2);
    const payments = [
      ...stream('ada', 400, now - 100 * minuteMs),
      ...stream('ada', 900, now - 30 * minuteMs),
      ...stream('ada', 10, now),
    ];
    await service.engine.record(payment, payments);
    const methods = new Set<string>();
    for (const ageMs of [1, 15, 30, 35, 45, 60, 100, 103, 119].map((minutes) => minutes * minuteMs)) {
      const then = await ask(service, 'ada', now - ageMs);
      const known = payments.filter(({ paidAt }) => Number(paidAt) <= now - ageMs);
      const truths = valuesAt(habits, historyOf(known), now - ageMs);
      for (const [i, { feature, lower, upper, method }] of then.accuracy.entries()) {
        if (feature === 'average') continue;
        methods.add(`${feature} ${method}`);
        const { oneOf, giveOrTake } = truths[i] as (typeof truths)[number];
        const isBetween = (one: number) =>
          Number.isNaN(one) || (one >= Number(lower) - giveOrTake && one <= Number(upper) + giveOrTake);
        expect(oneOf.map(Number).some(isBetween), `${feature} ${lower} ${upper} ${oneOf}`).toBe(true);
      }
    }
    expect([...methods]).toEqual(expect.arrayContaining(['count10m EXACT', 'count10m INTERPOLATED']));
    expect([...methods]).toEqual(expect.arrayContaining(['shops10m EXACT', 'shops10m INTERPOLATED']));
    expect([...methods].some((one) => one.endsWith('UNREACHABLE'))).toBe(false);
  });

  test('is of nothing where there was nothing', async () => {
    const service = await open();
    const then = (await service.now()) - hourMs;
    await service.engine.record(payment, [pay('ada', then + 1)]);
    for (const id of ['ada', 'nobody']) {
      const { data, errors } = await service.run(
        `{ payer(id: "${id}") { habits(asOf: "${formatDateTime(then)}") { count10m avg10m freshness { lastEventAt } } } }`,
      );
      expect(errors).toBeUndefined();
      expect(data).toEqual({ payer: { habits: { count10m: 0, avg10m: null, freshness: { lastEventAt: null } } } });
    }
  });

  test('asks for its accuracy nowhere else', async () => {
    const service = await open();
    const past = vi.spyOn(service.engine, 'pastEach');
    const read = vi.spyOn(service.engine, 'readEach');
    await ask(service, 'ada', (await service.now()) - minuteMs);
    expect(past).toHaveBeenCalledTimes(1);
    expect(read).not.toHaveBeenCalled();
  });

  test('goes by the newest event under the event clock', async () => {
    const service = await open({ clock: 'event' });
    const then = Date.UTC(2024, 1, 29);
    await service.engine.record(payment, stream('ada', 30, then));
    const { count10m } = await ask(service, 'ada', then - 10_000);
    expect(count10m).toBe(20);
    expect((await ask(service, 'ada', then)).id).toBe('payer_habits:v1:ada');
    const at = [then + hourMs, then - 2 * hourMs - 1, then - 2 * hourMs];
    const result = await service.run(`{ payer(id: "ada") { habitsSeries(at: ${times(at)}) { count10m } } }`);
    expect(result.data).toEqual({ payer: { habitsSeries: [null, null, { count10m: 0 }] } });
    expect(faults(result).map(({ code }) => code)).toEqual(['BAD_USER_INPUT', 'OUT_OF_HISTORY']);
  });
});

describe('a moment', () => {
  test('that is now, or ahead of it by less than clocks differ, is that of the current vector', async () => {
    const service = await open();
    await service.engine.record(payment, [pay('ada', await service.now())]);
    const current = await ask(service, 'ada');
    expect(await ask(service, 'ada', (await service.now()) + 2_000)).toEqual(current);
    const { data } = await service.run('{ payer(id: "ada") { habits(asOf: null) { id } } }');
    expect(data).toEqual({ payer: { habits: { id: 'payer_habits:v1:ada' } } });
  });

  test('in the future, or beyond the history, fails at its own path, and the others are served', async () => {
    const service = await open();
    const now = await service.now();
    const [future, old] = [now + minuteMs, now - 2 * hourMs - 1].map(formatDateTime);
    const result = await service.run(`{
      payer(id: "ada") { future: habits(asOf: "${future}") { id } old: habits(asOf: "${old}") { id } habits { count10m } }
    }`);
    expect(result.data).toEqual({ payer: { future: null, old: null, habits: { count10m: 0 } } });
    expect(faults(result)).toEqual([
      { code: 'BAD_USER_INPUT', path: 'payer.future' },
      { code: 'OUT_OF_HISTORY', path: 'payer.old' },
    ]);
    const [ahead, behind] = result.errors?.map(({ message }) => message) ?? [];
    expect(ahead).toMatch(`asOf lies in the future: it is ${future}, and now is `);
    expect(behind).toMatch(`asOf lies too far back: it is ${old}, and payer_habits keeps the last 2h, now back to `);
  });

  test('of a bad id, or of one that cannot be read, fails alone', async () => {
    const service = await open();
    await service.spoil(habits, 'broken');
    const at = formatDateTime((await service.now()) - minuteMs);
    const result = await service.run(
      `{ payers(ids: ["", "broken", "ada"]) { habits(asOf: "${at}") { count10m } habitsSeries(at: ["${at}"]) { count10m } } }`,
    );
    const failed = { habits: null, habitsSeries: [null] };
    const served = { habits: { count10m: 0 }, habitsSeries: [{ count10m: 0 }] };
    expect(result.data).toEqual({ payers: [failed, failed, served] });
    expect(faults(result).filter(({ path }) => path?.startsWith('payers.0'))).toEqual([
      { code: 'ID_INVALID', path: 'payers.0.habits' },
      { code: 'ID_INVALID', path: 'payers.0.habitsSeries.0' },
    ]);
  });

  test('cannot be looked back at while Valkey is away', async () => {
    const service = await open();
    const at = formatDateTime((await service.now()) - minuteMs);
    service.cutOff();
    const result = await service.run(`{ payer(id: "ada") { habitsSeries(at: ["${at}"]) { count10m } } }`);
    expect(result.data).toEqual({ payer: { habitsSeries: [null] } });
    expect(faults(result)).toEqual([{ code: 'UNAVAILABLE', path: 'payer.habitsSeries.0' }]);
  });
});

describe('what cannot be told of a past moment', () => {
  test('is null beside an error, and so is what is derived from it', async () => {
    const service = await open();
    const now = await service.now();
    await service.engine.record(payment, [pay('ada', now - 30 * minuteMs, 1), pay('ada', now, 2)]);
    const asked = `average perShop aboveAverage ${accuracyOfAll}`;
    const result = await service.run(
      `{ payer(id: "ada") { habits(asOf: "${formatDateTime(now - 30 * minuteMs)}") { ${asked} } } }`,
    );
    const { habits: then } = (result.data as { payer: { habits: AnsweredHabits } }).payer;
    expect(then).toMatchObject({ average: null, perShop: 1, aboveAverage: null });
    expect(then.accuracy.at(-1)).toEqual({
      feature: 'average',
      exact: false,
      lower: null,
      upper: null,
      method: 'UNREACHABLE',
    });
    expect(faults(result)).toEqual(
      ['average', 'aboveAverage'].map((name) => ({ code: 'OUT_OF_HISTORY', path: `payer.habits.${name}` })),
    );
  });

  test('makes the vector null where it cannot be null itself', async () => {
    const visits = view('payer_visits', {
      version: 1,
      entity: payer,
      from: payment,
      by: 'payerId',
      description: 'How often somebody pays.',
      features: { count1h: count({ window: '1h' }), everSince: count({ window: lifetime({ idle: '30d' }) }) },
    });
    const builder = newBuilder();
    builder.entityType(payer, {
      fields: (t) => ({ visits: t.featureView(visits), series: t.featureViewSeries(visits) }),
    });
    builder.queryField('payer', (t) => t.entity(payer));
    const service = await Service.open(builder.toSchema({ views: [visits] }), [visits]);
    const now = await service.now();
    await service.engine.record(payment, [pay('ada', now - 30 * minuteMs, 1), pay('ada', now, 2)]);
    const at = formatDateTime(now - 30 * minuteMs);
    const result = await service.run(`{ payer(id: "ada") {
      visits(asOf: "${at}") { count1h everSince } series(at: ["${at}", "${at}"]) { everSince } others: series(at: ["${at}"]) { count1h }
    } }`);
    expect(result.data).toEqual({ payer: { visits: null, series: [null, null], others: [{ count1h: 1 }] } });
    expect(faults(result)).toEqual(
      ['visits', 'series.0', 'series.1'].map((at) => ({ code: 'OUT_OF_HISTORY', path: `payer.${at}.everSince` })),
    );
  });
});

describe('a series', () => {
  test('is in the order asked, repeats and all, and each moment that fails does so by itself', async () => {
    const service = await open();
    const now = await service.now();
    await service.engine.record(payment, stream('ada', 60, now));
    const at = [now - 10_000, now + hourMs, now - 50_000, now - 10_000, now - 3 * hourMs];
    const result = await service.run(`{ payer(id: "ada") { habitsSeries(at: ${times(at)}) { id count10m } } }`);
    const one = (moment: number, count10m: number) => ({
      id: `payer_habits:v1@${formatDateTime(moment)}:ada`,
      count10m,
    });
    const [ten, fifty] = [one(now - 10_000, 50), one(now - 50_000, 10)];
    expect(result.data).toEqual({ payer: { habitsSeries: [ten, null, fifty, ten, null] } });
    expect(faults(result)).toEqual([
      { code: 'BAD_USER_INPUT', path: 'payer.habitsSeries.1' },
      { code: 'OUT_OF_HISTORY', path: 'payer.habitsSeries.4' },
    ]);
    expect(result.errors?.[0]?.message).toContain('at[1] lies in the future');
  });

  test.skipIf(isCluster)('of many entities is one call, with all else that looks back', async () => {
    const proxy = await CountingProxy.before(inject('valkeyUrl'));
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const service = await open({ valkeyUrl: proxy.url, microsPerCall: 1e9 });
    const now = await service.now();
    const at = Array.from({ length: 200 }, (_, i) => now - 1_000 * (i + 1));
    const past = vi.spyOn(service.engine, 'pastEach');
    const exchange = await proxy.during(async () => {
      const { errors } = await service.run(`{
        payers(ids: ["a", "b", "c"]) {
          habits(asOf: "${formatDateTime(now - 1)}") { count10m }
          habitsSeries(at: ${times(at)}) { count10m accuracy(features: [count10m]) { exact } }
        }
      }`);
      expect(errors).toBeUndefined();
    });
    expect(exchange).toEqual({ toServer: 1, toClient: 1 });
    expect(past.mock.calls.map(([, asked]) => asked.map(({ moments }) => moments.length))).toEqual([[201, 201, 201]]);
  });

  test('is the same where one call may not do it all', async () => {
    const service = await open({ microsPerCall: 0, singles: 4 });
    const now = await service.now();
    const at = Array.from({ length: 50 }, (_, i) => now - 7_000 * i - 1);
    await service.engine.record(payment, stream('ada', 200, now));
    const { data } = await service.run(
      `{ payer(id: "ada") { habitsSeries(at: ${times(at)}) { ${windowed.join(' ')} } } }`,
    );
    const { habitsSeries } = (data as { payer: { habitsSeries: AnsweredHabits[] } }).payer;
    for (const [i, moment] of at.entries()) {
      expect(habitsSeries[i]).toEqual(windowsOf(await ask(service, 'ada', moment)));
    }
  });

  test('may be empty, and is of at most 200 moments', async () => {
    const service = await open();
    const past = vi.spyOn(service.engine, 'pastEach');
    expect((await service.run('{ payer(id: "a") { habitsSeries(at: []) { id } } }')).data).toEqual({
      payer: { habitsSeries: [] },
    });
    const at = Array.from({ length: 201 }, (_, i) => Date.now() - 1_000 * i);
    const refused = await service.run(`{ payer(id: "a") { habitsSeries(at: ${times(at)}) { id } } }`);
    expect(faults(refused)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'payer' }]);
    expect(refused.errors?.[0]?.message).toBe('habitsSeries(at:) takes at most 200 moments, and got 201: ask in parts');
    expect(past).not.toHaveBeenCalled();
  });

  test('counts as a vector for each moment of each entity', async () => {
    const service = await open();
    const past = vi.spyOn(service.engine, 'pastEach');
    const at = Array.from({ length: 200 }, (_, i) => formatDateTime(Date.now() - 1_000 * i));
    const ids = Array.from({ length: 26 }, (_, i) => `p${i}`);
    const asked = (field: string) => `query ($at: [DateTime!]!) { ${field} { habitsSeries(at: $at) { count10m } } }`;
    const refused = await service.run(asked(`payers(ids: ${JSON.stringify(ids)})`), { at });
    expect(faults(refused)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'payers' }]);
    expect(refused.errors?.[0]?.message).toBe(
      'The query asks for 5200 feature vectors: the limit is 5000; ask in parts',
    );
    expect(past).not.toHaveBeenCalled();
    const unforeseen = await service.run(asked('crowd(size: 26)'), { at });
    expect(faults(unforeseen)).toContainEqual({ code: 'QUERY_TOO_COMPLEX', path: 'crowd.25.habitsSeries' });
  });
});

describe('looking back', () => {
  test('from what was recorded compares with what was before', async () => {
    const service = await open();
    const now = await service.now();
    await service.engine.record(payment, [pay('ada', now - minuteMs, 1)]);
    const before = formatDateTime(now - 1);
    const { data, errors } = await service.run(
      `mutation ($input: PaymentInput!) { recordPayment(input: $input) {
        payer { habits { count10m } before: habits(asOf: "${before}") { count10m } habitsSeries(at: ["${before}"]) { count10m } }
      } }`,
      { input: { ...pay('ada', now, 2), paidAt: formatDateTime(now) } },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      recordPayment: {
        payer: { habits: { count10m: 2 }, before: { count10m: 1 }, habitsSeries: [{ count10m: 1 }] },
      },
    });
  });

  test('from a message of a subscription is done anew for each', async () => {
    const service = await open();
    const then = (await service.now()) - minuteMs;
    const messages = streamOf(
      await service.watch(
        `subscription { payerHabitsUpdated(payerIds: ["ada"]) { payer { habits(asOf: "${formatDateTime(then)}") { count10m } } } }`,
      ),
    );
    const counted = (count10m: number) => ({ payerHabitsUpdated: [{ payer: { habits: { count10m } } }] });
    expect((await nextOf(messages)).data).toEqual(counted(0));
    const update = nextOf(messages);
    await service.engine.record(payment, [pay('ada', then)]);
    expect((await update).data).toEqual(counted(1));
    await messages.return(undefined);
  });
});
