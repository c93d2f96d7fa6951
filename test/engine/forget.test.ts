import { describe, expect, test } from 'vitest';
import { entity, share, view } from '../../src/define/index.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const user = everything.entity;
const rates = view('rates', {
  version: 1,
  entity: user,
  from: payment,
  by: 'userId',
  description: 'How much of it is fraud.',
  features: { rate30d: share('fraud', { window: '30d' }) },
});

describe('forgetting an entity', () => {
  test('removes every key of it in all of its views, and says how many and how large', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([everything, rates, takings], 'event', prefix, scratch.valkey, { singles: 2 });
    const start = Date.UTC(2024, 0, 1);
    for (let i = 0; i < 8; i++)
      await engine.record(payment, [pay({ shopId: `shop ${i}`, paidAt: start + i, fraud: true })]);
    await engine.record(payment, [pay({ userId: 'bob', paidAt: start })]);
    const ofAda = async () => (await scratch.keys(prefix)).filter((key) => key.endsWith('{ada}'));
    const keys = await ofAda();
    // Two logs, hashes, tables of ids and lists of labels, and a set of shops.
    expect(keys).toHaveLength(9);
    const others = (await scratch.keys(prefix)).length - keys.length;
    const sizes = await Promise.all(keys.map((key) => scratch.valkey.memory('USAGE', key)));
    const receipt = await engine.forget(user, 'ada');
    expect(receipt).toMatchObject({ status: 'FORGOTTEN', reason: null, id: 'ada', keys: 9 });
    expect(receipt.bytes).toBe(sizes.reduce<number>((sum, size) => sum + Number(size), 0));
    expect(await ofAda()).toEqual([]);
    expect((await scratch.keys(prefix)).length).toBe(others);
    expect(engine.lostCompanions).toBe(0);
  });

  test('leaves one of which nothing is known, whose revision goes on', async () => {
    const engine = await scratch.open([everything], 'wall');
    const one = pay();
    const [before] = await engine.record(payment, [one]);
    await engine.forget(user, 'ada');
    const [unknown] = await engine.read(everything, ['ada']);
    expect(unknown).toMatchObject({ eventSeq: 0, lastEventAt: null, validUntil: null });
    expect(unknown && valuesOf(unknown)).toMatchObject({ count24h: 0, sum30d: 0, avg1h: null, shops24h: 0 });
    const [again] = await engine.record(payment, [one]);
    expect(again?.status).toBe('RECORDED');
    const revisions = [before?.vectors.get(everything), unknown, again?.vectors.get(everything)].map(
      (vector) => vector?.revision ?? 0,
    );
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(new Set(revisions).size).toBe(3);
    expect(engine.lostCompanions).toBe(0);
  });

  test('of whom nothing is known has nothing to do, and may be done again', async () => {
    const engine = await scratch.open([everything], 'wall');
    expect(await engine.forget(user, 'nobody')).toMatchObject({ status: 'FORGOTTEN', keys: 0, bytes: 0 });
    await engine.record(payment, [pay()]);
    expect((await engine.forget(user, 'ada')).keys).toBeGreaterThan(0);
    expect(await engine.forget(user, 'ada')).toMatchObject({ status: 'FORGOTTEN', keys: 0 });
  });

  test('removes what cannot be used, too', async () => {
    const engine = await scratch.open([everything], 'wall');
    await scratch.valkey.rpush(engine.keys.log(everything, 'ada'), 'nonsense');
    expect(await engine.forget(user, 'ada')).toMatchObject({ status: 'FORGOTTEN', keys: 1 });
  });

  test('under a bad id is rejected with a reason', async () => {
    const engine = await scratch.open([everything], 'wall');
    expect(await engine.forget(user, '')).toMatchObject({
      status: 'REJECTED',
      reason: expect.stringContaining('empty'),
    });
  });

  test('concerns no other entity of that id', async () => {
    const engine = await scratch.open([spending({ rate: share('fraud', { window: '1h' }) }), takings], 'wall');
    await engine.record(payment, [pay({ userId: 'same', shopId: 'same' })]);
    await engine.forget(takings.entity, 'same');
    expect((await scratch.keys(engine.keys.prefix)).every((key) => key.includes(':spending:'))).toBe(true);
    expect(await engine.forget(entity('Stranger', { description: '' }), 'same')).toMatchObject({ keys: 0 });
  });
});
