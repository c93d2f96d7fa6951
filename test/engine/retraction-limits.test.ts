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
import type { EventInput } from '../../src/engine/index.ts';
import { dayMs, hourMs, recorded, retract, start, valuesFor } from './correcting.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

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
  const halfADayApart = (number: number) =>
    Array.from({ length: number }, (_, i) => pay({ paidAt: start + i * 12 * hourMs, amount: i + 1 }));
  const aMinuteApart = (number: number) =>
    Array.from({ length: number }, (_, i) => pay({ paidAt: start + i * 60_000, amount: i + 1 }));

  test('takes out what is alone in its tile, once, and keeps its id known', async () => {
    const engine = await openSmall([totals]);
    const [first] = await recorded(engine, halfADayApart(6));
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

  test('is too old once the list of what was retracted is lost, which is counted once', async () => {
    const engine = await openSmall([totals]);
    const payments = await recorded(engine, halfADayApart(6));
    expect((await retract(engine, payments[0])).status).toBe('RETRACTED');
    expect(await scratch.valkey.del(engine.keys.log(totals, 'ada').replace(':log:', ':corrections:'))).toBe(1);
    for (const one of payments.slice(0, 2)) {
      expect(await retract(engine, one)).toMatchObject({
        status: 'TOO_OLD',
        reason: expect.stringContaining('corrections'),
      });
    }
    expect(engine.lostCompanions).toBe(1);
    expect(await valuesFor(engine, totals)).toEqual({ n: 5, paid: 20 });
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
    const payments = await recorded(engine, halfADayApart(5));
    for (const out of [0, 4]) expect((await retract(engine, payments[out])).status).toBe('RETRACTED');
    const grown = spending({
      n: count({ window: '30d' }),
      paid: sum('amount', { window: '30d' }),
      big: count({ window: '30d', where: { amount: { gte: 4 } } as Where }),
      rate: share('fraud', { window: '30d' }),
    });
    const later = await scratch.open([grown], 'event', prefix, scratch.valkey, { singles: 2 });
    expect(await valuesFor(later, grown)).toMatchObject({ n: 3, paid: 9, rate: 0 });
    for (const out of [0, 4]) {
      expect((await retract(later, payments[out])).reason).toContain('retracted before');
      expect((await later.record(payment, [payments[out] as EventInput]))[0]?.status).toBe('DUPLICATE');
    }
  });
});
