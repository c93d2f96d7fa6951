import { describe, expect, test } from 'vitest';
import { count, type Duration, distinct, last, max, min, type View, type Where } from '../../src/define/index.ts';
import type { Certainty, Engine, EngineOptions, EventInput, PastVector } from '../../src/engine/index.ts';
import { pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const withHistory = (history: Duration) =>
  spending({ count1h: count({ window: '1h' }), shops1h: distinct('shopId', { window: '1h' }) }, 'remembering', history);
const profile = withHistory('3h');

const big: Where = { amount: { gte: 100 } };

/** One payment a minute from the start on, each to one of a few shops in turn. */
const stream = (from: number, to: number, shops = 5): EventInput[] =>
  Array.from({ length: to - from }, (_, i) =>
    pay({ shopId: `shop ${(from + i) % shops}`, paidAt: start + (from + i) * minuteMs }),
  );

async function lookBack(engine: Engine, view: View, at: number): Promise<PastVector> {
  const [[vector] = []] = await engine.past(view, [{ id: 'ada', moments: [at] }]);
  return vector as PastVector;
}

/** How sure each feature is, by name. */
const certaintiesOf = ({ view, certainties }: PastVector): { readonly [feature: string]: Certainty } =>
  Object.fromEntries(view.features.map(({ name }, i) => [name, certainties[i] as Certainty]));

async function openCrowded(view = profile, prefix = scratch.prefix(), options: Partial<EngineOptions> = {}) {
  return scratch.open([view], 'event', prefix, scratch.valkey, { singles: 2, ...options });
}

describe('distinct values of a past moment', () => {
  test('are those last seen before it, and perhaps those seen again since', async () => {
    const engine = await openCrowded();
    // Two shops at first, of which one is seen again after the moment; and a third that is seen only then.
    await engine.record(payment, [
      ...[0, 1, 2, 3].map((i) => pay({ shopId: i % 2 ? 'again' : 'before', paidAt: start + i * minuteMs })),
      ...[10, 11, 12, 13].map((i) => pay({ shopId: i % 2 ? 'again' : 'after', paidAt: start + i * minuteMs })),
    ]);
    const { shops1h } = certaintiesOf(await lookBack(engine, profile, start + 5 * minuteMs));
    expect(shops1h).toEqual({ lower: 1, upper: 3, method: 'INTERPOLATED' });
    // Of a window in which nothing else was, bounds meet.
    expect(certaintiesOf(await lookBack(engine, profile, start + 13 * minuteMs)).shops1h).toMatchObject({
      lower: 3,
      upper: 3,
    });
  });

  test('are exact where all events of the window stand by themselves', async () => {
    const engine = await openCrowded(profile, undefined, { singles: 8 });
    await engine.record(payment, stream(0, 4, 4));
    await engine.record(payment, stream(90, 98, 4));
    const { shops1h } = certaintiesOf(await lookBack(engine, profile, start + 92 * minuteMs));
    expect(shops1h).toEqual({ lower: 3, upper: 3, method: 'EXACT' });
  });

  test('are kept for as long as the history reaches, and no longer', async () => {
    const engine = await openCrowded();
    for (let minute = 0; minute < 600; minute += 10) {
      await engine.record(payment, [pay({ shopId: `shop of ${minute}`, paidAt: start + minute * minuteMs })]);
    }
    const now = start + 590 * minuteMs;
    const shopsAt = async (at: number) => certaintiesOf(await lookBack(engine, profile, at)).shops1h;
    expect(await shopsAt(now - 3 * hourMs)).toMatchObject({ lower: 6, upper: 6 });
    expect(await shopsAt(now - 3 * hourMs - 1)).toMatchObject({ method: 'UNREACHABLE' });
  });
});

describe('distinct values of a past moment, after a correction', () => {
  const brief = spending(
    { count1h: count({ window: '1h' }), shops1m: distinct('shopId', { window: '1m' }) },
    'brief',
    '1h',
  );

  test('are those that still count, also where no window reaches them now', async () => {
    const engine = await scratch.open([brief, takings], 'event', scratch.prefix(), scratch.valkey, { singles: 2 });
    const gone = pay({ shopId: 'gone', amount: 1, paidAt: start });
    await engine.record(payment, [gone, ...stream(30, 34)]);
    expect((await engine.retract(payment, ['amount'], gone)).status).toBe('RETRACTED');
    expect(certaintiesOf(await lookBack(engine, brief, start + 1_000)).shops1m).toMatchObject({ lower: 0, upper: 0 });
  });
});

describe('distinct values of a crowd that has left its window', () => {
  test('are no fewer than there were, though only a sample of them was kept', async () => {
    const engine = await openCrowded(profile, undefined, { values: 4 });
    await engine.record(payment, stream(0, 30, 30));
    await engine.record(payment, stream(200, 203, 3));
    await engine.refresh(profile, ['ada']);
    const now = await lookBack(engine, profile, start + 202 * minuteMs);
    expect(certaintiesOf(now).shops1h).toEqual({ lower: 3, upper: 3, method: 'EXACT' });
    const { shops1h } = certaintiesOf(await lookBack(engine, profile, start + 40 * minuteMs));
    expect(shops1h?.upper).toBeGreaterThanOrEqual(30);
  });
});

describe('a history that becomes longer', () => {
  const daily = (history: Duration) =>
    spending({ count24h: count({ window: '24h' }), shops24h: distinct('shopId', { window: '24h' }) }, 'daily', history);
  const halfHours = (from: number, to: number) =>
    stream(from, to).map((fields, i) => ({ ...fields, paidAt: start + 30 * minuteMs * (from + i) }));

  test('reaches only as far back as there is something to tell', async () => {
    const prefix = scratch.prefix();
    const before = await openCrowded(daily('1h'), prefix);
    for (let day = 0; day < 10; day++) await before.record(payment, halfHours(48 * day, 48 * (day + 1)));
    const long = daily('72h');
    const after = await openCrowded(long, prefix);
    await after.record(payment, halfHours(480, 490));
    const countAt = async (halfHour: number) =>
      certaintiesOf(await lookBack(after, long, start + 30 * minuteMs * halfHour)).count24h;
    expect(await countAt(420)).toMatchObject({ method: 'UNREACHABLE' });
    expect(await countAt(489)).toMatchObject({ lower: 48, upper: 48 });
    // From then on it reaches further, day by day.
    for (let day = 0; day < 3; day++) await after.record(payment, halfHours(490 + 48 * day, 538 + 48 * day));
    const recent = await countAt(492);
    expect([recent?.lower, recent?.upper]).toEqual([expect.closeTo(48, -1), expect.closeTo(48, -1)]);
  });
});

describe('last-seen times that were lost', () => {
  test('leave the count between those that are seen again and the number of events', async () => {
    const engine = await openCrowded();
    await engine.record(payment, stream(0, 20));
    const [set = ''] = await scratch.valkey.keys(`${engine.keys.prefix}:seen:*`);
    await scratch.valkey.del(set);
    const end = start + 19 * minuteMs;
    expect(certaintiesOf(await lookBack(engine, profile, end)).shops1h).toEqual({
      lower: 2, // that single events show
      upper: 20,
      method: 'INTERPOLATED',
    });
    await engine.record(payment, [pay({ shopId: 'shop 1', paidAt: start + 20 * minuteMs })]);
    const [vector] = await engine.read(profile, ['ada']);
    const told = await lookBack(engine, profile, vector?.asOf ?? 0);
    expect(certaintiesOf(told).shops1h).toEqual({ lower: 3, upper: 21, method: 'INTERPOLATED' });
    expect([vector?.values[1], told.values[1]]).toEqual([3, 3]);
    // Once none of what was lost could be in the window, it is whole again.
    await engine.record(payment, stream(80, 85));
    expect(certaintiesOf(await lookBack(engine, profile, start + 84 * minuteMs)).shops1h).toEqual({
      lower: 5,
      upper: 5,
      method: 'EXACT',
    });
  });
});

describe('where it is not known whether an event was in the window', () => {
  const large = spending(
    {
      count30d: count({ window: '30d' }),
      lastBig30d: last('amount', { window: '30d', where: big }),
      minBig10m: min('amount', { window: '10m', where: big }),
      maxBig10m: max('amount', { window: '10m', where: big }),
    },
    'large',
    '30d',
  );
  /** Amounts at so many minutes after a day's beginning, old enough to be put together in cells of six hours. */
  const longAgo = (amounts: { readonly [minute: number]: number }) => [
    ...Object.entries(amounts).map(([minute, amount]) => pay({ amount, paidAt: start + Number(minute) * minuteMs })),
    ...[1, 2, 3, 4].map((amount) => pay({ amount, paidAt: start + 20 * 24 * hourMs })),
  ];

  test('the newest may be an older one', async () => {
    const engine = await openCrowded(large);
    await engine.record(payment, longAgo({ 10: 500, 400: 1, 401: 2, 402: 300, 403: 400 }));
    const { lastBig30d } = certaintiesOf(await lookBack(engine, large, start + 401 * minuteMs));
    expect(lastBig30d).toEqual({ lower: 300, upper: 500, method: 'INTERPOLATED' });
  });

  test.each([
    [100, 900],
    [900, 100],
  ])('the extremes are those of any cell that may have had it: %i before, %i inside', async (before, inside) => {
    const engine = await openCrowded(large);
    await engine.record(payment, longAgo({ 60: before, 61: 2, 355: 1, 362: inside, 390: 1, 391: 2 }));
    const { minBig10m, maxBig10m } = certaintiesOf(await lookBack(engine, large, start + 364 * minuteMs));
    for (const one of [minBig10m, maxBig10m]) expect(one).toEqual({ lower: 100, upper: 900, method: 'INTERPOLATED' });
  });
});

describe('of a tile that an edge cuts, as much is taken to be inside as of the vector that was served', () => {
  const halved = spending({ big1h: count({ window: '1h', where: big }) }, 'halved');

  test('when half an event would be', async () => {
    const engine = await openCrowded(halved, undefined, { singles: 1 });
    const seconds = [0, 9, 3_600, 3_604, 3_604.001];
    const payments = seconds.map((at, i) => pay({ amount: i === 0 ? 500 : 1, paidAt: start + 1_000 * at }));
    for (const one of payments) await engine.record(payment, [one]);
    const [vector] = await engine.read(halved, ['ada']);
    const told = await lookBack(engine, halved, vector?.asOf ?? 0);
    expect(told.certainties).toMatchObject([{ method: 'INTERPOLATED', lower: 0, upper: 1 }]);
    expect([vector?.values[0], told.values[0]]).toEqual([0, 0]);
  });
});

describe('past moments of many', () => {
  test('come in several calls where one would take long, and are the same', async () => {
    const prefix = scratch.prefix();
    const patient = await openCrowded(profile, prefix);
    const hasty = await openCrowded(profile, prefix, { microsPerCall: 0 });
    await patient.record(payment, stream(0, 240));
    const moments = Array.from({ length: 30 }, (_, i) => start + (239 - 5 * i) * minuteMs);
    const asked = ['ada', 'nobody', 'ada'].map((id) => ({ id, moments }));
    const [atOnce, inTurns] = [await patient.past(profile, asked), await hasty.past(profile, asked)];
    const told = (found: PastVector[][]) => found.map((vectors) => vectors.map(({ now, ...rest }) => rest));
    expect(told(inTurns)).toEqual(told(atOnce));
    expect(atOnce.map((vectors) => vectors.map(({ asOf }) => asOf))).toEqual(Array(3).fill(moments));
  });

  test('fail alone', async () => {
    const engine = await openCrowded();
    await scratch.valkey.rpush(engine.keys.log(profile, 'broken'), 'nonsense');
    const found = await engine.pastEach(
      profile,
      ['broken', 'ada'].map((id) => ({ id, moments: [start, start + 1] })),
    );
    expect(found[0]).toBeInstanceOf(Error);
    expect(found[1]).toMatchObject([{ asOf: start }, { asOf: start + 1 }]);
  });
});
