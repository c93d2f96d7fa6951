import { describe, expect, test } from 'vitest';
import { count, distinct, last, lifetime, max, share, sum, type View, type Where } from '../../src/define/index.ts';
import type { EventInput, LabelStatus } from '../../src/engine/index.ts';
import { cut } from '../support/streams.ts';
import { dayMs, hourMs, label, recorded, start, valuesFor, verdictOn } from './correcting.ts';
import { pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const frauds: Where = { fraud: { eq: true } };
const bigFrauds: Where = { fraud: { eq: true }, amount: { gte: 100 } };
const notFrauds: Where = { fraud: { ne: true } };
const cleared: Where = { fraud: { eq: false } };

const rates = spending({
  rate1h: share('fraud', { window: '1h' }),
  rate30d: share('fraud', { window: '30d' }),
  frauds30d: count({ window: '30d', where: frauds }),
  count30d: count({ window: '30d' }),
});

/** An engine that has recorded ada's payments, a minute apart, of which all but two are put together. */
async function compacted(view: View, payments: readonly EventInput[]) {
  const limits = { singles: 2 };
  const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, limits);
  const all = await recorded(
    engine,
    payments.map((fields, i) => pay({ paidAt: start + i * 60_000, ...fields })),
  );
  const send = async (i: number, fraud = true) => (await label(engine, all[i], fraud)).status;
  return { engine, all, send };
}

describe('a label', () => {
  test('that comes late counts as if the event had had it from the start, and only once', async () => {
    const engine = await scratch.open([rates], 'event');
    const [first, second] = [pay({ paidAt: start }), pay({ paidAt: start + 1, fraud: false })];
    await engine.record(payment, [first, second]);
    const outcome = await label(engine, first);
    expect(outcome).toMatchObject({ status: 'LABELLED', reason: null, occurredAt: start });
    expect(outcome.vectors.get(rates)?.eventSeq).toBe(3);
    expect(await valuesFor(engine, rates)).toEqual({ rate1h: 0.5, rate30d: 0.5, frauds30d: 1, count30d: 2 });
    const again = await label(engine, first);
    expect(again).toMatchObject({ status: 'DUPLICATE', reason: expect.stringContaining('already') });
    expect(again.vectors.get(rates)).toEqual(outcome.vectors.get(rates));
  });

  test('may change again, as when a dispute was won', async () => {
    const engine = await scratch.open([rates], 'event');
    const first = pay({ paidAt: start });
    await engine.record(payment, [first]);
    const statuses: LabelStatus[] = [];
    for (const fraud of [false, false, true, false, true, true]) {
      statuses.push((await label(engine, first, fraud)).status);
    }
    expect(statuses).toEqual(['LABELLED', 'DUPLICATE', 'LABELLED', 'LABELLED', 'LABELLED', 'DUPLICATE']);
    expect(await valuesFor(engine, rates)).toMatchObject({ rate30d: 1, frauds30d: 1 });
  });

  test('is stored, and served in the hash', async () => {
    const engine = await scratch.open([rates], 'event');
    const first = pay({ paidAt: start });
    await engine.record(payment, [first]);
    await label(engine, first);
    expect(await scratch.valkey.hget(engine.keys.hash(rates, 'ada'), 'rate_30d')).toBe('1');
    expect(await scratch.valkey.hget(engine.keys.hash(rates, 'ada'), '_event_seq')).toBe('2');
  });

  test('of what nobody recorded finds nothing, and of what no window reaches any more is too old', async () => {
    const engine = await scratch.open([rates], 'event');
    expect(await label(engine, pay({ paidAt: start }))).toMatchObject({
      status: 'NOT_FOUND',
      reason: expect.stringContaining('spending'),
      occurredAt: null,
    });
    const first = pay({ paidAt: start });
    await engine.record(payment, [first, pay({ paidAt: start + 30 * dayMs })]);
    expect(await label(engine, pay({ paidAt: start + dayMs }))).toMatchObject({
      status: 'NOT_FOUND',
    });
    const late = await label(engine, first);
    expect(late).toMatchObject({ status: 'TOO_OLD', reason: expect.stringContaining('older than every window') });
    expect(late.occurredAt).toBe(start);
  });

  test('that breaks a rule is rejected with a reason', async () => {
    const engine = await scratch.open([rates, takings], 'event');
    const good = verdictOn(pay({ paidAt: start }));
    for (const fault of [{ userId: '' }, { paidAt: null }, { fraud: null }, { shopId: 7 }]) {
      const outcome = await engine.label(payment, { ...good, ...fault });
      expect(outcome).toMatchObject({
        status: 'REJECTED',
        reason: expect.stringContaining(Object.keys(fault)[0] ?? ''),
      });
    }
  });

  test('concerns only the views in which something depends on it', async () => {
    const counts = spending({ count1h: count({ window: '1h' }) }, 'counts');
    const engine = await scratch.open([rates, counts], 'event');
    const first = pay({ paidAt: start });
    await engine.record(payment, [first]);
    const { views } = await label(engine, first);
    expect(views.map(({ view, status }) => [view.name, status])).toEqual([['spending', 'LABELLED']]);
  });

  test('moves an event between the filters that name it, with what else they ask for', async () => {
    const view = spending({
      bigFrauds: sum('amount', { window: '1h', where: bigFrauds }),
      maxUnclear: max('amount', { window: '1h', where: notFrauds }),
      cleared: count({ window: '1h', where: cleared }),
      fraudShops: distinct('shopId', { window: '1h', where: frauds }),
      lastVerdict: last('fraud', { window: '1h' }),
    });
    const engine = await scratch.open([view], 'event');
    const [small, big] = [pay({ paidAt: start, amount: 5 }), pay({ paidAt: start + 1, amount: 500, shopId: 'smith' })];
    await engine.record(payment, [small, big]);
    const says = async (one: EventInput, fraud: boolean) => {
      expect((await label(engine, one, fraud)).status).toBe('LABELLED');
      return valuesFor(engine, view);
    };
    const none = { bigFrauds: 0, maxUnclear: 500, cleared: 0, fraudShops: 0, lastVerdict: null };
    expect(await valuesFor(engine, view)).toEqual(none);
    expect(await says(big, true)).toEqual({ ...none, bigFrauds: 500, maxUnclear: 5, fraudShops: 1, lastVerdict: 1 });
    expect(await says(small, true)).toMatchObject({ bigFrauds: 500, maxUnclear: null, fraudShops: 2, lastVerdict: 1 });
    expect(await says(big, false)).toMatchObject({
      bigFrauds: 0,
      maxUnclear: 500,
      cleared: 1,
      fraudShops: 1,
      lastVerdict: 0,
    });
    expect(await says(small, false)).toMatchObject({ bigFrauds: 0, cleared: 2, fraudShops: 0 });
  });

  test('moves a running share while the event is known to be in it', async () => {
    const view = spending({ rate: share('fraud', { window: lifetime({ idle: '1h' }) }), n: count({ window: '30d' }) });
    const engine = await scratch.open([view], 'event');
    const [before, first, second] = [0, 2 * hourMs, 2.5 * hourMs].map((ms) => pay({ paidAt: start + ms }));
    for (const one of [before, first, second]) await engine.record(payment, [one as EventInput]);
    await label(engine, first);
    expect(await valuesFor(engine, view)).toMatchObject({ rate: 0.5 });
    // It came before the silence, and is in the running figure no more.
    expect((await label(engine, before)).status).toBe('LABELLED');
    expect(await valuesFor(engine, view)).toMatchObject({ rate: 0.5 });
  });
});

describe('a label after compaction', () => {
  const ten = Array.from({ length: 10 }, () => ({}));

  test('moves a share by exactly its event’s, whenever it comes', async () => {
    const { engine, send } = await compacted(rates, ten);
    for (const [i, expected] of [0.1, 0.2, 0.3].entries()) {
      expect(await send(i)).toBe('LABELLED');
      expect(await valuesFor(engine, rates)).toMatchObject({ rate1h: expected, rate30d: expected, frauds30d: i + 1 });
    }
    expect(await send(1)).toBe('DUPLICATE');
    expect(await send(1, false)).toBe('LABELLED');
    expect(await send(1, false)).toBe('DUPLICATE');
    expect(await valuesFor(engine, rates)).toMatchObject({ rate30d: 0.2, frauds30d: 2, count30d: 10 });
  });

  test('counts no event twice whose label came before', async () => {
    const { engine, all, send } = await compacted(rates, [{ fraud: true }, {}, {}, {}]);
    await send(3);
    for (let i = 4; i < 12; i++) await engine.record(payment, [pay({ paidAt: start + i * 60_000 })]);
    expect(await send(0)).toBe('DUPLICATE');
    expect(await send(3)).toBe('DUPLICATE');
    expect(await valuesFor(engine, rates)).toMatchObject({ frauds30d: 2, rate30d: 2 / 12 });
    // Also if it came late, straight among those that are put together.
    const late = pay({ paidAt: start + 30_000, fraud: true });
    expect((await engine.record(payment, [late]))[0]?.status).toBe('RECORDED');
    expect((await label(engine, late)).status).toBe('DUPLICATE');
    expect(all).toHaveLength(4);
  });

  test('takes the caller’s word once ids are forgotten, but not within the horizon', async () => {
    const { engine, send } = await compacted(rates, ten);
    const stranger = pay({ paidAt: start + 60_000 });
    expect((await label(engine, stranger)).status).toBe('NOT_FOUND');
    await engine.record(payment, [pay({ paidAt: start + 3 * dayMs })]);
    expect(await send(2)).toBe('LABELLED');
    expect(await send(2)).toBe('DUPLICATE');
    expect(await valuesFor(engine, rates)).toMatchObject({ rate30d: 1 / 11, rate1h: 0 });
    // Nothing was recorded at that time.
    expect((await label(engine, pay({ paidAt: start + 2 * dayMs }))).status).toBe('NOT_FOUND');
    await engine.record(payment, [pay({ paidAt: start + 30 * dayMs + 300_000 })]);
    expect(await send(2)).toBe('TOO_OLD');
  });

  test('is too old where more than a number of events depends on it, and changes nothing there', async () => {
    const view = spending({
      rate: share('fraud', { window: '30d' }),
      lost: sum('amount', { window: '30d', where: frauds }),
    });
    const { engine, all, send } = await compacted(view, ten);
    const before = await valuesFor(engine, view);
    expect(await label(engine, all[0])).toMatchObject({
      status: 'TOO_OLD',
      reason: expect.stringMatching(/^spending: .*put together/),
    });
    expect(await valuesFor(engine, view)).toEqual(before);
    expect(await send(9)).toBe('LABELLED');
    expect(await valuesFor(engine, view)).toEqual({ rate: 0.1, lost: 10 });
  });

  test('is too old once the list of labels was lost, which is counted', async () => {
    const { engine, send } = await compacted(rates, ten);
    await send(0);
    const [list = ''] = await scratch.valkey.keys(`${engine.keys.prefix}:corrections:*`);
    await scratch.valkey.del(list);
    expect(await send(1)).toBe('TOO_OLD');
    expect(await send(1)).toBe('TOO_OLD');
    expect(engine.lostCompanions).toBe(1);
    expect(await send(9)).toBe('LABELLED');
  });

  test('is bounded: of more than 1,200 labelled events the oldest are no longer told from those that are not', async () => {
    const many = Array.from({ length: 2_000 }, (_, i) => pay({ paidAt: start + i * 1_000, fraud: true }));
    const engine = await scratch.open([rates], 'event');
    for (const batch of cut(many, [1_000])) await engine.record(payment, batch);
    const statusOf = async (one: EventInput | undefined) => (await label(engine, one)).status;
    expect(await statusOf(many[0])).toBe('TOO_OLD');
    expect(await statusOf(many[1_000])).toBe('DUPLICATE');
    expect(await statusOf(many.at(-1))).toBe('DUPLICATE');
    const [list = ''] = await scratch.valkey.keys(`${engine.keys.prefix}:corrections:*`);
    expect(await scratch.valkey.strlen(list)).toBeLessThanOrEqual(1_200 * 17);
    expect(await valuesFor(engine, rates)).toMatchObject({ rate30d: 1, frauds30d: 2_000 });
  });
});
