import { expect, test } from 'vitest';
import type { BenchOptions } from '../../bench/bench.ts';
import { isMet } from '../../bench/report/requirement.ts';
import { withServer } from '../../bench/server.ts';
import { CallWatch } from '../../bench/soak/calls.ts';
import { soakBench } from '../../bench/soak/index.ts';
import { growth, type Stage } from '../../bench/soak/stages.ts';

const options: BenchOptions = { most: 2_000, repetitions: 1, seconds: 60, seed: 1, inside: false };

/** Ten tenths in which the merchant took so many bytes. */
function stagesOf(bytes: readonly number[]): Stage[] {
  return bytes.map((merchantBytes, i) => ({
    events: 100 * (i + 1),
    seconds: 1,
    calls: { count: 10, totalUs: 20_000, processorUs: 20_000, slow: [] },
    merchantBytes,
    usedMemoryBytes: 1_000_000,
  }));
}

/** Runs the bench on a Valkey of its own. */
async function run(asked: BenchOptions) {
  const lines: string[] = [];
  const requirements = await withServer(null, (server) => soakBench.run(server, asked, (text) => lines.push(text)));
  return { printed: lines.join('\n'), requirements };
}

test('memory that grows with the events, or with their root, is not flat; with their logarithm, it is', () => {
  const of = (bytes: (events: number) => number) =>
    growth(stagesOf(Array.from({ length: 10 }, (_, i) => bytes(100_000 * (i + 1)))));
  expect(of((events) => events)).toBe(2);
  expect(of(Math.sqrt)).toBeCloseTo(Math.SQRT2, 6);
  expect(of(Math.log)).toBeLessThan(1.06);
  expect(of((events) => (events === 300_000 ? 2 : 1))).toBe(0.5);
});

test('calls are counted from when the watch begins, and the server has its settings back when it ends', async () => {
  await withServer(null, async ({ valkey }) => {
    const threshold = async () => (await valkey.config('GET', 'slowlog-log-slower-than')) as unknown;
    const before = await threshold();
    const code = "#!lua name=watched\nredis.register_function('watched', function(keys) return keys[1] end)";
    await valkey.call('FUNCTION', 'LOAD', code);
    await valkey.call('FCALL', 'watched', 1, 'early');
    const watch = await CallWatch.begin(valkey, 0); // every call is slow
    for (const key of ['a', 'b']) await valkey.call('FCALL', 'watched', 1, key);
    const { count, slow } = await watch.look();
    expect([count, slow.map(({ key }) => key).sort()]).toEqual([2, ['a', 'b']]);
    expect(await watch.look()).toMatchObject({ count: 0, slow: [] });
    expect([...(await watch.quantiles('fcall')).keys()]).toEqual(['p50', 'p90', 'p99', 'p99.9', 'p100']);
    expect((await watch.quantiles('exec')).size).toBe(0);
    await valkey.multi().get('a').exec();
    expect((await watch.look()).count).toBe(1);
    expect((await watch.quantiles('exec')).size).toBe(5);
    await watch.end();
    expect(await threshold()).toEqual(before);
  });
});

test('a short month is recorded whole, and served as it was', async () => {
  const { printed, requirements } = await run(options);
  expect(printed.match(/^ *[\d,]+00 .*%.*$/gm)).toHaveLength(10);
  expect(printed).toMatch(/^labelledTxnCount30d +(\S+) +\1 +EXACT$/m);
  expect(requirements.map(({ found }) => found)).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
    0,
    0,
  ]);
});

test('what does not end in time is not measured', async () => {
  const { printed, requirements } = await run({ ...options, seconds: 0 });
  expect(printed).toContain('not done within 0 s');
  expect(requirements.map(isMet)).toEqual([false, false, false, false, false]);
});
