import type { Requirement } from '../report/requirement.ts';
import { digits } from '../report/table.ts';
import { type Comparison, comparisonTable, type Findings, ratioTo } from './comparison.ts';
import { Past } from './past.ts';
import { checkRecorded } from './recorded.ts';
import {
  type BatchSize,
  httpRecorder,
  type Pace,
  type Recorder,
  type RecordServer,
  recordRequests,
  startMercurius,
  startOwnServers,
  startPlainClient,
} from './recorders.ts';
import type { Stage } from './stage.ts';
import { fastest, interleave, takeTurn } from './turn.ts';

const trialSeconds = 1;
const warmUpSeconds = 2;

/** What ours must come to: with the user's view alone, which is what the patterns do, and with both views. */
const asked = {
  batches: { baseline: 'bare client, patterns', user: 3.5, both: 2 },
  singles: { baseline: 'Mercurius JIT, patterns', user: 2, both: 2 },
} as const;

/** Records events over HTTP, a hundred a mutation and one a mutation, beside the plain patterns. */
export async function compareRecording(stage: Stage): Promise<Findings> {
  const past = await Past.record(stage.server, stage.options.seed);
  const own = await startOwnServers(stage, past);
  const mercurius = await startMercurius(stage, past);
  const plain = await startPlainClient(stage, past);
  try {
    const batches = await recordersOf(stage, own, 100);
    const batchComparison = await compare(
      stage,
      'record: a hundred events a mutation',
      [...batches, plain],
      asked.batches,
    );
    const singles = await recordersOf(stage, [...own, mercurius], 1);
    const singleComparison = await compare(stage, 'record: one event a mutation', singles, asked.singles);
    await checkAll(stage, past, [...batches, plain, ...singles]);
    return {
      comparisons: [batchComparison, singleComparison],
      requirements: [
        ...requirementsOf(batchComparison, batches, asked.batches),
        ...requirementsOf(singleComparison, singles, asked.singles),
      ],
    };
  } finally {
    await Promise.all([...own, mercurius, plain].map(({ process }) => process.stop()));
  }
}

async function recordersOf(stage: Stage, servers: readonly RecordServer[], size: BatchSize): Promise<Recorder[]> {
  const requests = recordRequests(stage.options.seed, size);
  const recorders: Recorder[] = [];
  for (const server of servers) recorders.push(await httpRecorder(stage, server, size, requests));
  return recorders;
}

async function compare(
  stage: Stage,
  title: string,
  recorders: readonly Recorder[],
  { baseline }: { readonly baseline: string },
): Promise<Comparison> {
  const { valkey } = stage;
  const { repetitions, seconds } = stage.options;
  const tuned = new Map<Recorder, Pace>();
  for (const recorder of recorders) {
    await recorder.load(recorder.paces[0] as Pace, warmUpSeconds);
    const trial = (pace: Pace) => takeTurn(valkey, recorder.process, () => recorder.load(pace, trialSeconds));
    tuned.set(recorder, await fastest(recorder.paces, trial));
  }
  const turns = await interleave(recorders, repetitions, (recorder) =>
    takeTurn(valkey, recorder.process, () => recorder.load(tuned.get(recorder) as Pace, seconds)),
  );
  const comparison: Comparison = {
    title,
    unit: 'events',
    measured: recorders.map((recorder) => ({
      contender: recorder.name,
      settings: tuned.get(recorder)?.name ?? '',
      turns: turns.get(recorder) ?? [],
    })),
    baselines: [baseline],
  };
  stage.print(`\n${comparisonTable(comparison)}`);
  return comparison;
}

/** Every event that was acknowledged is there once, and no others are. */
async function checkAll(stage: Stage, past: Past, recorders: readonly Recorder[]): Promise<void> {
  for (const [keyPrefix, same] of Map.groupBy(recorders, (recorder) => recorder.keyPrefix)) {
    const [{ name, kind }] = same as [Recorder];
    const events = same.reduce((sum, recorder) => sum + recorder.events(), past.events.length);
    await checkRecorded(stage.valkey, name, kind, keyPrefix, events);
  }
}

function requirementsOf(
  comparison: Comparison,
  recorders: readonly Recorder[],
  asked: { readonly baseline: string; readonly user: number; readonly both: number },
): Requirement[] {
  return recorders
    .filter(({ isOwn }) => isOwn)
    .map(({ name, kind }) => ({
      what: `${comparison.title}: ${name} to ${asked.baseline}`,
      found: ratioTo(comparison, name, asked.baseline),
      limit: kind === 'user' ? asked.user : asked.both,
      bound: 'at least' as const,
      show: digits,
    }));
}
