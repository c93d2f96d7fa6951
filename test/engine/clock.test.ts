import { describe, expect, test } from 'vitest';
import { avg, count, lifetime, type View } from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const profile = spending({
  count1m: count({ window: '1m' }),
  average: avg('amount', { window: lifetime({ idle: '1m' }) }),
});

/** Makes the store's clock have been ahead, as before it stepped back: ada's log was folded at a moment yet to come. */
async function foldedAt(engine: Engine, asOf: number, view: View = profile): Promise<void> {
  await scratch.setHeader(engine.keys.log(view, 'ada'), 'asOf', asOf);
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

    const sent = [pay({ amount: 3, paidAt: now + 20_000 }), pay({ paidAt: now + 32_000 })];
    const outcomes = await engine.record(payment, sent);
    expect(outcomes.map(({ status, occurredAt }) => [status, occurredAt])).toEqual([
      ['RECORDED', now + 20_000],
      ['REJECTED', null],
    ]);
    const vector = outcomes[0]?.vectors.get(profile);
    expect(vector).toMatchObject({ asOf: now + 30_000, lastEventAt: now + 20_000 });
    expect(vector && valuesOf(vector)).toEqual({ count1m: 2, average: 2 });
  });

  test('an event that only one of its entities can take, since its now is ahead, is recorded', async () => {
    const engine = await scratch.open([takings, profile], 'wall');
    await engine.record(payment, [pay()]);
    const now = await scratch.now();
    await foldedAt(engine, now + 30_000);

    const [outcome] = await engine.record(payment, [pay({ paidAt: now + 20_000 })]);
    expect(outcome).toMatchObject({ status: 'RECORDED', occurredAt: now + 20_000 });
    expect(outcome?.vectors.get(takings)?.eventSeq).toBe(1);
    expect(outcome?.vectors.get(profile)?.eventSeq).toBe(2);
  });

  test('the revision grows nevertheless', async () => {
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay()]);
    const revision = 2 ** 52;
    await scratch.setHeader(engine.keys.log(profile, 'ada'), 'revision', revision);
    const [outcome] = await engine.record(payment, [pay()]);
    expect(outcome?.vectors.get(profile)?.revision).toBe(revision + 1);
  });
});

describe("when an entity's now has moved on", () => {
  const brief = spending({ count10s: count({ window: '10s' }) });

  /** An engine with one payment of ada, whose now is half a minute later. */
  async function muchLater() {
    const engine = await scratch.open([brief], 'wall');
    const sent = pay();
    await engine.record(payment, [sent]);
    await foldedAt(engine, (await scratch.now()) + 30_000, brief);
    return { engine, sent };
  }

  test('even a duplicate is answered with the values of that moment', async () => {
    const { engine, sent } = await muchLater();
    const [outcome] = await engine.record(payment, [sent]);
    const vector = outcome?.vectors.get(brief);
    expect(outcome?.status).toBe('DUPLICATE');
    expect(vector && valuesOf(vector)).toEqual({ count10s: 0 });
  });

  test('the hash no longer says until when what has passed was true', async () => {
    const { engine } = await muchLater();
    const hash = () => scratch.valkey.hgetall(engine.keys.hash(brief, 'ada'));
    expect(await hash()).toMatchObject({ count_10s: '1', _valid_until: expect.any(String) });
    const [vector] = await engine.read(brief, ['ada']);
    expect(vector).toMatchObject({ validUntil: null });
    expect(await hash()).toMatchObject({ count_10s: '0', _as_of: `${vector?.asOf}` });
    expect(await hash()).not.toHaveProperty('_valid_until');
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
