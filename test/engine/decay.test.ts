import { describe, expect, test, vi } from 'vitest';
import { avg, count, last, lifetime } from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

const profile = spending({
  txnCount1m: count({ window: '1m' }),
  txnCount1h: count({ window: '1h' }),
  lastAmount1m: last('amount', { window: '1m' }),
});

/** The vector of the only view's `ada`. */
async function readAda(engine: Engine) {
  const [view] = engine.views;
  const [vector] = view ? await engine.read(view, ['ada']) : [];
  if (!vector) throw new Error('no vector came back');
  return vector;
}

describe('with no new event', () => {
  test('an event leaves its window at the moment that the vector announced, and no earlier', async () => {
    const engine = await scratch.open([profile], 'wall');
    const paidAt = (await scratch.now()) - 59_000;
    await engine.record(payment, [pay({ paidAt })]);

    const before = await readAda(engine);
    expect(valuesOf(before)).toEqual({ txnCount1m: 1, txnCount1h: 1, lastAmount1m: 10 });
    expect(before.validUntil).toBe(paidAt + 60_000);

    const readings = await vi.waitUntil(async () => {
      const vector = await readAda(engine);
      return valuesOf(vector).txnCount1m === 0 && vector;
    }, 10_000);
    expect(readings.asOf).toBeGreaterThanOrEqual(paidAt + 60_000);
    expect(valuesOf(readings)).toEqual({ txnCount1m: 0, txnCount1h: 1, lastAmount1m: null });
    expect(readings.validUntil).toBe(paidAt + 3_600_000);
    expect(readings.revision).toBeGreaterThan(before.revision);
    expect(await scratch.valkey.hgetall(engine.keys.hash(profile, 'ada'))).toMatchObject({ txn_count_1m: '0' });
    expect(await scratch.valkey.hexists(engine.keys.hash(profile, 'ada'), 'last_amount_1m')).toBe(0);
  });

  test('a read is never of a moment past the validity of what it returns', async () => {
    const engine = await scratch.open([profile], 'wall');
    const now = await scratch.now();
    const ages = [59_800, 59_600, 59_400, 59_200];
    await engine.record(
      payment,
      ages.map((age) => pay({ paidAt: now - age })),
    );

    await vi.waitUntil(async () => {
      const asked = await scratch.now();
      const vector = await readAda(engine);
      const inside = ages.filter((age) => now - age > vector.asOf - 60_000).length;
      expect(valuesOf(vector)).toMatchObject({ txnCount1m: inside, txnCount1h: 4 });
      expect(vector.validUntil).toBeGreaterThan(asked);
      return inside === 0;
    }, { timeout: 10_000, interval: 5 }); // biome-ignore format: one condition
  });

  test('a lifetime ends when its idle time has passed', async () => {
    const running = spending({
      average: avg('amount', { window: lifetime({ idle: '1s' }) }),
      count1h: count({ window: '1h' }),
    });
    const engine = await scratch.open([running], 'wall');
    await engine.record(payment, [pay({ amount: 4 }), pay({ amount: 5 })]);

    const before = await readAda(engine);
    expect(valuesOf(before)).toEqual({ average: 4.5, count1h: 2 });
    expect(before.validUntil).toBe(before.asOf + 1_000);
    await vi.waitUntil(async () => (await scratch.now()) >= before.asOf + 1_000, 10_000);
    expect(valuesOf(await readAda(engine))).toEqual({ average: null, count1h: 2 });
  });
});
