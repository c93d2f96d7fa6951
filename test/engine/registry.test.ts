import { describe, expect, test } from 'vitest';
import { type Aggregation, avg, count, max, type View } from '../../src/define/index.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const busy = { busy: count({ window: '1h' }), mean: avg('amount', { window: '1h' }) };

/** Opens one definition after another under one prefix; what the second says. */
async function succeed(first: View, second: View) {
  const prefix = scratch.prefix();
  await scratch.open([first], 'wall', prefix);
  return scratch.open([second], 'wall', prefix);
}

const incompatible = { name: 'IncompatibleStoreError', code: 'STORE_INCOMPATIBLE' };

describe('a key prefix', () => {
  test.each([
    ['wall', 'event'],
    ['event', 'wall'],
  ] as const)('of the %s clock is refused by the %s clock, by name', async (first, second) => {
    const prefix = scratch.prefix();
    await scratch.open([spending(busy)], first, prefix);
    const refusal = scratch.open([spending(busy)], second, prefix);
    await expect(refusal).rejects.toMatchObject({
      ...incompatible,
      message: expect.stringMatching(new RegExp(`${prefix}.*${first} clock.*${second} clock`)),
    });
  });

  test('serves any number of engines of the same definitions', async () => {
    const prefix = scratch.prefix();
    const engines = await Promise.all(Array.from({ length: 5 }, () => scratch.open([spending(busy)], 'wall', prefix)));
    const since = await Promise.all(
      engines.map(async (engine) => (await engine.read(engine.views[0] as View, ['ada']))[0]?.completeSince),
    );
    expect(new Set(since).size).toBe(1);
  });
});

describe('processes that start together on a fresh prefix', () => {
  test('of different clocks and definitions: one of them gets it, and goes on having it', async () => {
    for (let round = 0; round < 10; round++) {
      const prefix = scratch.prefix();
      const more = { ...busy, most: max('amount', { window: '1h' }) };
      const open = [
        () => scratch.open([spending(busy)], 'wall', prefix),
        () => scratch.open([spending(more)], 'event', prefix),
      ];
      const first = (await Promise.allSettled(open.map((start) => start()))).map(({ status }) => status);
      expect(first.filter((status) => status === 'fulfilled')).toHaveLength(1);
      const again = (await Promise.allSettled(open.map((start) => start()))).map(({ status }) => status);
      expect(again).toEqual(first);
    }
  });
});

describe('a definition under the same version', () => {
  test.each<[string, { [name: string]: Aggregation }, string[]]>([
    ['its window', { ...busy, busy: count({ window: '2h' }) }, ['busy', 'window=3600000', 'window=7200000']],
    ['its delay', { ...busy, busy: count({ window: '1h', delay: '1h' }) }, ['busy', 'delay=0', 'delay=3600000']],
    ['its aggregation', { ...busy, mean: avg('amount', { window: '1d' }) }, ['mean', 'window=86400000']],
  ])('is refused when a feature changes %s, with what it was and is', async (_, changed, parts) => {
    const refusal = succeed(spending(busy), spending(changed));
    await expect(refusal).rejects.toMatchObject(incompatible);
    for (const part of ['view spending v1', ...parts]) await expect(refusal).rejects.toThrow(part);
  });

  test('is refused when a feature is gone, with its name', async () => {
    const refusal = succeed(spending(busy), spending({ busy: busy.busy }));
    await expect(refusal).rejects.toMatchObject(incompatible);
    await expect(refusal).rejects.toThrow(/view spending v1.*feature mean/);
  });

  test('may change words and the order of its features', async () => {
    const { busy: hourly, mean } = busy;
    const reworded = { mean, busy: { ...hourly, description: 'How busy it is.' } };
    const engine = await succeed(spending(busy), spending(reworded));
    const [outcome] = await engine.record(payment, [pay()]);
    expect(outcome?.status).toBe('RECORDED');
  });

  test('stands beside another version', async () => {
    const next = { ...spending({ busy: count({ window: '2h' }) }), version: 2 };
    await expect(succeed(spending(busy), next)).resolves.toBeDefined();
  });
});
