import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  avg,
  count,
  distinct,
  first,
  last,
  lifetime,
  max,
  share,
  stddev,
  sum,
  type View,
  type Where,
} from '../../src/define/index.ts';
import { type Engine, type EventInput, PrefixRegistry, unfillable } from '../../src/engine/index.ts';
import { until } from '../support/until.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const dayMs = 86_400_000;

const features = {
  count1h: count({ window: '1h' }),
  count30d: count({ window: '30d' }),
  sum24h: sum('amount', { window: '24h' }),
  shops24h: distinct('shopId', { window: '24h' }),
  fraudRate30d: share('fraud', { window: '30d' }),
  average: avg('amount', { window: lifetime({ idle: '24h' }) }),
  lastAmount: last('amount', { window: '30d' }),
};
const from = spending(features);

function second(of: { readonly [name: string]: Aggregation }): View {
  return { ...spending(of), version: 2 };
}

const to = second({
  spread7d: stddev('amount', { window: '7d' }),
  count2h: count({ window: '2h' }),
  shops24h: distinct('shopId', { window: '24h' }),
  fraudRate7d: share('fraud', { window: '7d' }),
  average: avg('amount', { window: lifetime({ idle: '24h' }) }),
});

/** An engine that feeds both versions, under a prefix under which one of the first alone has recorded something. */
async function begun(events: readonly EventInput[], limits = {}) {
  const prefix = scratch.prefix();
  const before = await scratch.open([from], 'wall', prefix, scratch.valkey, limits);
  await before.record(payment, events);
  const since = (await before.read(from, ['nobody']))[0]?.completeSince as number;
  await until(async () => (await scratch.now()) > since + 1);
  const both = await scratch.open([from, to], 'wall', prefix, scratch.valkey, limits);
  return { prefix, both, since };
}

async function of(engine: Engine, view: View, id = 'ada') {
  const [vector] = await engine.read(view, [id]);
  if (!vector) throw new Error('no vector came back');
  return vector;
}

describe('a version of a view that takes over what another one keeps', () => {
  test('has what came before it, says since when it is complete, and goes on', async () => {
    const now = await scratch.now();
    const early = [1, 2, 3].map((n) =>
      pay({ amount: n, shopId: `shop ${n}`, fraud: n === 1, paidAt: now - n * 60_000 }),
    );
    const { both, since } = await begun(early);
    const late = pay({ amount: 4, shopId: 'shop 1' });
    await both.record(payment, [late]);
    const meanwhile = await of(both, to);
    expect(valuesOf(meanwhile)).toMatchObject({ count2h: 1, shops24h: 1 });
    expect(meanwhile.completeSince).toBeGreaterThan(since);

    expect(await both.fill(from, to, ['ada', 'nobody'])).toEqual(['FILLED', 'NOTHING_THERE']);
    const filled = await of(both, to);
    expect(valuesOf(filled)).toEqual({
      ...{ spread7d: 1.11803398875, count2h: 4, shops24h: 3, fraudRate7d: 0.25, average: 2.5 },
    });
    expect(filled.completeSince).toBe(since);
    expect(filled.revision).toBeGreaterThan(meanwhile.revision);

    await both.record(payment, [pay({ amount: 5, shopId: 'shop 9' })]);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 5, shops24h: 4, fraudRate7d: 0.2, average: 3 });
    // What it took over it knows again, and can correct.
    const again = await both.record(payment, [...early, late]);
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 'DUPLICATE'));
    const { time: _, ...labelled } = { time: 0, ...early[1] };
    expect((await both.label(payment, { ...labelled, fraud: true })).status).toBe('LABELLED');
    expect(valuesOf(await of(both, to))).toMatchObject({ fraudRate7d: 0.4 });
    expect((await both.retract(payment, ['amount'], early[2] as EventInput)).status).toBe('RETRACTED');
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 4, shops24h: 3 });
  });

  test('may be filled again and again, which changes nothing', async () => {
    const { both, prefix } = await begun([pay(), pay()]);
    await both.fill(from, to, ['ada']);
    const stored = await scratch.stored(prefix);
    expect(await both.fill(from, to, ['ada', 'ada'])).toEqual(['WAS_FILLED', 'WAS_FILLED']);
    expect(await scratch.stored(prefix)).toEqual(stored);
  });

  test('lives as long as its own windows need, and its companions with it', async () => {
    const now = await scratch.now();
    const events = Array.from({ length: 40 }, (_, n) => pay({ shopId: `shop ${n}`, paidAt: now - 40_000 + n }));
    const { both, prefix } = await begun(events, { singles: 4 });
    await both.fill(from, to, ['ada']);
    const keys = (await scratch.keys(prefix)).filter((key) => key.includes(':v2:'));
    expect(keys.map((key) => key.replace(`${prefix}:`, ''))).toEqual([
      'ids:v2:spending:{ada}',
      'log:v2:spending:{ada}',
      'seen:v2:spending:shopId:{ada}',
      'v2:spending:{ada}',
    ]);
    const ttls = await Promise.all(keys.map((key) => scratch.valkey.pttl(key)));
    for (const [i, ttl] of ttls.entries()) {
      expect(ttl, keys[i]).toBeGreaterThan(23 * 3_600_000);
      expect(ttl, keys[i]).toBeLessThan(keys[i]?.includes(':log:') ? 9 * dayMs : 40 * dayMs);
    }
    // Also where the table of last-seen values is in use: a value that comes again is the same one.
    await both.record(payment, [pay({ shopId: 'shop 0' })]);
    expect(valuesOf(await of(both, to))).toMatchObject({ shops24h: 40, count2h: 41 });
  });

  test('keeps an event that the other one has not yet, and takes it once when it comes there', async () => {
    const { both, prefix } = await begun([pay({ amount: 1 })]);
    const alone = await scratch.open([to], 'wall', prefix);
    const event = pay({ amount: 3, shopId: 'smith', paidAt: (await scratch.now()) - 1_000 });
    await alone.record(payment, [event]);
    expect(await both.fill(from, to, ['ada'])).toEqual(['FILLED']);
    const filled = { spread7d: 1, count2h: 2, shops24h: 2, average: 2 };
    expect(valuesOf(await of(both, to))).toMatchObject(filled);
    expect((await both.record(payment, [event]))[0]?.status).toBe('RECORDED');
    expect(valuesOf(await of(both, to))).toMatchObject(filled);
    expect(valuesOf(await of(both, from))).toMatchObject({ count1h: 2 });
    expect((await both.record(payment, [event]))[0]?.status).toBe('DUPLICATE');
  });

  test('does not bring back an event that was retracted before the other one had it', async () => {
    const { both, prefix } = await begun([pay({ amount: 1 })]);
    const alone = await scratch.open([to], 'wall', prefix);
    const event = pay({ amount: 3, paidAt: (await scratch.now()) - 1_000 });
    await alone.record(payment, [event]);
    expect((await alone.retract(payment, ['amount'], event)).status).toBe('RETRACTED');
    expect(await both.fill(from, to, ['ada'])).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 1, average: 1 });
  });

  test('keeps what it has where the other one knows nothing of the entity yet', async () => {
    const { both, prefix } = await begun([]);
    await (await scratch.open([to], 'wall', prefix)).record(payment, [pay()]);
    expect(await both.fill(from, to, ['ada'])).toEqual(['NOTHING_THERE']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 1 });
  });

  test('waits for a correction that the other one has not yet, unless it is told not to', async () => {
    const event = pay({ paidAt: (await scratch.now()) - 1_000, fraud: false });
    const { both, prefix } = await begun([pay(), event]);
    const alone = await scratch.open([to], 'wall', prefix);
    await alone.record(payment, [event]);
    await alone.label(payment, { ...event, fraud: true });
    expect(await both.fill(from, to, ['ada'])).toEqual(['UNDER_WAY']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 1 });
    await both.label(payment, { ...event, fraud: true });
    expect(await both.fill(from, to, ['ada'])).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 2, fraudRate7d: 0.5 });
  });

  test('takes over what the other one says where each was told otherwise, once it is told to', async () => {
    const event = pay({ paidAt: (await scratch.now()) - 1_000, fraud: false });
    const { both, prefix } = await begun([event]);
    await (await scratch.open([to], 'wall', prefix)).record(payment, [{ ...event, fraud: true }]);
    expect(await both.fill(from, to, ['ada'])).toEqual(['UNDER_WAY']);
    expect(await both.fill(from, to, ['ada'], true)).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 1, fraudRate7d: 0 });
  });

  test('knows late events that the other one has put together already', async () => {
    const now = await scratch.now();
    const events = Array.from({ length: 40 }, (_, n) => pay({ paidAt: now - 60_000 + n }));
    const { both, prefix } = await begun(events, { singles: 4 });
    const alone = await scratch.open([to], 'wall', prefix);
    const [late, later] = [pay({ paidAt: now - 90_000 }), pay({ paidAt: now - 80_000 })];
    await alone.record(payment, [late, later]);
    await both.record(payment, [late]);
    expect(await both.fill(from, to, ['ada'])).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 42 });
    expect((await both.record(payment, [later]))[0]?.status).toBe('RECORDED');
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 42 });
  });

  test('never has two vectors of one revision', async () => {
    const same = second({ count1h: features.count1h });
    const prefix = scratch.prefix();
    const [of1, of2] = [await scratch.open([from], 'wall', prefix), await scratch.open([same], 'wall', prefix)];
    const event = pay({ paidAt: (await scratch.now()) - 1_000 });
    await of1.record(payment, [pay(), event]);
    await of2.record(payment, [event]);
    const before = await of(of2, same);
    const both = await scratch.open([from, same], 'wall', prefix);
    expect(await both.fill(from, same, ['ada'])).toEqual(['FILLED']);
    const after = await of(both, same);
    expect([before.values[0], after.values[0]]).toEqual([1, 2]);
    expect(after.revision).toBeGreaterThan(before.revision);
  });

  test('knows what came to be known later of events that were put together', async () => {
    const now = await scratch.now();
    const events = Array.from({ length: 20 }, (_, n) => pay({ paidAt: now - 60_000 + n, fraud: false }));
    const { both, prefix } = await begun(events, { singles: 4 });
    const fraud = { ...events[3], fraud: true };
    const before = await scratch.open([from], 'wall', prefix);
    expect((await before.label(payment, fraud)).status).toBe('LABELLED');
    expect(await both.fill(from, to, ['ada'])).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ fraudRate7d: 0.05 });
    expect((await both.label(payment, fraud)).status).toBe('DUPLICATE');
    expect((await both.label(payment, { ...events[4], fraud: true })).status).toBe('LABELLED');
    expect(valuesOf(await of(both, to))).toMatchObject({ fraudRate7d: 0.1 });
    expect(both.lostCompanions).toBe(0);
  });

  test('brings logs of older layouts up to date first', async () => {
    const prefix = scratch.prefix();
    const older = await scratch.open([spending({ ...features, count30d: features.count30d })], 'wall', prefix);
    await older.record(payment, [pay()]);
    const grown = spending({ ...features, most: max('amount', { window: '24h' }) });
    const both = await scratch.open([grown, to], 'wall', prefix);
    expect(await both.fill(grown, to, ['ada'])).toEqual(['FILLED']);
    expect(valuesOf(await of(both, to))).toMatchObject({ count2h: 1 });
  });

  test('loses nothing of what is recorded meanwhile, by whichever process', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `user ${n}`);
    const now = await scratch.now();
    const early = ids.flatMap((userId) => [1, 2].map((n) => pay({ userId, paidAt: now - n * 1_000 })));
    const { both, prefix } = await begun(early, { singles: 6 });
    const other = await scratch.open([from, to], 'wall', prefix, scratch.valkey, { singles: 6 });
    let sent = 0;
    let over = false;
    const recording = [both, other].map(async (engine) => {
      while (!over) {
        const batch = ids.map((userId) => pay({ userId, shopId: `shop ${sent % 50}` }));
        sent += 1;
        for (const { status } of await engine.record(payment, batch)) expect(status).toBe('RECORDED');
      }
    });
    await until(() => sent > 20);
    // A few at a time, so that there is much to come in between.
    for (let at = 0; at < ids.length; at += 4) {
      expect(await both.fill(from, to, ids.slice(at, at + 4))).toEqual(['FILLED', 'FILLED', 'FILLED', 'FILLED']);
    }
    const filledAt = sent;
    await until(() => sent > filledAt + 20);
    over = true;
    await Promise.all(recording);
    const [olds, news] = [await both.read(from, ids), await both.read(to, ids)];
    for (const [i, vector] of news.entries()) {
      const { count1h, average } = valuesOf(olds[i] as never);
      expect(count1h).toBe(2 + sent);
      expect(valuesOf(vector)).toMatchObject({ count2h: count1h, average });
    }
  });
});

describe('what was never kept cannot be taken over, and is named', () => {
  test.each<[string, Aggregation, string]>([
    ['another field', distinct('paymentId', { window: '1h' }), 'paymentId was never kept'],
    [
      'a filter',
      count({ window: '1h', where: { amount: { gte: 5 } } as Where }),
      'it was never kept which events have where:',
    ],
    [
      'a longer time than events are kept',
      count({ window: '90d' }),
      'its window reaches back 90d, and of events older than 30d not all are known',
    ],
    ['the oldest value', first('amount', { window: '1h' }), 'the oldest value was never kept'],
    [
      'a longer time than values are',
      distinct('shopId', { window: '7d' }),
      'its values are known for 24h, and it needs them for 7d',
    ],
    ['another running figure', avg('amount', { window: lifetime({ idle: '1h' }) }), 'a running figure goes by arrival'],
  ])('%s', (_, aggregation, reason) => {
    const found = unfillable(from, second({ fine: count({ window: '1h' }), lacking: aggregation }));
    expect(found).toEqual([{ feature: 'lacking', reason: expect.stringContaining(reason) }]);
  });

  test('a label that was kept in another way', () => {
    const cleared = count({ window: '1h', where: { fraud: { eq: false } } as Where });
    expect(unfillable(from, second({ cleared }))).toMatchObject([{ feature: 'cleared' }]);
    expect(unfillable(spending({ count: features.count1h }), second({ rate: features.fraudRate30d }))).toMatchObject([
      { feature: 'rate' },
    ]);
  });

  test('and neither can what is of something else', () => {
    expect(unfillable(from, takings)).toEqual([{ feature: '*', reason: 'one is of User, the other of Shop' }]);
  });

  test('whatever is a part of it, or lies within its windows, can', () => {
    expect(unfillable(from, from)).toEqual([]);
    expect(unfillable(from, to)).toEqual([]);
  });
});

test('a view may be said to be complete since an earlier moment, not since a later one', async () => {
  const { both, prefix, since } = await begun([]);
  const registry = new PrefixRegistry(scratch.servers, both.keys);
  await registry.backdate(to, since);
  await registry.backdate(to, since + 5_000);
  const next = await scratch.open([from, to], 'wall', prefix);
  expect((await of(next, to)).completeSince).toBe(since);
});
