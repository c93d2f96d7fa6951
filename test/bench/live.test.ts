import { expect, test } from 'vitest';
import type { BenchOptions } from '../../bench/bench.ts';
import { spread } from '../../bench/live/crowd.ts';
import { liveBench } from '../../bench/live/index.ts';
import { isMet } from '../../bench/report/requirement.ts';
import { withServer } from '../../bench/server.ts';

const options: BenchOptions = { most: 120, repetitions: 1, seconds: 1, seed: 1, inside: false };

/** Runs the bench on a Valkey of its own. */
async function run(asked: BenchOptions) {
  const lines: string[] = [];
  const requirements = await withServer(null, (server) => liveBench.run(server, asked, (text) => lines.push(text)));
  return { printed: lines.join('\n'), requirements };
}

test('receivers are spread over sockets evenly', () => {
  expect(spread(3)).toEqual([1, 1, 1]);
  const loads = spread(10_050);
  expect([loads.length, loads.reduce((sum, one) => sum + one), new Set(loads)]).toEqual([
    100,
    10_050,
    new Set([100, 101]),
  ]);
});

test('every way reaches all its receivers, and every event under load its watcher', async () => {
  const { printed, requirements } = await run({ ...options, seconds: 20 });
  for (const size of [1, 100, 120]) {
    for (const way of ['Freshet', 'bare relay', 'bare Valkey']) {
      expect(printed).toMatch(new RegExp(`^ *${size}  ${way} +10 .*\\d$`, 'm'));
    }
  }
  expect(printed).toContain('10,000 events and');
  // The relay may seem to take no time at all.
  expect(requirements.map(({ found }) => found !== null && found >= 0)).toEqual(Array(8).fill(true));
}, 120_000);

test('what does not end in time is not measured', async () => {
  const { printed, requirements } = await run({ ...options, most: 2, seconds: 0 });
  expect(printed).toMatch(/^ *2 +out of time$/m);
  expect(requirements.slice(0, 5).map(isMet)).toEqual(Array(5).fill(false));
}, 60_000);
