import { describe, expect, test } from 'vitest';
import { count, lifetime, sum } from '../../src/define/index.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const hourMs = 3_600_000;

describe('an event older than every window', () => {
  const delayed = spending({ count1m: count({ window: '1m' }), behind: count({ window: '30m', delay: '30m' }) });

  test('is too late from the very millisecond at which it has left the last', async () => {
    const engine = await scratch.open([delayed], 'event');
    const outcomes = await engine.record(payment, [
      pay({ paidAt: start }),
      pay({ paidAt: start - hourMs }),
      pay({ paidAt: start - hourMs + 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'TOO_LATE', 'RECORDED']);
    expect(outcomes[1]?.reason).toMatch(/paidAt/);
    expect(outcomes[1]?.occurredAt).toBe(start - hourMs);
    expect(valuesOf(outcomes[1]?.vectors.get(delayed) ?? expect.unreachable())).toEqual({ count1m: 1, behind: 1 });
  });

  test('has no effect at all', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([everything], 'event', prefix);
    await engine.record(payment, [pay({ paidAt: start })]);
    const stored = async () => Promise.all((await scratch.keys(prefix)).map((key) => scratch.valkey.dumpBuffer(key)));
    const before = await stored();
    await engine.record(payment, [pay({ paidAt: start - 30 * 24 * hourMs, shopId: 'smith' })]);
    expect(await stored()).toEqual(before);
  });

  test('creates no key for an entity that nobody knows', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([everything], 'wall', prefix);
    const [outcome] = await engine.record(payment, [pay({ paidAt: start })]);
    expect(outcome?.status).toBe('TOO_LATE');
    expect(await scratch.keys(prefix)).toEqual([]);
  });

  test('is one that is past the longest idle time, when nothing slides', async () => {
    const running = spending({ total: sum('amount', { window: lifetime({ idle: '1h' }) }) });
    const engine = await scratch.open([running], 'event');
    const outcomes = await engine.record(payment, [
      pay({ paidAt: start }),
      pay({ paidAt: start - hourMs }),
      pay({ paidAt: start - hourMs + 1 }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'TOO_LATE', 'RECORDED']);
  });
});

describe('an event ahead of the clock', () => {
  const profile = spending({ count1m: count({ window: '1m' }) });

  test('is taken as now when it is no more than 5 s ahead', async () => {
    const engine = await scratch.open([profile], 'wall');
    const paidAt = (await scratch.now()) + 4_500;
    const [outcome] = await engine.record(payment, [pay({ paidAt })]);
    const vector = outcome?.vectors.get(profile);
    expect(outcome).toMatchObject({ status: 'RECORDED', reason: null, occurredAt: vector?.asOf });
    expect(vector?.asOf).toBeLessThan(paidAt);
    expect(vector?.lastEventAt).toBe(vector?.asOf);
    expect(vector && valuesOf(vector)).toEqual({ count1m: 1 });
  });

  test('is taken up to the very millisecond, and rejected from the next', async () => {
    const engine = await scratch.open([profile], 'wall');
    const now = await scratch.now();
    const sent = Array.from({ length: 300 }, (_, i) => pay({ paidAt: now + 5_000 + i }));
    const outcomes = await engine.record(payment, sent);
    const asOf = outcomes[0]?.vectors.get(profile)?.asOf ?? Number.NaN;
    expect(outcomes.map(({ status, occurredAt }) => [status, occurredAt])).toEqual(
      sent.map(({ paidAt }) => (Number(paidAt) <= asOf + 5_000 ? ['RECORDED', asOf] : ['REJECTED', null])),
    );
  });

  test('is then no different when it is sent again', async () => {
    const engine = await scratch.open([profile], 'wall');
    const early = pay({ paidAt: (await scratch.now()) + 3_000 });
    const [first] = await engine.record(payment, [early]);
    const [second] = await engine.record(payment, [early]);
    expect(second).toMatchObject({ status: 'DUPLICATE', reason: null, occurredAt: first?.occurredAt });
  });

  test('is rejected with a reason when it is further ahead, and the rest of its batch goes on', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([profile], 'wall', prefix);
    const paidAt = (await scratch.now()) + 60_000;
    const outcomes = await engine.record(payment, [pay({ paidAt, userId: 'eve' }), pay()]);
    expect(outcomes[0]).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringContaining('paidAt'),
      occurredAt: null,
    });
    expect(outcomes[1]).toMatchObject({ status: 'RECORDED' });
    expect(await scratch.valkey.exists(engine.keys.log(profile, 'eve'), engine.keys.hash(profile, 'eve'))).toBe(0);
  });

  test('is what moves time under the event clock, however far', async () => {
    const engine = await scratch.open([profile], 'event');
    const [outcome] = await engine.record(payment, [pay({ paidAt: start }), pay({ paidAt: start + 1e10 })]);
    expect(outcome?.vectors.get(profile)).toMatchObject({ asOf: start + 1e10, lastEventAt: start + 1e10 });
  });
});

describe('an event without a time', () => {
  const profile = spending({ count1m: count({ window: '1m' }) });

  test("happened at the store's now", async () => {
    const engine = await scratch.open([profile], 'wall');
    const earliest = await scratch.now();
    const [outcome] = await engine.record(payment, [pay()]);
    expect(outcome).toMatchObject({ status: 'RECORDED', occurredAt: outcome?.vectors.get(profile)?.asOf });
    expect(outcome?.occurredAt).toBeGreaterThanOrEqual(earliest);
    expect(outcome?.occurredAt).toBeLessThanOrEqual(await scratch.now());
  });

  test('is rejected under the event clock, which has no other time', async () => {
    const engine = await scratch.open([profile], 'event');
    const outcomes = await engine.record(payment, [pay(), pay({ paidAt: null }), pay({ paidAt: start })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['REJECTED', 'REJECTED', 'RECORDED']);
    expect(outcomes[0]?.reason).toContain('paidAt');
  });
});
