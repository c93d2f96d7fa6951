import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Aggregation, count } from '../../src/define/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import { valuesOf } from './expectations.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const ids = Array.from({ length: 10 }, (_, i) => `user ${i}`);
const count1s = { count1s: count({ window: '1s' }) };

/** An engine whose calls do little, and how many calls at once, and in all, a piece of work takes. */
async function thrifty(features: { [name: string]: Aggregation }, microsPerCall: number, keyPrefix = scratch.prefix()) {
  const valkey = scratch.valkey.duplicate();
  onTestFinished(() => valkey.disconnect());
  const view = spending(features, 'thrifty');
  const engine = await Engine.open({
    servers: new SingleServer(valkey),
    views: [view],
    keyPrefix,
    clock: 'wall',
    microsPerCall,
    rehearses: false,
  });
  const send = valkey.callBuffer.bind(valkey) as (...args: unknown[]) => Promise<unknown>;
  const calls = async (work: () => Promise<unknown>) => {
    let [underWay, most, total] = [0, 0, 0];
    const spy = vi.spyOn(valkey, 'callBuffer').mockImplementation((...args: unknown[]) => {
      total++;
      most = Math.max(most, ++underWay);
      return send(...args).finally(() => underWay--);
    });
    await work();
    spy.mockRestore();
    return { most, total };
  };
  const disconnectAfter = (number: number) => {
    vi.spyOn(valkey, 'callBuffer').mockImplementation(async (...args: unknown[]) => {
      const reply = await send(...args);
      if (--number === 0) valkey.disconnect();
      return reply;
    });
  };
  return { engine, view, calls, disconnectAfter };
}

const oneOfEach = () => ids.map((userId) => pay({ userId }));

describe('what one call may not fold', () => {
  test('is recorded by further calls, one after the other, each entity whole', async () => {
    const { engine, view, calls } = await thrifty(count1s, 0);
    expect(await calls(() => engine.record(payment, oneOfEach()))).toEqual({ most: 1, total: 10 });
    const twice = [...oneOfEach(), ...oneOfEach()];
    let outcomes: Awaited<ReturnType<Engine['record']>> = [];
    const { total } = await calls(async () => {
      outcomes = await engine.record(payment, twice);
    });
    expect(total).toBe(10);
    expect(outcomes.map(({ status }) => status)).toEqual(twice.map(() => 'RECORDED'));
    expect(outcomes.map(({ vectors }) => vectors.get(view)?.id)).toEqual([...ids, ...ids]);
    expect(outcomes.map(({ vectors }) => vectors.get(view)?.eventSeq)).toEqual(twice.map(() => 3));
  });

  test('is unavailable when Valkey goes away in between, and what was recorded before is not', async () => {
    const { engine, view, disconnectAfter } = await thrifty(count1s, 0);
    await engine.record(payment, oneOfEach());
    disconnectAfter(1);
    const outcomes = await engine.record(payment, oneOfEach());
    const statuses = outcomes.map(({ status }) => status);
    expect(statuses).toEqual(ids.map((_, i) => (i < 1 ? 'RECORDED' : 'UNAVAILABLE')));
    expect(outcomes.map(({ vectors }) => vectors.get(view)?.eventSeq)).toEqual(
      ids.map((_, i) => (i < 1 ? 2 : undefined)),
    );
  });

  test('is recorded no more once the time of a call is over, however small the rest is', async () => {
    const { engine, calls } = await thrifty(count1s, 1_500);
    const many = Array.from({ length: 1_000 }, (_, i) => pay({ userId: `one of many ${i}` }));
    const { most, total } = await calls(() => engine.record(payment, many));
    expect(most).toBe(1);
    expect(total).toBeGreaterThan(5); // each new log takes ten microseconds at the very least
  });

  test('is read by further calls, one after the other, and in the order asked', async () => {
    const { engine, view, calls } = await thrifty(count1s, 0);
    const outcomes = await engine.record(payment, oneOfEach());
    const newest = Math.max(...outcomes.map(({ occurredAt }) => occurredAt ?? 0));
    await vi.waitUntil(async () => (await scratch.now()) > newest + 2_000, { timeout: 10_000 });
    const asked = [...ids, 'nobody', ...ids].toReversed();
    let vectors: Awaited<ReturnType<Engine['read']>> = [];
    const read = async () => {
      vectors = await engine.read(view, asked);
    };
    expect(await calls(read)).toEqual({ most: 1, total: 10 });
    expect(vectors.map(({ id }) => id)).toEqual(asked);
    expect(vectors.map((vector) => valuesOf(vector).count1s)).toEqual(asked.map(() => 0));
    expect(await calls(read)).toEqual({ most: 1, total: 1 });
  });

  test('is brought to a new layout by further calls, one after the other', async () => {
    const keyPrefix = scratch.prefix();
    const count24h = { count24h: count({ window: '24h' }) };
    const before = await thrifty(count24h, 3_000, keyPrefix);
    await before.engine.record(payment, oneOfEach());
    const { engine, view, calls } = await thrifty({ ...count24h, count1h: count({ window: '1h' }) }, 0, keyPrefix);
    let vectors: Awaited<ReturnType<Engine['read']>> = [];
    // One finds the old layout; ten bring one log each up to date; one reads.
    const read = async () => {
      vectors = await engine.read(view, ids);
    };
    expect(await calls(read)).toEqual({ most: 1, total: 12 });
    expect(vectors.map((vector) => valuesOf(vector).count1h)).toEqual(ids.map(() => 1));
  });

  test('is recorded though call after call meets further logs of an old layout', async () => {
    const keyPrefix = scratch.prefix();
    const count24h = { count24h: count({ window: '24h' }) };
    const before = await thrifty(count24h, 3_000, keyPrefix);
    await before.engine.record(payment, oneOfEach());
    const { engine, view } = await thrifty({ ...count24h, count1h: count({ window: '1h' }) }, 0, keyPrefix);
    const even = ids.filter((_, i) => i % 2 === 0);
    await engine.read(view, even);
    const outcomes = await engine.record(payment, oneOfEach());
    expect(outcomes.map(({ status, reason }) => [status, reason])).toEqual(ids.map(() => ['RECORDED', null]));
  });
});
