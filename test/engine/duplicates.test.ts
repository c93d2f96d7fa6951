import { describe, expect, test } from 'vitest';
import { count, share, sum } from '../../src/define/index.ts';
import { writeHash64 } from '../../src/engine/hash64.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const dayMs = 86_400_000;
const profile = spending(
  {
    count1h: count({ window: '1h' }),
    sum1h: sum('amount', { window: '1h' }),
    fraudRate1h: share('fraud', { window: '1h' }),
  },
  'spending',
  '1h',
);

/** An engine that has recorded one payment of ada, and what it says of another. */
async function afterOne() {
  const engine = await scratch.open([profile], 'event');
  const original = pay({ paymentId: 'p1', amount: 10, paidAt: start });
  await engine.record(payment, [original]);
  return async (...events: Parameters<typeof pay>) => {
    const [outcome] = await engine.record(
      payment,
      events.map((fields) => ({ ...original, ...fields })),
    );
    const [vector] = await engine.read(profile, ['ada']);
    return { outcome, values: vector && valuesOf(vector), seq: vector?.eventSeq };
  };
}

describe('an event whose id is known', () => {
  test('is a duplicate without effect, and without a reason when nothing differs', async () => {
    const send = await afterOne();
    const { outcome, values, seq } = await send({});
    expect(outcome).toMatchObject({ status: 'DUPLICATE', reason: null, occurredAt: start });
    expect(values).toMatchObject({ count1h: 1, sum1h: 10 });
    expect(seq).toBe(1);
  });

  test.each([
    ['amount', { amount: 11 }],
    ['fraud', { fraud: true }],
    ['paidAt', { paidAt: start + 1_000 }],
    ['paidAt', { paidAt: start - 1_000 }],
  ])('says that its %s differs: %o', async (field, other) => {
    const send = await afterOne();
    const { outcome, values } = await send(other);
    expect(outcome).toMatchObject({ status: 'DUPLICATE', reason: expect.stringContaining(field), occurredAt: start });
    expect(outcome?.reason).toContain('p1');
    expect(values).toEqual({ count1h: 1, sum1h: 10, fraudRate1h: 0 });
  });

  test('names all that differs at once', async () => {
    const send = await afterOne();
    const { outcome } = await send({ amount: 11, fraud: true, paidAt: start + 1 });
    for (const field of ['amount', 'fraud', 'paidAt']) expect(outcome?.reason).toContain(field);
  });

  test('is recognised within one batch', async () => {
    const engine = await scratch.open([profile], 'event');
    const twice = pay({ paidAt: start });
    const outcomes = await engine.record(payment, [twice, { ...twice, amount: 99 }, twice]);
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'DUPLICATE', 'DUPLICATE']);
    expect(outcomes.map(({ reason }) => reason?.includes('amount') ?? false)).toEqual([false, true, false]);
  });

  test('is not mistaken for an amount that has the same bytes in the log', async () => {
    const bytes = Buffer.alloc(8);
    const amountOf = (paymentId: string) => {
      writeHash64(paymentId, bytes, 0);
      return bytes.readDoubleLE(0);
    };
    const ids = Array.from({ length: 100 }, (_, i) => `id ${i}`);
    const alike = ids.filter((id) => Math.abs(amountOf(id)) <= 1e15).slice(0, 5);
    const engine = await scratch.open([profile], 'event');
    await engine.record(
      payment,
      alike.map((id) => pay({ amount: amountOf(id), paidAt: start })),
    );
    const outcomes = await engine.record(
      payment,
      alike.map((paymentId) => pay({ paymentId, paidAt: start })),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(alike.map(() => 'RECORDED'));
    expect(alike).toHaveLength(5);
  });

  test('is new for another entity', async () => {
    const send = await afterOne();
    const { outcome, seq } = await send({ userId: 'bob' });
    expect(outcome?.status).toBe('RECORDED');
    expect(seq).toBe(1);
  });

  test('does not move the clock, even when its own time would', async () => {
    const send = await afterOne();
    const { values } = await send({ paidAt: start + 2 * 3_600_000 });
    expect(values).toMatchObject({ count1h: 1 });
  });

  test('is recognised for a day even when every window is shorter, and may be used again after that', async () => {
    const send = await afterOne();
    const meanwhile = (ms: number) => send({ paymentId: `at ${ms}`, paidAt: start + ms });
    await meanwhile(dayMs - 1);
    expect((await send({})).outcome?.status).toBe('DUPLICATE');
    await meanwhile(dayMs);
    expect((await send({})).outcome?.status).toBe('TOO_LATE');
    expect((await send({ paidAt: start + dayMs })).outcome?.status).toBe('RECORDED');
  });

  test('is recognised again once it was used again', async () => {
    const send = await afterOne();
    const again = { paidAt: start + dayMs };
    expect((await send({ paymentId: 'another', ...again })).outcome?.status).toBe('RECORDED');
    expect((await send(again)).outcome?.status).toBe('RECORDED');
    expect((await send(again)).outcome?.status).toBe('DUPLICATE');
    expect((await send(again)).values).toMatchObject({ count1h: 2 });
  });

  test('is recorded past that day also if nothing else came meanwhile, or all of it comes in one batch', async () => {
    const first = pay({ paidAt: start });
    const again = { ...first, paidAt: start + dayMs };
    for (const batches of [[[first], [again]], [[first, again]], [[first], [pay({ paidAt: start + dayMs }), again]]]) {
      const engine = await scratch.open([profile], 'event');
      const outcomes = [];
      for (const batch of batches) outcomes.push(...(await engine.record(payment, batch)));
      expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'RECORDED'));
    }
  });

  test('sent without a time is no different from what was recorded without one', async () => {
    const engine = await scratch.open([profile], 'wall');
    const untimed = pay();
    const [first] = await engine.record(payment, [untimed]);
    const [second] = await engine.record(payment, [untimed]);
    expect(second).toMatchObject({ status: 'DUPLICATE', reason: null, occurredAt: first?.occurredAt });
  });
});

test('an id that was used again, once it was free, is known by its newer event', async () => {
  const engine = await scratch.open([profile], 'event', scratch.prefix(), scratch.valkey, { singles: 8 });
  let at = start;
  const record = async (paymentId: string, paidAt: number) =>
    (await engine.record(payment, [pay({ paymentId, paidAt })]))[0]?.status;
  let filled = 0;
  const fill = async (count: number) => {
    for (let i = 0; i < count; i++) {
      at += 1_000;
      await record(`f${filled++}`, at);
    }
  };
  const ids = Array.from({ length: 20 }, (_, i) => `x${i}`);
  const times = async () => {
    const used = [];
    for (const id of ids) {
      at += 1_000;
      used.push({ id, at });
      expect(await record(id, at)).toBe('RECORDED');
    }
    return used;
  };
  await fill(20);
  await times();
  await fill(30);
  at += 25 * 3_600_000;
  await fill(5);
  const newer = await times();
  await fill(30);
  for (const one of newer) expect(await record(one.id, one.at)).toBe('DUPLICATE');
});
