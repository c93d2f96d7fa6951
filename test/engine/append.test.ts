import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  avg,
  count,
  distinct,
  last,
  lifetime,
  max,
  min,
  share,
  stddev,
  sum,
  type View,
  type Where,
} from '../../src/define/index.ts';
import { type Engine, type EventInput, servedValues, type Vector } from '../../src/engine/index.ts';
import { headerPlaces } from '../../src/engine/layout.ts';
import { appendOf } from '../../src/engine/lua-text/append.ts';
import { planView } from '../../src/engine/plan.ts';
import { eventClock, type Fields, type History, take } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { expectTrue, valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const large: Where = { amount: { gte: 3 } };

/** All that is written out for events that come in order, over windows of 10, 20 and 60 seconds. */
const written = spending(
  {
    count10s: count({ window: '10s' }),
    largeCount10s: count({ window: '10s', where: large }),
    sum10s: sum('amount', { window: '10s' }),
    min10s: min('amount', { window: '10s' }),
    max10s: max('amount', { window: '10s', delay: '10s' }),
    average60s: avg('amount', { window: '60s', where: large }),
    deviation20s: stddev('amount', { window: '20s' }),
    shops10s: distinct('shopId', { window: '10s' }),
    shops60s: distinct('shopId', { window: '60s' }),
    largeShops20s: distinct('shopId', { window: '20s', where: large }),
    fraudRate: share('fraud', { window: '20s', delay: '10s' }),
    newest: last('amount', { window: '60s' }),
    newestLarge: last('amount', { window: '20s', where: large }),
    newestAt: last('paidAt', { window: '60s' }),
    running: avg('amount', { window: lifetime({ idle: '30s' }) }),
  },
  'written',
);

const gapsMs = [1, 500, 9_999, 10_000, 10_001, 20_000, 29_999, 30_000, 60_000];
const step = fc.record({
  gapMs: fc.oneof(fc.constantFrom(...gapsMs), fc.integer({ min: 1, max: 8_000 })),
  shopId: fc.constantFrom('baker', 'grocer', 'tailor'),
  amount: fc.constantFrom(1, 2, 3, 4, 0.1),
  fraud: fc.constantFrom(true, false, null),
  /** Before the event comes. */
  hashGoes: fc.constantFrom(false, false, false, true),
});

/** Asserts that whoever reads the hash sees the vector. */
async function expectServed(engine: Engine, vector: Vector): Promise<void> {
  const served = servedValues(vector);
  const values = vector.view.features.flatMap(({ hashField }, i) =>
    Number.isNaN(served[i]) ? [] : [[hashField, served[i]]],
  );
  const hash = await scratch.valkey.hgetall(engine.keys.hash(vector.view, vector.id));
  const read = Object.fromEntries(Object.entries(hash).map(([field, text]) => [field, Number(text)]));
  expect(read).toEqual({
    ...Object.fromEntries(values),
    _as_of: vector.asOf,
    _revision: vector.revision,
    _event_seq: vector.eventSeq,
    _last_event_at: vector.lastEventAt,
    _complete_since: vector.completeSince,
    _updated_at: expect.any(Number),
    ...(vector.validUntil !== null && { _valid_until: vector.validUntil }),
  });
}

describe('events that come one by one and in order', { timeout: patienceMs }, () => {
  test('have a way of their own, in this view', () => {
    const plan = planView(written);
    expect(appendOf(plan, headerPlaces(plan))).toContain('views[1].append');
  });

  test('are taken in whatever the view’s size, though Lua has no room for all of a large one', async () => {
    const ways = [...Array.from({ length: 24 }, (_, i) => i + 1), 120].map((size) => {
      const features = Array.from({ length: size }, (_, i) => [
        `feature${i}`,
        i % 2 === 0 ? max('amount', { window: `${i + 1}s` }) : distinct('shopId', { window: `${i + 1}s` }),
      ]);
      return spending(Object.fromEntries(features), `of_${size}`);
    });
    const texts = ways.map((one) => appendOf(planView(one), headerPlaces(planView(one))));
    expect([texts[9], texts[23], texts[24]].map((text) => text !== '')).toEqual([true, false, false]);
    const engine = await scratch.open(ways, 'event');
    for (const at of [start, start + 1]) {
      const [outcome] = await engine.record(payment, [pay({ paidAt: at })]);
      expect(outcome).toMatchObject({ status: 'RECORDED', reason: null });
    }
  });

  test('leave the vector that the oracle says, and a hash that shows it', async () => {
    await holdsFor(fc.array(step, { minLength: 2, maxLength: 40 }), 60, async (steps) => {
      await scratch.lend([written], 'event', (engine) => follow(engine, written, steps));
    });
  });

  test('keep the log and its hash alive, and arm their time to live only now and then', async () => {
    const engine = await scratch.open([written], 'event');
    const keys = [engine.keys.log(written, 'ada'), engine.keys.hash(written, 'ada')];
    const send = (at: number) => engine.record(payment, [pay({ paidAt: at })]);
    await send(start);
    for (const key of keys) await scratch.valkey.pexpire(key, 1_000);
    await scratch.setHeader(keys[0] as string, 'expiresAt', (await scratch.now()) + 1_000);
    await send(start + 1);
    for (const key of keys) expect(await scratch.valkey.pttl(key)).toBeGreaterThan(86_000_000);
    for (const key of keys) await scratch.valkey.pexpire(key, 1_000_000);
    await send(start + 2);
    for (const key of keys) expect(await scratch.valkey.pttl(key)).toBeLessThanOrEqual(1_000_000);
  });
});

test('an event that comes when all others have left every window leaves them in its turn', async () => {
  const brief = spending({ count1s: count({ window: '1s' }) }, 'brief');
  const engine = await scratch.open([brief], 'wall');
  const counted = async () => (await engine.read(brief, ['ada']))[0]?.values[0];
  for (let i = 0; i < 2; i++) {
    const [outcome] = await engine.record(payment, [pay()]);
    const vector = outcome?.vectors.get(brief) as Vector;
    expect(vector).toMatchObject({ validUntil: (vector.lastEventAt ?? 0) + 1_000 });
    await vi.waitUntil(async () => (await counted()) === 0, { timeout: 10_000 });
  }
});

test('the newest event of a filter is forgotten when it leaves, though others come', async () => {
  const newest = spending({ amount: last('amount', { window: '20s', where: large }) }, 'newest');
  const engine = await scratch.open([newest], 'event');
  const after = async (ms: number, amount: number) => {
    const [outcome] = await engine.record(payment, [pay({ amount, paidAt: start + ms })]);
    return valuesOf(outcome?.vectors.get(newest) as Vector).amount;
  };
  expect(await after(0, 3)).toBe(3);
  expect(await after(19_999, 1)).toBe(3);
  expect(await after(20_000, 1)).toBeNull();
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Records event after event, and looks at what each leaves. */
async function follow(engine: Engine, view: View, steps: readonly Step[]): Promise<void> {
  let history: History = [];
  let at = start;
  const key = engine.keys.hash(view, 'ada');
  for (const { gapMs, hashGoes, ...fields } of steps) {
    if (hashGoes) await scratch.valkey.del(key);
    at += gapMs;
    const input: EventInput = pay({ ...fields, paidAt: at });
    const [outcome] = await engine.record(payment, [input]);
    const event = input as Fields;
    history = take(view, history, event, eventClock(view, history, event)).history;
    const vector = outcome?.vectors.get(view) as Vector;
    expect(outcome?.status).toBe('RECORDED');
    expectTrue(vector, history);
    await expectServed(engine, vector);
  }
}
