import type { Bench, BenchOptions } from '../bench.ts';
import { LoadGenerator } from '../load/load-generator.ts';
import { installPeers } from '../peers-installed.ts';
import type { Requirement } from '../report/requirement.ts';
import type { Comparison } from './comparison.ts';
import { machineText, thisMachine } from './machine.ts';
import { compareReads } from './read.ts';
import { startReaders, stopReaders } from './readers.ts';
import { compareRecording } from './record.ts';
import { drawUsers, seed } from './seeded-users.ts';
import type { Stage } from './stage.ts';

const users = 3_000;

/** What can be measured by itself. */
export const parts = ['read', 'record'] as const;
export type Part = (typeof parts)[number];

/** The API over HTTP, beside its peers. */
export const apiBench: Bench = {
  summary: 'reading and recording over HTTP, beside Mercurius, Apollo Server, Yoga, node:http and the plain patterns',
  defaultSeconds: 1,
  defaultRepetitions: 9,
  async run(server, options, print) {
    await installPeers();
    print(machineText(thisMachine(server.what)));
    const generator = new LoadGenerator();
    const stage: Stage = { server, valkey: server.valkey, generator, print, options: stageOptions(options) };
    const comparisons: Comparison[] = [];
    const requirements: Requirement[] = [];
    try {
      const wanted = (part: Part) => options.only === undefined || options.only === part;
      if (wanted('read')) {
        const found = await reads(stage);
        comparisons.push(...found.comparisons);
        requirements.push(...found.requirements);
      }
      if (wanted('record')) {
        const found = await compareRecording(stage);
        comparisons.push(...found.comparisons);
        requirements.push(...found.requirements);
      }
    } finally {
      await generator.stop();
    }
    return requirements;
  },
};

function stageOptions({ repetitions, seconds, seed, workers = [1] }: BenchOptions) {
  return { repetitions, seconds, seed, workers };
}

async function reads(stage: Stage) {
  const keyPrefix = stage.server.prefix();
  const drawn = drawUsers(stage.options.seed, users, Date.now());
  await seed(stage.valkey, keyPrefix, drawn);
  const contenders = await startReaders(stage, keyPrefix);
  try {
    return await compareReads(stage, drawn, contenders);
  } finally {
    await stopReaders(contenders);
  }
}
