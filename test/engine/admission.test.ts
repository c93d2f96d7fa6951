import { describe, expect, test } from 'vitest';
import { count, distinct, last, sum } from '../../src/define/index.ts';
import type { EventInput } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const profile = spending({
  count1h: count({ window: '1h' }),
  sum1h: sum('amount', { window: '1h' }),
  shops1h: distinct('shopId', { window: '1h' }),
  lastAmount: last('amount', { window: '1h' }),
});

const badIds = {
  empty: '',
  'longer than 256 bytes': 'x'.repeat(257),
  'longer than 256 bytes of UTF-8': 'é'.repeat(129),
  'with a control character': 'a\u0000b',
  'with a line break': 'a\nb',
  'with a delete character': 'a\u007f',
  'with half a surrogate pair': 'a\ud800',
} as const;

describe('an event is rejected with a reason, and the rest of its batch goes on,', () => {
  test.each<[string, EventInput, string]>([
    ...Object.entries(badIds).flatMap(([what, id]): [string, EventInput, string][] => [
      [`its own id is ${what}`, { paymentId: id }, 'paymentId'],
      [`its entity's id is ${what}`, { userId: id }, 'userId'],
      [`another id is ${what}`, { shopId: id }, 'shopId'],
    ]),
    ['its id is left out', { paymentId: undefined }, 'paymentId'],
    ["its entity's id is null", { userId: null }, 'userId'],
    ['an id is a number', { shopId: 7 }, 'shopId'],
    ['its amount is above 1e15', { amount: 1.0000000000000002e15 }, 'amount'],
    ['its amount is below −1e15', { amount: -1e16 }, 'amount'],
    ['its amount is infinite', { amount: Number.POSITIVE_INFINITY }, 'amount'],
    ['its amount is no number', { amount: Number.NaN }, 'amount'],
    ['its amount is text', { amount: '10' }, 'amount'],
    ['its amount is left out', { amount: undefined }, 'amount'],
    ['its label is no boolean', { fraud: 1 }, 'fraud'],
    ['its time is no time', { paidAt: Number.NaN }, 'paidAt'],
  ])('when %s', async (_, bad, field) => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([profile], 'wall', prefix);
    const outcomes = await engine.record(payment, [pay({ userId: 'bob' }), pay(bad), pay({ userId: 'bob' })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'REJECTED', 'RECORDED']);
    expect(outcomes[1]).toMatchObject({ reason: expect.stringContaining(field), occurredAt: null });
    expect(await scratch.valkey.exists(engine.keys.log(profile, 'ada'))).toBe(0);
    const [bob] = await engine.read(profile, ['bob']);
    expect(bob && valuesOf(bob)).toMatchObject({ count1h: 2, sum1h: 20 });
  });
});

describe('an event is admitted', () => {
  test.each([1e15, -1e15, 0, 5e-324, 0.1, 2 ** 53 / 10 + 0.1])(
    'when its amount is %d, which comes back bit for bit',
    async (amount) => {
      const engine = await scratch.open([profile], 'wall');
      const [outcome] = await engine.record(payment, [pay({ amount })]);
      const vector = outcome?.vectors.get(profile);
      expect(outcome?.status).toBe('RECORDED');
      expect(vector && valuesOf(vector).lastAmount).toBe(amount);
      expect(Number(await scratch.valkey.hget(engine.keys.hash(profile, 'ada'), 'last_amount'))).toBe(amount);
    },
  );

  test.each(['é'.repeat(128), '👩‍🚀', '商店', ' ', 'a:b', "a'b", '{', '}', '{}', 'a{b}c', '%', '%7B', '%25', 'a\\b'])(
    'when an id is %s, and every entity keeps to itself',
    async (id) => {
      const engine = await scratch.open([profile], 'wall');
      const others = [encodeURIComponent(id), `${id}x`].filter(
        (other) => other !== id && Buffer.byteLength(other) <= 256,
      );
      await engine.record(payment, [pay({ userId: id, paymentId: id, shopId: id })]);
      const [mine, ...theirs] = await engine.read(profile, [id, ...others]);
      expect(mine).toMatchObject({ id, eventSeq: 1 });
      expect(mine && valuesOf(mine)).toMatchObject({ count1h: 1, shops1h: 1 });
      expect(theirs.map(({ eventSeq }) => eventSeq)).toEqual(others.map(() => 0));
    },
  );
});

describe('a read or refresh', () => {
  test.each(Object.entries(badIds))('refuses an id that is %s', async (_, id) => {
    const engine = await scratch.open([profile], 'wall');
    const refused = { code: 'ID_INVALID', name: 'InvalidIdError' };
    await expect(async () => engine.read(profile, ['ada', id])).rejects.toMatchObject(refused);
    await expect(async () => engine.refresh(profile, [id])).rejects.toMatchObject(refused);
  });
});
