import { describe, expect, test, vi } from 'vitest';
import { avg, count, distinct, entity, event, lifetime, view } from '../../src/define/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

/** All but the newest event are put together: a set is of those. */
const crowded = { singles: 1 };

/** An event that may lack the value that is counted. */
const visit = event('Visit', {
  description: 'Somebody looks at something.',
  id: 'visitId',
  time: 'at',
  fields: {
    visitId: { type: 'id', description: 'The key of idempotence.' },
    who: { type: 'id', description: 'Who looks.' },
    page: { type: 'id', optional: true, description: 'At what.' },
    at: { type: 'time', optional: true, description: 'When.' },
  },
});

describe('a set of last-seen values', () => {
  test('that has expired as it should is not missed when a longer window comes', async () => {
    const prefix = scratch.prefix();
    const younger = { shops3s: distinct('shopId', { window: '3s' }) };
    const before = await scratch.open([spending(younger, 'spending', '3s')], 'wall', prefix, scratch.valkey, crowded);
    for (const shopId of ['baker', 'grocer']) await before.record(payment, [pay({ shopId })]);
    const sets = () => scratch.valkey.keys(`${prefix}:seen:*`);
    expect(await sets()).toHaveLength(1);
    await vi.waitUntil(async () => (await sets()).length === 0, { timeout: 20_000 });
    const grown = spending({ ...younger, shops24h: distinct('shopId', { window: '24h' }) });
    const after = await scratch.open([grown], 'wall', prefix, scratch.valkey, crowded);
    const [vector] = await after.read(grown, ['ada']);
    expect(vector && valuesOf(vector)).toEqual({ shops3s: 0, shops24h: 1 });
    expect(after.lostCompanions).toBe(0);
  });

  test('does not outlive its log, also if it was first fed long after the log began', async () => {
    const pages = view('pages', {
      version: 1,
      entity: entity('Visitor', { description: 'Who looks.' }),
      from: visit,
      by: 'who',
      description: 'What a visitor looks at.',
      features: { count24h: count({ window: '24h' }), pages24h: distinct('page', { window: '24h' }) },
    });
    const prefix = scratch.prefix();
    const engine = await scratch.open([pages], 'wall', prefix, scratch.valkey, crowded);
    await engine.record(visit, [{ visitId: 'v1', who: 'ada', at: (await scratch.now()) - 3_600_000 }]);
    await engine.record(visit, [{ visitId: 'v2', who: 'ada', page: 'home' }]);
    await engine.record(visit, [{ visitId: 'v3', who: 'ada', page: 'news' }]);
    const [set = ''] = await scratch.valkey.keys(`${prefix}:seen:*`);
    const expiry = (key: string) => scratch.valkey.call('PEXPIRETIME', key) as Promise<number>;
    expect(await expiry(set)).toBeLessThanOrEqual(await expiry(engine.keys.log(pages, 'ada')));
    expect(await expiry(set)).toBeGreaterThan((await scratch.now()) + 86_000_000);
  });

  test('lives as long as its log under the event clock, whose times say nothing of when Valkey may forget', async () => {
    const features = {
      shops1h: distinct('shopId', { window: '1h' }),
      average: avg('amount', { window: lifetime({ idle: '90d' }) }),
    };
    const profile = spending(features);
    const prefix = scratch.prefix();
    const engine = await scratch.open([profile], 'event', prefix, scratch.valkey, crowded);
    const start = Date.UTC(2024, 0, 1);
    await engine.record(payment, [pay({ paidAt: start }), pay({ shopId: 'grocer', paidAt: start + 1 })]);
    const [set = ''] = await scratch.valkey.keys(`${prefix}:seen:*`);
    expect(await scratch.valkey.pttl(set)).toBeGreaterThan(89 * 86_400_000);
  });
});
