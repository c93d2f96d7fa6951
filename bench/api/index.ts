import { writeFile } from 'node:fs/promises';
import type { Bench, BenchOptions } from '../bench.ts';
import { LoadGenerator } from '../load/load-generator.ts';
import { installPeers } from '../peers-installed.ts';
import type { Requirement } from '../report/requirement.ts';
import { chart } from './chart.ts';
import type { Comparison, Findings } from './comparison.ts';
import { compareGenerators } from './generators.ts';
import { measureGrowth, type QueryCost } from './growth.ts';
import { compareLatency, type Latency } from './latency.ts';
import { machineText, thisMachine } from './machine.ts';
import { ProfileTaker } from './profiles.ts';
import { compareReads } from './read.ts';
import { type ReadContender, startReaders, stopReaders } from './readers.ts';
import { compareRecording } from './record.ts';
import { resultJson } from './result.ts';
import { drawUsers, type SeededUser, seed } from './seeded-users.ts';
import type { Stage } from './stage.ts';

const users = 3_000;

/** What can be measured by itself; the last one only then. */
export const parts = ['read', 'record', 'latency', 'growth', 'generators'] as const;
export type Part = (typeof parts)[number];

/** The API over HTTP, beside its peers. */
export const apiBench: Bench = {
  summary: 'reading and recording over HTTP, beside Mercurius, Apollo Server, Yoga, node:http and the plain patterns',
  defaultSeconds: 1,
  defaultRepetitions: 7,
  async run(server, options, print) {
    await installPeers();
    const machine = thisMachine(server.what);
    print(machineText(machine));
    print(explanation);
    const generator = new LoadGenerator();
    const stage: Stage = { server, valkey: server.valkey, generator, print, options: stageOptions(options) };
    const comparisons: Comparison[] = [];
    const requirements: Requirement[] = [];
    const take = (found: Findings) => {
      comparisons.push(...found.comparisons);
      requirements.push(...found.requirements);
    };
    let latencies: readonly Latency[] = [];
    let costs: readonly QueryCost[] = [];
    try {
      const wanted = (part: Part) => options.only === undefined || options.only === part;
      if (options.cpuProf !== undefined) {
        const profiles = new ProfileTaker(stage, options.cpuProf);
        if (wanted('read')) await withReaders(stage, 'ours', (drawn, readers) => profiles.ofReads(drawn, readers));
        if (wanted('record')) await profiles.ofRecording();
        return [];
      }
      if (options.only === 'generators') await compareGenerators(stage);
      if (wanted('read') || wanted('latency') || wanted('growth')) {
        await withReaders(stage, 'all', async (drawn, readers) => {
          if (wanted('read')) take(await compareReads(stage, drawn, readers));
          if (wanted('latency')) {
            const found = await compareLatency(stage, drawn, readers);
            latencies = found.latencies;
            take(found);
          }
          if (wanted('growth')) {
            const found = await measureGrowth(stage, drawn, readers);
            costs = found.costs;
            take(found);
          }
        });
      }
      if (wanted('record')) take(await compareRecording(stage));
    } finally {
      await generator.stop();
    }
    if (options.json !== undefined) {
      const text = resultJson({ machine, options: stage.options, comparisons, latencies, costs, requirements });
      if (options.json === '-') process.stdout.write(text);
      else await writeFile(options.json, text);
    }
    if (options.svg !== undefined) await writeFile(options.svg, chart(comparisons, machine));
    return requirements;
  },
};

const explanation =
  'Medians of rounds, in each of which every contender has a turn; ×: how many times as fast in the same round, the median.\n' +
  'Processor time in µs a request, or an event: of the server (of the bare client: all it does), of Valkey, and of who sends the load.\n' +
  'Every answer is checked. Freshet ×2: with two workers.';

function stageOptions({ repetitions, seconds, seed, workers = [1] }: BenchOptions) {
  return { repetitions, seconds, seed, workers };
}

async function withReaders(
  stage: Stage,
  which: 'all' | 'ours',
  use: (users: readonly SeededUser[], readers: readonly ReadContender[]) => Promise<void>,
): Promise<void> {
  const keyPrefix = stage.server.prefix();
  const drawn = drawUsers(stage.options.seed, users, Date.now());
  await seed(stage.valkey, keyPrefix, drawn);
  const readers = await startReaders(stage, keyPrefix, which);
  try {
    await use(drawn, readers);
  } finally {
    await stopReaders(readers);
  }
}
