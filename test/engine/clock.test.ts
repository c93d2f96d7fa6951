import { describe, expect, test } from 'vitest';
import { avg, count, lifetime } from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const profile = spending({
  count1m: count({ window: '1m' }),
  average: avg('amount', { window: lifetime({ idle: '1m' }) }),
});
const asOfAt = 16; // bytes into a log: eight of layout, eight of revision

/** Makes the store's clock have been ahead, as before it stepped back: the log was folded at a moment yet to come. */
async function foldedAt(engine: Engine, asOf: number): Promise<void> {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(asOf);
  await scratch.valkey.setrange(engine.keys.log(profile, 'ada'), asOfAt, bytes);
}

describe("when the store's clock has stepped back", () => {
  test("an entity's now stays where it was", async () => {
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay()]);
    const ahead = (await scratch.now()) + 30_000;
    await foldedAt(engine, ahead);

    const [refreshed] = await engine.refresh(profile, ['ada']);
    expect(refreshed?.asOf).toBe(ahead);
    const [outcome] = await engine.record(payment, [pay()]);
    expect(outcome).toMatchObject({ status: 'RECORDED', occurredAt: ahead });
    expect(outcome?.vectors.get(profile)?.asOf).toBe(ahead);
  });

  test("events up to the entity's now, ahead of that clock, keep their own time; those past both are rejected", async () => {
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay({ amount: 1 })]);
    const now = await scratch.now();
    await foldedAt(engine, now + 30_000);

    const sent = [pay({ amount: 3, paidAt: now + 20_000 }), pay({ paidAt: now + 40_000 })];
    const outcomes = await engine.record(payment, sent);
    expect(outcomes.map(({ status, occurredAt }) => [status, occurredAt])).toEqual([
      ['RECORDED', now + 20_000],
      ['REJECTED', null],
    ]);
    const vector = outcomes[0]?.vectors.get(profile);
    expect(vector).toMatchObject({ asOf: now + 30_000, lastEventAt: now + 20_000 });
    expect(vector && valuesOf(vector)).toEqual({ count1m: 2, average: 2 });
  });
});

describe('under the event clock', () => {
  const start = Date.UTC(2001, 0, 1);

  test("each entity's newest event is its now, view by view", async () => {
    const engine = await scratch.open([profile], 'event');
    await engine.record(payment, [
      pay({ userId: 'ada', paidAt: start }),
      pay({ userId: 'bob', paidAt: start + 86_400_000 }),
    ]);
    const [ada, bob] = await engine.read(profile, ['ada', 'bob']);
    expect([ada?.asOf, bob?.asOf]).toEqual([start, start + 86_400_000]);
    expect(ada && valuesOf(ada)).toEqual({ count1m: 1, average: 10 });
  });

  test('nothing decays but by a new event, not even by a refresh', async () => {
    const engine = await scratch.open([profile], 'event');
    await engine.record(payment, [pay({ paidAt: start })]);
    const [before] = await engine.read(profile, ['ada']);
    expect(await engine.refresh(profile, ['ada'])).toEqual([before]);
    const [outcome] = await engine.record(payment, [pay({ paidAt: start + 60_000, amount: 4 })]);
    const vector = outcome?.vectors.get(profile);
    expect(vector && valuesOf(vector)).toEqual({ count1m: 1, average: 4 });
  });
});
