import { describe, expect, test, vi } from 'vitest';
import { count, max, sum, type Where } from '../../src/define/index.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const dayMs = 86_400_000;
const start = Date.UTC(2024, 0, 1);

describe('a log', () => {
  const counts = spending({ count1h: count({ window: '1h' }), count30d: count({ window: '30d' }) });
  const open = (singles: number, clock: 'event' | 'wall' = 'event') =>
    scratch.open([counts], clock, scratch.prefix(), scratch.valkey, { singles });

  test('keeps as many singles as it is told, and finds them all', async () => {
    const engine = await open(300);
    const payments = Array.from({ length: 400 }, (_, i) => pay({ paidAt: start + i }));
    for (const one of payments) await engine.record(payment, [one]);
    const [vector] = await engine.refresh(counts, ['ada']);
    expect([...(vector?.values ?? [])]).toEqual([400, 400]);
    const again = await engine.record(payment, payments);
    expect(again.every(({ status }) => status === 'DUPLICATE')).toBe(true);
  });

  test('has room for as many singles as it is told now, also where it was told of fewer when it was written', async () => {
    const prefix = scratch.prefix();
    for (const [i, singles] of [2, 9, 40].entries()) {
      const engine = await scratch.open([counts], 'event', prefix, scratch.valkey, { singles });
      const payments = Array.from({ length: 64 }, (_, j) => pay({ paidAt: start + i * 64 + j }));
      for (const one of [payments.slice(0, 60), payments.slice(60)]) await engine.record(payment, one);
      const again = await engine.record(payment, payments);
      expect(again.every(({ status }) => status === 'DUPLICATE')).toBe(true);
      const [vector] = await engine.refresh(counts, ['ada']);
      expect([...(vector?.values ?? [])]).toEqual([64 * (i + 1), 64 * (i + 1)]);
    }
  });

  test('looks for an extreme that left also among tiles that were put together just now', async () => {
    const maxima = spending({ max24h: max('amount', { window: '24h' }) });
    const engine = await scratch.open([maxima], 'event', scratch.prefix(), scratch.valkey, { singles: 16 });
    const everyMs = 1_080_000; // 80 in a day
    for (let i = 0; i <= 400; i++) {
      const [outcome] = await engine.record(payment, [pay({ amount: 5_000 - i, paidAt: start + i * everyMs })]);
      expect(outcome?.status).toBe('RECORDED');
      if (i % 25 > 0) continue;
      const [served] = await engine.read(maxima, ['ada']);
      const [anew] = await engine.refresh(maxima, ['ada']);
      expect([...(served?.values ?? [])]).toEqual([...(anew?.values ?? [])]);
    }
  });

  test('leaves the extremes of a cut tile out where none of what it has of them is taken to be inside', async () => {
    const where: Where = { amount: { lt: 50 } };
    const small = spending({ max24h: max('amount', { window: '24h', where }) });
    const engine = await scratch.open([small], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
    // The first two share a tile; one of its two events leaves, and of the one small payment half is taken to: all of it.
    const payments = [
      [1, 100],
      [2, 10],
      [1_200_000, 5],
      [2_400_000, 6],
      [dayMs + 1, 1],
    ] as const;
    for (const [ms, amount] of payments) await engine.record(payment, [pay({ amount, paidAt: start + ms })]);
    const [served] = await engine.read(small, ['ada']);
    const [[then] = []] = await engine.past(small, [{ id: 'ada', moments: [served?.asOf ?? 0] }]);
    const [anew] = await engine.refresh(small, ['ada']);
    expect([served?.values[0], then?.values[0], anew?.values[0]]).toEqual([6, 6, 6]);
    expect(then?.certainties[0]).toEqual({ method: 'INTERPOLATED', lower: 6, upper: 10 });
  });

  test('tells events of any year apart', async () => {
    const engine = await open(1);
    const lateYear = Date.UTC(9_999, 0, 1);
    for (let i = 0; i < 60; i++) await engine.record(payment, [pay({ paidAt: lateYear + i })]);
    const [vector] = await engine.read(counts, ['ada']);
    expect([...(vector?.values ?? [])]).toEqual([60, 60]);
  });

  test('takes none of those that it put together again, not even the newest, once their ids are forgotten', async () => {
    const engine = await open(1);
    const payments = [0, 1, 2].map((ms) => pay({ paidAt: start + ms }));
    for (const one of [...payments, pay({ paidAt: start + 2 * dayMs })]) await engine.record(payment, [one]);
    const again = await engine.record(payment, payments);
    expect(again.map(({ status }) => status)).toEqual(['TOO_LATE', 'TOO_LATE', 'TOO_LATE']);
  });

  test('misses no ids that have expired as they should', async () => {
    const engine = await open(1, 'wall');
    const dayAgo = (await scratch.now()) - dayMs;
    for (const ms of [4_000, 4_200, 4_400]) await engine.record(payment, [pay({ paidAt: dayAgo + ms })]);
    const ids = () => scratch.valkey.keys(`${engine.keys.prefix}:ids:*`);
    expect(await ids()).toHaveLength(1);
    await vi.waitUntil(async () => (await ids()).length === 0, { timeout: 15_000 });
    await engine.record(payment, [pay(), pay(), pay()]);
    expect(engine.lostCompanions).toBe(0);
  });

  test('keeps the ids of newer events for as long when a late one joins them', async () => {
    const engine = await open(1, 'wall');
    const now = await scratch.now();
    for (const ms of [3, 2, 1]) await engine.record(payment, [pay({ paidAt: now - ms * 1_000 })]);
    const [ids = ''] = await scratch.valkey.keys(`${engine.keys.prefix}:ids:*`);
    const before = await scratch.valkey.pttl(ids);
    await engine.record(payment, [pay({ paidAt: now - 10 * 3_600_000 })]);
    expect(await scratch.valkey.pttl(ids)).toBeGreaterThan(before - 10_000);
  });
});

test('the edges of several windows in one tile leave it out of each', async () => {
  const sums = spending({ sum1h: sum('amount', { window: '1h' }), sum3601s: sum('amount', { window: '3601s' }) });
  const engine = await scratch.open([sums], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
  const stretch = Math.ceil(start / 30_000) * 30_000;
  for (const ms of [0, 20_000, 3_600_000, 3_610_000]) {
    await engine.record(payment, [pay({ paidAt: stretch + ms, amount: 1 })]);
  }
  const [[now] = []] = await engine.past(sums, [{ id: 'ada', moments: [stretch + 3_610_000] }]);
  expect(now?.certainties).toEqual([
    { lower: 3, upper: 3, method: 'EXACT' },
    { lower: 3, upper: 3, method: 'EXACT' },
  ]);
});

test('an event that joins the tile before one that an edge cuts leaves that one as it was', async () => {
  const sums = spending({ sum245s: sum('amount', { window: '245s' }), count24h: count({ window: '24h' }) });
  const engine = await scratch.open([sums], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
  const stretch = Math.ceil(start / 720_000) * 720_000;
  for (const ms of [-158_000, 0, 1, 2, 3, 245_000, 245_001, 245_002]) {
    await engine.record(payment, [pay({ paidAt: stretch + ms, amount: 1 })]);
  }
  await engine.record(payment, [pay({ paidAt: stretch - 158_000, amount: 1 })]);
  const [[running], [anew]] = [await engine.read(sums, ['ada']), await engine.refresh(sums, ['ada'])];
  expect(running?.values).toEqual(anew?.values);
});

/** Values and sums, which rounding may leave apart in their last digits. */
const rounded = (values: Iterable<number> = []) => [...values].map((value) => Number(value.toPrecision(12)));

test('a tile that an edge cuts counts for as much at any moment of a step, however it is come by', async () => {
  const counts = spending({ count24h: count({ window: '24h' }) });
  const engine = await scratch.open([counts], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
  // Nearly all at the beginning of the tile: how many must have passed, at least, goes up quickly.
  const early = Array.from({ length: 99 }, (_, i) => pay({ paidAt: start + i }));
  await engine.record(payment, [...early, pay({ paidAt: start + 600_000 })]);
  await engine.record(payment, [pay({ paidAt: start + 7_200_000 }), pay({ paidAt: start + 10_800_000 })]);
  for (let ms = 1_000; ms < 600_000; ms += 3_000) {
    await engine.record(payment, [pay({ paidAt: start + dayMs + ms })]);
    const [served] = await engine.read(counts, ['ada']);
    const [[then] = []] = await engine.past(counts, [{ id: 'ada', moments: [served?.asOf ?? 0] }]);
    expect(then?.values).toEqual(served?.values);
    const [{ lower, upper } = { lower: Number.NaN, upper: Number.NaN }] = then?.certainties ?? [];
    expect(served?.values[0]).toBeGreaterThanOrEqual(lower);
    expect(served?.values[0]).toBeLessThanOrEqual(upper);
  }
});

test('both edges of a window may cut the same tile of an older definition', async () => {
  const prefix = scratch.prefix();
  const old = { count30d: count({ window: '30d' }), max30d: max('amount', { window: '30d' }) };
  const limits = { singles: 1 };
  const before = await scratch.open([spending(old)], 'event', prefix, scratch.valkey, limits);
  const begins = Math.ceil(start / 72_000_000) * 72_000_000; // where a tile of the widest does
  for (let i = 0; i < 40; i++) {
    await before.record(payment, [pay({ amount: 1 + ((i * 7) % 40), paidAt: begins + i * 500_000 })]);
  }
  await before.record(payment, [pay({ paidAt: begins + 6 * dayMs }), pay({ paidAt: begins + 6 * dayMs + 1 })]);
  const delayed = { window: '1h', delay: '7d' } as const;
  const grown = spending({
    ...old,
    countThen: count(delayed),
    maxThen: max('amount', delayed),
    sumThen: sum('amount', delayed),
  });
  const engine = await scratch.open([grown], 'event', prefix, scratch.valkey, limits);
  for (let ms = 0; ms < dayMs; ms += 970_000) {
    await engine.record(payment, [pay({ amount: 1, paidAt: begins + 7 * dayMs + ms })]);
    const [served] = await engine.read(grown, ['ada']);
    const [[then] = []] = await engine.past(grown, [{ id: 'ada', moments: [served?.asOf ?? 0] }]);
    expect(rounded(then?.values)).toEqual(rounded(served?.values));
  }
});
