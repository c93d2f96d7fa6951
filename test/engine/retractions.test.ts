import { describe, expect, test } from 'vitest';
import { count, distinct } from '../../src/define/index.ts';
import type { EventInput } from '../../src/engine/index.ts';
import { dayMs, recorded, retract, start, valuesFor } from './correcting.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
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
