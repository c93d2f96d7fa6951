import { describe, expect, test } from 'vitest';
import {
  avg,
  count,
  distinct,
  last,
  lifetime,
  max,
  share,
  sum,
  type View,
  type Where,
} from '../../src/define/index.ts';
import type { Engine, EventInput } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** What a retraction tells of a payment. */
const told = ({ paymentId, userId, shopId, paidAt, amount }: EventInput): EventInput => ({
  paymentId,
  userId,
  shopId,
  paidAt,
  amount,
});

const retract = (engine: Engine, one: EventInput | undefined, other: EventInput = {}) =>
  engine.retract(payment, ['amount'], { ...told(one as EventInput), ...other });

async function valuesFor(engine: Engine, of: View, id = 'ada') {
  const [vector] = await engine.read(of, [id]);
  return vector && valuesOf(vector);
}

async function recorded(engine: Engine, payments: readonly EventInput[]): Promise<readonly EventInput[]> {
  for (const one of payments) await engine.record(payment, [one]);
  return payments;
}

describe('a retraction', () => {
  test('leaves every feature as if the event had never been', async () => {
    const [engine, other] = [await scratch.open([everything], 'event'), await scratch.open([everything], 'event')];
    const kept = [
      pay({ paidAt: start + 1_000, amount: 0.1, fraud: true }),
      pay({ paidAt: start + 9 * dayMs, amount: 40 }),
    ];
    const [old, extreme, newer] = [
      pay({ paidAt: start, amount: 1e12 }),
      pay({ paidAt: start + 9 * dayMs - 1, amount: 500, shopId: 'smith' }),
      pay({ paidAt: start + 9 * dayMs, amount: 7, shopId: 'smith' }),
    ];
    await recorded(engine, [old, kept[0] as EventInput, extreme, kept[1] as EventInput, newer]);
    for (const one of [extreme, newer, old]) {
      const outcome = await retract(engine, one);
      expect(outcome).toMatchObject({ status: 'RETRACTED', reason: null, occurredAt: one.paidAt });
    }
    await recorded(other, kept);
    const [[now], [then]] = [await engine.read(everything, ['ada']), await other.read(everything, ['ada'])];
    expect(now?.values).toEqual(then?.values);
    expect(now?.eventSeq).toBe(8);
  });

  test('keeps the id known: a retry of the original is a duplicate that says why', async () => {
    const engine = await scratch.open([everything], 'event');
    const [first] = await recorded(engine, [pay({ paidAt: start }), pay({ paidAt: start + 1 })]);
    await retract(engine, first);
    const [again] = await engine.record(payment, [first as EventInput]);
    expect(again).toMatchObject({
      status: 'DUPLICATE',
      reason: expect.stringContaining('retracted'),
      occurredAt: start,
    });
    expect(await valuesFor(engine, everything)).toMatchObject({ count24h: 1 });
  });

  test('done again changes nothing and is no failure, so that a retry can finish what was cut off', async () => {
    const engine = await scratch.open([everything, takings], 'event');
    const [first] = await recorded(engine, [pay({ paidAt: start }), pay({ paidAt: start + 1 })]);
    const before = await retract(engine, first);
    const after = await retract(engine, first);
    expect(after).toMatchObject({ status: 'RETRACTED', reason: expect.stringContaining('retracted before') });
    expect(after.vectors).toEqual(before.vectors);
  });

  test('that tells another amount, time or shop changes nothing in any view, also not where that is not kept', async () => {
    const counts = spending({ count30d: count({ window: '30d' }) }, 'counts');
    const engine = await scratch.open([counts, everything, takings], 'event');
    const [first] = await recorded(engine, [pay({ paidAt: start })]);
    for (const [field, value] of [
      ['amount', 11],
      ['paidAt', start + 1],
      ['shopId', 'smith'],
    ] as const) {
      const outcome = await retract(engine, first, { [field]: value });
      expect(outcome).toMatchObject({
        status: 'MISMATCH',
        reason: expect.stringMatching(`everything: .*another ${field}`),
      });
      expect(outcome.views.find((one) => one.view === counts)?.status).toBe('MISMATCH');
    }
    expect(await valuesFor(engine, counts)).toEqual({ count30d: 1 });
    expect((await retract(engine, first)).status).toBe('RETRACTED');
  });

  test('of what nobody recorded finds nothing; what is older than every window is too old', async () => {
    const engine = await scratch.open([everything], 'event');
    expect(await retract(engine, pay({ paidAt: start }))).toMatchObject({ status: 'NOT_FOUND', occurredAt: null });
    const [first] = await recorded(engine, [pay({ paidAt: start }), pay({ paidAt: start + 30 * dayMs })]);
    expect(await retract(engine, first)).toMatchObject({ status: 'TOO_OLD', occurredAt: start });
  });

  test('that breaks a rule is rejected with a reason', async () => {
    const engine = await scratch.open([everything], 'event');
    for (const fault of [{ amount: 1e16 }, { amount: null }, { userId: '' }]) {
      const outcome = await retract(engine, pay({ paidAt: start }), fault);
      expect(outcome).toMatchObject({
        status: 'REJECTED',
        reason: expect.stringContaining(Object.keys(fault)[0] ?? ''),
      });
    }
  });

  test('of a part names the views in which it was not done', async () => {
    const [both, one] = [await scratch.open([everything, takings], 'event'), pay({ paidAt: start })];
    const userOnly = await scratch.open([everything], 'event', both.keys.prefix);
    await userOnly.record(payment, [one]);
    const outcome = await retract(both, one);
    expect(outcome).toMatchObject({ status: 'NOT_FOUND', reason: expect.stringMatching(/^takings: no Payment/) });
    expect(outcome.views.map(({ view: of, status }) => [of.name, status])).toEqual([
      ['everything', 'RETRACTED'],
      ['takings', 'NOT_FOUND'],
    ]);
    expect(await valuesFor(both, everything)).toMatchObject({ count24h: 0 });
  });

  test('finds a distinct value’s earlier sighting, and counts no set as lost that is empty now', async () => {
    const shops = spending({
      shops1h: distinct('shopId', { window: '1h' }),
      shops1m: distinct('shopId', { window: '1m' }),
    });
    const engine = await scratch.open([shops], 'event');
    const payments = await recorded(engine, [
      pay({ paidAt: start }),
      pay({ paidAt: start + 120_000 }),
      pay({ paidAt: start + 120_000, shopId: 'smith' }),
    ]);
    expect(await valuesFor(engine, shops)).toEqual({ shops1h: 2, shops1m: 2 });
    await retract(engine, payments[1]);
    expect(await valuesFor(engine, shops)).toEqual({ shops1h: 2, shops1m: 1 });
    await retract(engine, payments[0]);
    await retract(engine, payments[2]);
    expect(await valuesFor(engine, shops)).toEqual({ shops1h: 0, shops1m: 0 });
    await engine.record(payment, [pay({ paidAt: start + 120_001, shopId: 'miller' })]);
    expect(await valuesFor(engine, shops)).toEqual({ shops1h: 1, shops1m: 1 });
    expect(engine.lostCompanions).toBe(0);
    for (const key of await scratch.keys(engine.keys.prefix)) expect(await scratch.valkey.pttl(key)).toBeGreaterThan(0);
  });
});

describe('a running figure', () => {
  const running = (more: Parameters<typeof spending>[0] = {}) =>
    spending(
      { mean: avg('amount', { window: lifetime({ idle: '1h' }) }), n: count({ window: '30d' }), ...more },
      'running',
    );

  test('gives back what an event of its own brought, and nothing that came before its silence', async () => {
    const view = running();
    const engine = await scratch.open([view], 'event');
    const [old, ten, twenty] = await recorded(engine, [
      pay({ paidAt: start, amount: 1 }),
      pay({ paidAt: start + 2 * hourMs, amount: 10 }),
      pay({ paidAt: start + 2.5 * hourMs, amount: 20 }),
    ]);
    expect((await retract(engine, ten)).status).toBe('RETRACTED');
    expect(await valuesFor(engine, view)).toEqual({ mean: 20, n: 2 });
    expect((await retract(engine, old)).status).toBe('RETRACTED');
    expect(await valuesFor(engine, view)).toEqual({ mean: 20, n: 1 });
    expect((await retract(engine, twenty)).status).toBe('RETRACTED');
    expect(await valuesFor(engine, view)).toEqual({ mean: null, n: 0 });
  });

  test('gives back what came late, while it never forgot anything', async () => {
    const view = running();
    const engine = await scratch.open([view], 'wall');
    const now = await scratch.now();
    const [first] = await recorded(
      engine,
      [2, 1, 3].map((hours) => pay({ paidAt: now - hours * hourMs, amount: hours })),
    );
    expect((await retract(engine, first)).status).toBe('RETRACTED');
    expect(await valuesFor(engine, view)).toEqual({ mean: 2, n: 2 });
  });

  test('says so where it cannot: of an extreme, of the last, and of what may have come late over a silence', async () => {
    const idle = { window: lifetime({ idle: '1h' }) };
    const view = running({ most: max('amount', idle), newest: last('amount', idle) });
    const engine = await scratch.open([view], 'event');
    const [small, large, middle] = await recorded(engine, [
      pay({ paidAt: start, amount: 1 }),
      pay({ paidAt: start + 1, amount: 100 }),
      pay({ paidAt: start + 2, amount: 50 }),
    ]);
    for (const one of [large, middle]) {
      expect(await retract(engine, one)).toMatchObject({
        status: 'TOO_OLD',
        reason: expect.stringContaining('running'),
      });
    }
    expect((await retract(engine, small)).status).toBe('RETRACTED');
    expect(await valuesFor(engine, view)).toEqual({ mean: 75, n: 2, most: 100, newest: 50 });

    const [, second] = await recorded(
      engine,
      [0, 10, 2 * hourMs, 5].map((ms) => pay({ paidAt: start + ms, userId: 'bob' })),
    );
    expect((await retract(engine, second)).status).toBe('TOO_OLD');
  });
});

describe('a retraction after compaction', () => {
  const totals = spending({ n: count({ window: '30d' }), paid: sum('amount', { window: '30d' }) });
  const openSmall = (of: readonly View[], singles = 2) =>
    scratch.open(of, 'event', scratch.prefix(), scratch.valkey, { singles });
  const aMinuteApart = (number: number) =>
    Array.from({ length: number }, (_, i) => pay({ paidAt: start + i * 60_000, amount: i + 1 }));

  test('takes out what is alone in its tile, once, and keeps its id known', async () => {
    const hours = Array.from({ length: 6 }, (_, i) => pay({ paidAt: start + i * 12 * hourMs, amount: i + 1 }));
    const engine = await openSmall([totals]);
    const [first] = await recorded(engine, hours);
    expect(await retract(engine, first, { amount: 9 })).toMatchObject({ status: 'MISMATCH' });
    expect(await retract(engine, first)).toMatchObject({ status: 'RETRACTED', occurredAt: start });
    expect(await valuesFor(engine, totals)).toEqual({ n: 5, paid: 20 });
    const twin = pay({ paidAt: start, amount: 1 });
    expect(await retract(engine, first)).toMatchObject({
      status: 'RETRACTED',
      reason: expect.stringContaining('before'),
    });
    const [again, another] = await engine.record(payment, [first as EventInput, twin]);
    expect(again).toMatchObject({ status: 'DUPLICATE', reason: expect.stringContaining('retracted') });
    expect(another?.status).toBe('TOO_LATE');
    expect(await valuesFor(engine, totals)).toEqual({ n: 5, paid: 20 });
  });

  test('is too old for what is put together with others, which stays', async () => {
    const payments = Array.from({ length: 8 }, (_, i) => pay({ paidAt: start + i, amount: i + 1 }));
    const engine = await openSmall([totals]);
    await recorded(engine, payments);
    expect(await retract(engine, payments[0])).toMatchObject({
      status: 'TOO_OLD',
      reason: expect.stringContaining('put together with others'),
    });
    expect(await valuesFor(engine, totals)).toEqual({ n: 8, paid: 36 });
    expect((await retract(engine, payments[7])).status).toBe('RETRACTED');
    expect(await valuesFor(engine, totals)).toEqual({ n: 7, paid: 28 });
  });

  test('comes into no tile: what was retracted before stays out, and its id stays known', async () => {
    const engine = await openSmall([totals]);
    const payments = aMinuteApart(3);
    await recorded(engine, payments);
    for (const one of payments.slice(1)) expect((await retract(engine, one)).status).toBe('RETRACTED');
    await recorded(engine, aMinuteApart(12).slice(3));
    expect(await valuesFor(engine, totals)).toEqual({ n: 10, paid: 1 + 72 });
    const again = await engine.record(payment, payments);
    expect(again.map(({ status, reason }) => [status, reason?.includes('retracted') ?? false])).toEqual([
      ['DUPLICATE', false],
      ['DUPLICATE', true],
      ['DUPLICATE', true],
    ]);
    await recorded(engine, [pay({ paidAt: start + 3 * dayMs, amount: 0 })]);
    const later = await engine.record(payment, payments);
    expect(later.map(({ status }) => status)).toEqual(['TOO_LATE', 'DUPLICATE', 'DUPLICATE']);
    expect((await retract(engine, payments[1])).status).toBe('RETRACTED');
    expect(await valuesFor(engine, totals)).toEqual({ n: 11, paid: 73 });
  });

  test('is too old where a distinct value’s earlier sighting may be among tiles, and only there', async () => {
    const shops = spending({ shops24h: distinct('shopId', { window: '24h' }), n: count({ window: '24h' }) });
    const engine = await openSmall([shops], 3);
    const payments = aMinuteApart(8).map((one, i) => ({ ...one, shopId: i === 7 ? 'smith' : 'baker' }));
    await recorded(engine, payments);
    expect(await retract(engine, payments[7])).toMatchObject({
      status: 'TOO_OLD',
      reason: expect.stringContaining('seen'),
    });
    expect((await retract(engine, payments[6])).status).toBe('RETRACTED');
    expect(await valuesFor(engine, shops)).toEqual({ shops24h: 2, n: 7 });
  });

  test('grows with its view: what was retracted stays so', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([totals], 'event', prefix, scratch.valkey, { singles: 2 });
    const hours = Array.from({ length: 5 }, (_, i) => pay({ paidAt: start + i * 12 * hourMs, amount: i + 1 }));
    await recorded(engine, hours);
    for (const out of [0, 4]) expect((await retract(engine, hours[out])).status).toBe('RETRACTED');
    const grown = spending({
      n: count({ window: '30d' }),
      paid: sum('amount', { window: '30d' }),
      big: count({ window: '30d', where: { amount: { gte: 4 } } as Where }),
      rate: share('fraud', { window: '30d' }),
    });
    const later = await scratch.open([grown], 'event', prefix, scratch.valkey, { singles: 2 });
    expect(await valuesFor(later, grown)).toMatchObject({ n: 3, paid: 9, rate: 0 });
    for (const out of [0, 4]) {
      expect((await retract(later, hours[out])).reason).toContain('retracted before');
      expect((await later.record(payment, [hours[out] as EventInput]))[0]?.status).toBe('DUPLICATE');
    }
  });
});
