import { describe, expect, test } from 'vitest';
import { count, type Duration, distinct, type Where } from '../../src/define/index.ts';
import { writeHash64 } from '../../src/engine/hash64.ts';
import type { PastVector } from '../../src/engine/index.ts';
import { patienceMs } from '../support/property.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const begins = Date.UTC(2024, 0, 1);
const hourMs = 3_600_000;
const big: Where = { amount: { gte: 100 } };
const windows = ['1h', '24h', '30d'] as const satisfies Duration[];
const lengthMs = { '1h': hourMs, '24h': 24 * hourMs, '30d': 720 * hourMs };
const features = Object.fromEntries(windows.map((window) => [`shops${window}`, distinct('shopId', { window })]));
const view = spending(features, 'distinct_profile');

/** Whose payments, where and when. */
interface Visit {
  readonly shopId: string;
  readonly paidAt: number;
}

/** Records visits of one user in batches, and says of its newest moment what is served, and how sure that is. */
async function visited(visits: readonly Visit[], values: number, batchSize = 500) {
  const userId = 'ada';
  const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { values });
  for (let at = 0; at < visits.length; at += batchSize) {
    const batch = visits.slice(at, at + batchSize).map((visit, i) => pay({ userId, paymentId: `${at + i}`, ...visit }));
    await engine.record(payment, batch);
  }
  const [vector] = await engine.read(view, [userId]);
  const asOf = vector?.asOf ?? 0;
  const [[past] = []] = await engine.past(view, [{ id: userId, moments: [asOf] }]);
  const certainty = Object.fromEntries(
    windows.map((window, i) => [window, (past as PastVector).certainties[i] as PastVector['certainties'][number]]),
  );
  const truth = Object.fromEntries(
    windows.map((window) => [
      window,
      new Set(visits.filter(({ paidAt }) => paidAt > asOf - lengthMs[window]).map(({ shopId }) => shopId)).size,
    ]),
  );
  return { engine, served: valuesOf(vector as NonNullable<typeof vector>), certainty, truth };
}

function hashOf(text: string): bigint {
  const hash = Buffer.alloc(8);
  writeHash64(text, hash, 0);
  return hash.readBigUInt64LE();
}

/** Visits to so many shops, each after the other, over some time. */
const tour = (shops: number, overMs: number, name = 'shop', from = begins): Visit[] =>
  Array.from({ length: shops }, (_, i) => ({
    shopId: `${name} ${i}`,
    paidAt: from + Math.floor((i * overMs) / shops),
  }));

describe('different values', { timeout: patienceMs }, () => {
  test('are counted exactly as long as a window has no more than it keeps', async () => {
    const visits = [...tour(64, 700 * hourMs), ...tour(64, 10 * hourMs, 'shop', begins + 701 * hourMs)];
    const { served, truth, certainty } = await visited(visits, 64);
    expect(served).toEqual({ shops1h: truth['1h'], shops24h: truth['24h'], shops30d: truth['30d'] });
    expect(windows.map((window) => certainty[window]?.method)).toEqual(['EXACT', 'EXACT', 'EXACT']);
  });

  test('of a long window are estimated when there are more, and a short one stays exact', async () => {
    const { served, truth, certainty } = await visited(tour(4_000, 20 * hourMs), 512);
    expect(windows.map((window) => certainty[window]?.method)).toEqual(['EXACT', 'SAMPLED', 'SAMPLED']);
    expect(served.shops1h).toBe(truth['1h']);
    expect(served.shops24h).not.toBe(truth['24h']);
    expect(Math.abs((served.shops24h as number) / (truth['24h'] as number) - 1)).toBeLessThan(0.25); // five deviations
  });

  test('lie within their bounds in 99 of 100 cases, and are off by no more than a sample of that size is', async () => {
    const cases = await Promise.all(
      Array.from({ length: 80 }, async (_, i) => {
        const { served, truth, certainty } = await visited(tour(1_500, 20 * hourMs, `town ${i}, shop`), 256);
        const { lower, upper } = certainty['24h'] as PastVector['certainties'][number];
        const [value, wanted] = [served.shops24h as number, truth['24h'] as number];
        return { within: lower <= wanted && wanted <= upper, error: Math.abs(value / wanted - 1) };
      }),
    );
    expect(cases.filter(({ within }) => within).length).toBeGreaterThanOrEqual(76);
    const errors = cases.map(({ error }) => error).sort((a, b) => a - b);
    // A sample of 205 to 256 of 1,500 has a standard deviation of 6 to 7 %; half of all cases lie within 0.67 of it.
    expect(errors[40]).toBeLessThan(0.06);
  });

  test('may be so few in a sample that stretches of time have none', async () => {
    for (const shops of [3, 4, 5, 6]) {
      const { engine } = await visited(tour(shops, 2 * shops * hourMs), 1);
      const [vector] = await engine.read(view, ['ada']);
      expect(vector?.eventSeq).toBe(shops);
    }
  });

  test('are counted exactly again once a crowd has left the window', async () => {
    const crowd = tour(2_000, hourMs);
    const quiet = [
      ...tour(60, 800 * hourMs, 'quiet', begins + 2 * hourMs),
      ...tour(60, 1_400 * hourMs, 'later', begins + 803 * hourMs),
    ];
    const { served, truth, certainty } = await visited([...crowd, ...quiet], 128, 20);
    expect(certainty['30d']?.method).toBe('EXACT');
    expect(served.shops30d).toBe(truth['30d']);
  });

  test('seen again count once, whatever order they are told in', async () => {
    const visits = Array.from({ length: 3_000 }, (_, i) => ({
      shopId: `shop ${(i * 7_919) % 113}`,
      paidAt: begins + ((i * 104_729) % 3_000) * 20_000,
    }));
    const newestLast = [...visits, { shopId: 'shop 0', paidAt: begins + 3_000 * 20_000 }];
    const { served, truth } = await visited(newestLast, 128);
    expect(served).toEqual({ shops1h: truth['1h'], shops24h: truth['24h'], shops30d: truth['30d'] });
  });

  test('take a bounded room, however many there are', async () => {
    const { engine } = await visited(tour(20_000, 0.9 * hourMs), 512);
    const bytes = await scratch.valkey.strlen(`${engine.keys.prefix}:seen:v1:${view.name}:shopId:{ada}`);
    expect(bytes).toBeLessThan(3 * 512 * 11 * 2);
    expect(bytes).toBeGreaterThan(0);
  });

  test('may be chosen so that they share their places, and still come to an end', async () => {
    const hash = Buffer.alloc(8);
    const isChosen = (name: string) => {
      writeHash64(name, hash, 0);
      return hash.readUInt16LE(0) % 120 === 0 && hash.readUInt16LE(2) % 120 === 0; // whatever small number of buckets there is
    };
    const names: string[] = [];
    for (let i = 0; names.length < 40; i++) if (isChosen(`shop ${i}`)) names.push(`shop ${i}`);
    const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { singles: 8 });
    const shops = [...names, ...Array.from({ length: 12 }, () => 'other')];
    for (const [i, shopId] of shops.entries()) {
      const [outcome] = await engine.record(payment, [pay({ userId: 'ada', shopId, paidAt: begins + i * 1_000 })]);
      expect(outcome?.status).toBe('RECORDED');
    }
    const [[vector] = []] = await engine.past(view, [{ id: 'ada', moments: [begins + 51_000] }]);
    for (const { method, lower, upper } of (vector as PastVector).certainties) {
      expect(method).toBe('INTERPOLATED');
      expect(lower).toBeLessThanOrEqual(41);
      expect(upper).toBeGreaterThanOrEqual(41);
    }
  });

  test('are counted right where the last mark stands just where what is read of a log ends', async () => {
    const both = spending(
      {
        shops1m: distinct('shopId', { window: '1m' }),
        bigShops1m: distinct('shopId', { window: '1m', where: big }),
        count24h: count({ window: '24h' }),
      },
      'two_sets',
    );
    const engine = await scratch.open([both], 'wall');
    const ago = (await scratch.now()) - 600_000;
    const record = (paymentId: string, ms: number, shopId: string) =>
      engine.record(payment, [pay({ userId: 'ada', paymentId, shopId, amount: 10, paidAt: ago + ms })]);
    for (let i = 0; i < 160; i++) await record(`d${i}`, i, `s${i % 5}`);
    // At the same moment as the newest, and after it: by its id.
    const isAfter = (id: string) => hashOf(id) > hashOf('d159');
    const tie = Array.from({ length: 64 }, (_, i) => `tie${i}`).find(isAfter) ?? '';
    await record(tie, 159, 's1');
    const [served] = await engine.read(both, ['ada']);
    expect(valuesOf(served as NonNullable<typeof served>)).toEqual({ shops1m: 0, bigShops1m: 0, count24h: 161 });
  });

  test('that no window holds now are kept for looks back, but not more than some thousands', async () => {
    const hourly = spending({ shops1h: distinct('shopId', { window: '1h' }) }, 'hourly_profile');
    const engine = await scratch.open([hourly], 'event');
    const visits = tour(12_000, 20 * hourMs).map((visit, i) => pay({ userId: 'ada', paymentId: `${i}`, ...visit }));
    for (let at = 0; at < visits.length; at += 500) await engine.record(payment, visits.slice(at, at + 500));
    const bytes = await scratch.valkey.strlen(`${engine.keys.prefix}:seen:v1:${hourly.name}:shopId:{ada}`);
    expect(bytes).toBeLessThan(6_000 * 11 * 1.2);
    const lookBack = async (hours: number) => {
      const moment = begins + hours * hourMs;
      const [[vector] = []] = await engine.past(hourly, [{ id: 'ada', moments: [moment] }]);
      const within = visits.filter(({ paidAt }) => Number(paidAt) > moment - hourMs && Number(paidAt) <= moment);
      return { ...(vector as PastVector).certainties[0], truth: within.length };
    };
    expect(await lookBack(20)).toMatchObject({ method: 'EXACT', lower: 599, upper: 599, truth: 599 });
    const { method, lower = 0, upper = 0, truth } = await lookBack(4);
    expect(method).toBe('INTERPOLATED');
    expect(lower).toBeLessThan(truth);
    expect(upper).toBeGreaterThanOrEqual(truth);
  });
});
