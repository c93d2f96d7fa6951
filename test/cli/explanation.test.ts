import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import { explain } from '../../src/cli/explain/explanation.ts';
import { findAsked, UnknownNameError } from '../../src/cli/explain/names.ts';
import { explanationText } from '../../src/cli/explain/text.ts';
import { count, distinct, lastN, ratio, sum, timeSinceLast, type View, view } from '../../src/define/index.ts';
import { Engine, type EventInput, Inspector } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { newKeyPrefix } from '../support/api.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const then = Date.parse('2026-01-31T12:00:00Z');

const habits = view('user_habits', {
  version: 1,
  entity: views[0]?.entity as View['entity'],
  from: transaction,
  by: 'userId',
  description: 'What the served views have none of.',
  features: {
    bigCount1h: count({ window: '1h', where: { amount: { gte: 1000 } } }),
    bigSum1h: sum('amount', { window: '1h', where: { amount: { gte: 1000 } }, description: 'Spent at large.' }),
    lastAmounts: lastN('amount', { window: '1h', n: 3 }),
    sinceLast: timeSinceLast({ window: '1h' }),
    shops1h: distinct('merchantId', { window: '1h' }),
  },
  derived: {
    bigPerShop: ratio('bigCount1h', 'shops1h'),
    meanBig: (f) => f.bigSum1h / f.bigCount1h,
  },
});

let valkey: Redis;
beforeAll(() => {
  valkey = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
});
afterAll(() => valkey.disconnect());

function pay(occurredAt: number, fields: EventInput = {}): EventInput {
  const transactionId = crypto.randomUUID();
  return { transactionId, userId: 'u1', merchantId: 'm', amount: 10, fraud: false, occurredAt, ...fields };
}

interface Options {
  readonly of?: readonly View[];
  readonly clock?: 'event' | 'wall';
  readonly singles?: number;
  readonly values?: number;
}

/** A store in which events were recorded, by the event clock unless told otherwise; tells what is said of a name. */
async function storeOf(events: readonly EventInput[], { of = views, clock = 'event', ...limits }: Options = {}) {
  const keyPrefix = newKeyPrefix();
  const engine = await Engine.open({ servers: new SingleServer(valkey), views: of, keyPrefix, clock, ...limits });
  await engine.record(transaction, events);
  const inspector = await Inspector.open(new SingleServer(valkey), of, keyPrefix);
  const look = (entity: string, id: string, feature?: string) => explain(inspector, findAsked(of, entity, feature), id);
  return {
    engine,
    keyPrefix,
    look,
    textOf: (...names: Parameters<typeof look>) => say(look(...names), names.length > 2),
  };
}

/** Explains as to people, with lines that go on in the next one joined again. */
async function say(explaining: ReturnType<typeof explain>, isOfOne: boolean): Promise<string> {
  const explanations = await explaining;
  const text = explanationText(explanations, isOfOne);
  // Names of keys are as long as they are.
  const lines = text.split('\n').filter((line) => !line.includes(':v1:'));
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
  return text.replace(/\n {16,}(?=\S)/g, ' ');
}

describe('of a log in which every event stands by itself', () => {
  test('it tells the value, the window and what leaves next', async () => {
    const { textOf, keyPrefix } = await storeOf([0, 1, 1, 2].map((ms) => pay(then + ms)));
    const text = await textOf('user', 'u1', 'txnCount1h');
    expect(text).toContain('User u1: txnCount1h of user_risk_profile v1\nNumber of events in the last 1h.\n');
    expect(text).toMatch(/aggregation +count\n +window +1h\n +hash field +txn_count_1h\n/);
    expect(text).toMatch(/now +4\n +how sure +exact\n +as of +2026-01-31T12:00:00\.002Z\n/);
    expect(text).toMatch(
      /after +2026-01-31T11:00:00\.002Z, which is out\n +up to +2026-01-31T12:00:00\.002Z, which is in\n/,
    );
    expect(text).toMatch(/singles +4 events\n +whole tiles +none\n +cut tiles +none\n/);
    expect(text).toMatch(
      /leaves next +once an event comes of 2026-01-31T13:00:00\.000Z or later: 1 event\. It is 3 then\n/,
    );
    expect(text).toMatch(/tiles +none: no events were put together\n/);
    expect(text).toMatch(
      new RegExp(`hash +\\d+ fields +\\S+ B +in 3\\d d .* ${keyPrefix}:v1:user_risk_profile:{u1}\n`),
    );
    expect(text).toMatch(new RegExp(`ids +– +– +– +${keyPrefix}:ids:v1:user_risk_profile:{u1}\n`));
    expect(text).toContain('Nothing was changed');
  });

  test('it tells of all features in brief, if none is named', async () => {
    const { textOf } = await storeOf([pay(then), pay(then + minuteMs, { amount: 20 })]);
    const text = await textOf('user', 'u1');
    expect(text).toMatch(/value +how sure +moves next, by events’ time\n/);
    expect(text).toMatch(/^ {2}txnCount1m +1 +exact +in 1 min, 1 event$/m);
    expect(text).toMatch(/^ {2}avgTxnAmount24h +15 +exact /m);
    expect(text).toMatch(/^ {2}lastTxnAt +2026-01-31T12:01:00\.000Z +exact /m);
    expect(text).toMatch(/^ {2}revision +\d+, after 2 events, the newest of 2026-01-31T12:01:00\.000Z$/m);
  });

  test('it tells that some was retracted', async () => {
    const [one, other] = [pay(then), pay(then + 1)];
    const { engine, textOf } = await storeOf([one, other]);
    await engine.retract(transaction, ['amount'], one);
    const text = await textOf('user', 'u1', 'txnCount1h');
    expect(text).toMatch(/singles +1 event\n/);
    expect(text).toMatch(/singles +2 in \d+ slots of \d+ B, \d+ spare: .*, 1 of them retracted\n/);
  });
});

test('of a log whose old events were put together it tells which tile an edge cuts, and how sure that is', async () => {
  // A day back, tiles are of twelve minutes; one event a minute, up to ten before the newest.
  const often = Array.from({ length: 1_466 }, (_, i) => pay(then - dayMs - 30 * minuteMs + i * minuteMs));
  const { textOf, look } = await storeOf([...often, pay(then + 5.5 * minuteMs)], { singles: 10 });
  const text = await textOf('user', 'u1', 'txnCount24h');
  expect(text).toMatch(
    /how sure +an estimate, since an edge of the window cuts events that were put together: the truth is/,
  );
  expect(text).toMatch(
    /cut tile +by the older edge: 12 events from 2026-01-30T12:00:00\.000Z to 2026-01-30T12:11:00\.000Z, of which 6 are taken to be inside \(1 to 11 may be\)\n/,
  );
  expect(text).toMatch(/tiles +\d+ in \d+ slots of \d+ B, \d+ spare, of 1,457 events put together\n/);
  expect(text).toMatch(/frontier +2026-01-31T11:46:00\.000Z, the newest event in a tile; /);
  expect(await textOf('user', 'u1')).toMatch(/^ {2}txnCount24h +1,431 +1,426 to 1,436 +in 22 s, 1 event$/m);
  const [{ features } = { features: [] }] = await look('user', 'u1', 'txnCount24h');
  expect(features).toMatchObject([{ value: 1_431, agrees: true, method: 'INTERPOLATED', lower: 1_426, upper: 1_436 }]);
});

describe('of distinct values', () => {
  const visits = (...merchantIds: string[]) =>
    merchantIds.map((merchantId, i) => pay(then + i * minuteMs, { merchantId }));

  test('it tells what singles show, and which leaves next', async () => {
    const { textOf } = await storeOf(visits('a', 'b', 'a'));
    const text = await textOf('user', 'u1', 'uniqueMerchants24h');
    expect(text).toMatch(/last in singles +2 values\n +last in tiles +0 values\n/);
    expect(text).toMatch(/table +none: no value was last seen in a tile, as far back as can be looked\n/);
    expect(text).toMatch(/of 2026-02-01T12:01:00\.000Z or later: 1 value, if not seen again\. It is 1 then/);
  });

  test('it tells which of them were last seen in a tile, and where those are kept', async () => {
    const { textOf, keyPrefix } = await storeOf(visits('a', 'b', 'c', 'b', 'd'), { singles: 1 });
    const text = await textOf('user', 'u1', 'uniqueMerchants24h');
    expect(text).toMatch(/last in singles +1 value\n +last in tiles +3 values\n/);
    expect(text).toMatch(
      new RegExp(
        `table +${keyPrefix}:seen:v1:user_risk_profile:merchantId:{u1}\\n +holds +3 values in \\d+ slots, \\d+ buckets; fed up to 2026-01-31T12:03:00\\.000Z\\n`,
      ),
    );
    expect(text).toMatch(/of 2026-02-01T12:00:00\.000Z or later: 1 value, if not seen again\. It is 3 then/);
  });

  test('it tells which of them a sample keeps', async () => {
    const { textOf } = await storeOf(visits(...Array.from({ length: 200 }, (_, i) => `m${i}`)), {
      ...{ singles: 8, values: 40 },
    });
    const text = await textOf('user', 'u1', 'uniqueMerchants24h');
    expect(text).toMatch(
      /how sure +estimated from a sample: in 99 % of cases the truth is between [\d,]+ and [\d,]+\n/,
    );
    expect(text).toMatch(/last in singles +\d+ values\n +last in tiles +\d+ values, a sample that stands for \d+\n/);
    expect(text).toMatch(/from 2026-01-31T12:00:00\.000Z +[\d.]+ % of values are kept: \d+\n/);
  });

  test('it tells that they are gone', async () => {
    const { textOf, keyPrefix } = await storeOf(visits('a', 'b'), { singles: 1 });
    await valkey.del(`${keyPrefix}:seen:v1:user_risk_profile:merchantId:{u1}`);
    const text = await textOf('user', 'u1', 'uniqueMerchants24h');
    expect(text).toMatch(/last in singles +1 value\n +last in tiles +not known\n/);
    expect(text).toMatch(/MISSING +it was evicted, or deleted by hand/);
  });
});

test('of a running figure it tells what it holds, and when it forgets', async () => {
  const { textOf } = await storeOf([pay(then), pay(then + hourMs, { amount: 20 })]);
  const text = await textOf('user', 'u1', 'avgTxnAmount');
  expect(text).toMatch(/now +15\n +how sure +exact\n/);
  expect(text).toMatch(
    /holds +2 events, the oldest of 2026-01-31T12:00:00\.000Z\n +last came +2026-01-31T13:00:00\.000Z\n/,
  );
  expect(text).toMatch(
    /forgets all +once an event comes of 2026-02-01T13:00:00\.000Z or later: 2 events, .* It is null then\n/,
  );
});

test('behind a delay it tells also what enters next', async () => {
  const { textOf } = await storeOf([-8, -2, 0].map((days) => pay(then + days * dayMs)));
  const text = await textOf('merchant', 'm', 'labelledTxnCount7d');
  expect(text).toMatch(/window +7d, 7d ago\n/);
  expect(text).toMatch(/now +1\n/);
  expect(text).toMatch(/up to +2026-01-24T12:00:00\.000Z, which is in\n/);
  expect(text).toMatch(
    /leaves next +once an event comes of 2026-02-06T12:00:00\.000Z or later: 1 event\. It is 1 then\n/,
  );
  expect(text).toMatch(
    /enters next +once an event comes of 2026-02-05T12:00:00\.000Z or later: 1 event\. It is 2 then\n/,
  );
});

test('under the wall clock it tells how long from now, and what a stored value has become', async () => {
  const now = Date.now();
  const { textOf, keyPrefix } = await storeOf([pay(now - minuteMs + 300), pay(now - 1_000)], { clock: 'wall' });
  const text = await until(async () => {
    const said = await textOf('user', 'u1', 'txnCount1m');
    return /now +1\n/.test(said) && said;
  });
  expect(text).toMatch(/stored +2: of \S+Z, and outdated\n/);
  expect(text).toMatch(/valid +until \S+Z, .* ago: the next read folds it anew\n/);
  expect(text).toMatch(/leaves next +\S+Z, in [45]\d s: 1 event\. It is 0 then\n/);
  expect(await valkey.hget(`${keyPrefix}:v1:user_risk_profile:{u1}`, 'txn_count_1m')).toBe('2');
});

describe('of other features', () => {
  const amounts = [5, 1_000, 3_000, 20];
  const events = amounts.map((amount, i) => pay(then + i * minuteMs, { amount, merchantId: `m${i % 2}` }));

  test('it tells which events count', async () => {
    const { textOf } = await storeOf(events, { of: [habits] });
    const text = await textOf('user', 'u1', 'bigSum1h');
    expect(text).toContain('\nSpent at large.\n');
    expect(text).toMatch(/aggregation +sum of amount\n +window +1h\n +where +amount .*1000\n/);
    expect(text).toMatch(/singles +4 events, of which 2 count\n/);
    // The first of all leaves before, and does not count.
    expect(text).toMatch(/of 2026-01-31T13:01:00\.000Z or later: 2 events, of which 1 count\. It is 3,000 then\n/);
  });

  test('it tells what is derived of what', async () => {
    const { textOf } = await storeOf(events, { of: [habits] });
    const perShop = await textOf('user', 'u1', 'bigPerShop');
    expect(perShop).toMatch(/aggregation +ratio\n +hash field +none: it is computed when it is read\n/);
    expect(perShop).toMatch(/now +1\n/);
    expect(perShop).toMatch(/one over the other\n +bigCount1h +2, exact\n +shops1h +2, exact\n/);
    const mean = await textOf('user', 'u1', 'mean_big');
    expect(mean).toContain('\nComputed when it is read: (f) => f.bigSum1h / f.bigCount1h\n');
    expect(mean).toMatch(/computed from\n +bigCount1h +2, exact\n +bigSum1h +4,000, exact\n/);
    expect(await textOf('user', 'u1')).toMatch(/^ {2}bigPerShop +1 +computed when read$/m);
  });

  test('it shows lists, and times that go on, as they are served', async () => {
    const { textOf } = await storeOf(events, { of: [habits] });
    expect(await textOf('user', 'u1', 'lastAmounts')).toMatch(/now +\[20, 3,000, 1,000\]\n +how sure +exact\n/);
    expect(await textOf('user', 'u1', 'sinceLast')).toMatch(/now +0\n +how sure +exact\n/);
  });

  test('it tells that a list lacks what was put together', async () => {
    const { textOf } = await storeOf(
      [...events, ...events.map((one) => ({ ...one, transactionId: crypto.randomUUID() }))],
      {
        ...{ of: [habits], singles: 1 },
      },
    );
    expect(await textOf('user', 'u1', 'lastAmounts')).toMatch(
      /how sure +an estimate, since older events were put together: the number of values that it should list is between 2 and 3\n/,
    );
  });

  test('it tells of a name in every view that has it', async () => {
    const twin = { ...habits, name: 'user_twin' };
    expect(findAsked([habits, twin], 'user', 'shops1h').map(({ view }) => view.name)).toEqual([
      'user_habits',
      'user_twin',
    ]);
    expect(() => findAsked([habits, twin], 'user', 'toString')).toThrow(UnknownNameError);
  });
});

test('of an entity of which nothing is stored it tells that, and what is left over', async () => {
  const { textOf, keyPrefix } = await storeOf([pay(then, { merchantId: 'a' }), pay(then + 1)], { singles: 1 });
  const nobody = await textOf('user', 'nobody', 'avgTxnAmount24h');
  expect(nobody).toContain('Nothing is stored of this User: ');
  expect(nobody).toContain('avgTxnAmount24h is served as null.');
  expect(await textOf('user', 'nobody')).toContain('Its features are those of empty windows.');
  await valkey.del(`${keyPrefix}:log:v1:user_risk_profile:{u1}`);
  const leftOver = await textOf('user', 'u1', 'txnCount1h');
  expect(leftOver).toMatch(
    /These keys are left over from a log that is gone[\s\S]*\n {2}hash .*\n {2}seen .*\n {2}ids .*\n\n/,
  );
});
