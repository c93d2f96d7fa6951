import type { OpenLoopRun } from '../load/open-loop.ts';
import { median } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import type { Findings } from './comparison.ts';
import { selections } from './profile-requests.ts';
import { type Candidate, drawQueries, load, tuned } from './read.ts';
import type { ReadContender } from './readers.ts';
import type { SeededUser } from './seeded-users.ts';
import type { Stage } from './stage.ts';

const queries = 3_000;
/** As many requests may be under way as are ever due at once. */
const connections = 128;
const baseline = 'node:http';
const mostToRaw = 2;

/** What a contender came to at half of what it can do. */
export interface Latency {
  readonly contender: string;
  readonly saturatedPerSecond: number;
  readonly perSecond: number;
  /** One a round. */
  readonly runs: readonly OpenLoopRun[];
}

export interface LatencyFindings extends Findings {
  readonly latencies: readonly Latency[];
}

/** How long one user's read takes at half the rate at which its server is saturated, beside no GraphQL at all. */
export async function compareLatency(
  stage: Stage,
  users: readonly SeededUser[],
  contenders: readonly ReadContender[],
): Promise<LatencyFindings> {
  const { repetitions, seconds, seed } = stage.options;
  const [selection] = selections;
  if (!selection) throw new Error('there is nothing to ask for');
  const drawn = drawQueries(users, { users: 1, queries }, seed);
  const sides: { contender: ReadContender; candidate: Candidate; saturated: number; runs: OpenLoopRun[] }[] = [];
  for (const contender of contenders.filter(({ isOwn, name }) => isOwn || name === baseline)) {
    const candidate = await tuned(stage, contender, drawn, selection);
    const speeds: number[] = [];
    for (let i = 0; i < 3; i++) {
      const run = await load(candidate.target, seconds);
      speeds.push(run.units / run.seconds);
    }
    sides.push({ contender, candidate, saturated: median(speeds), runs: [] });
  }
  for (let round = 0; round < repetitions; round++) {
    for (const { candidate, saturated, runs } of round % 2 === 0 ? sides : [...sides].reverse()) {
      runs.push(await candidate.target.openLoop({ perSecond: saturated / 2, seconds, connections }));
    }
  }
  const latencies = sides.map(({ contender, saturated, runs }) => ({
    contender: contender.name,
    saturatedPerSecond: saturated,
    perSecond: saturated / 2,
    runs,
  }));
  stage.print(`\n${latencyTable(latencies)}`);
  const raw = latencies.find(({ contender }) => contender === baseline);
  const requirements = latencies
    .filter((one) => one !== raw)
    .map((one) => ({
      what: `latency: p99 of ${one.contender} to ${baseline}, each at half its rate`,
      found: raw ? median(one.runs.map(({ p99Ms }, round) => p99Ms / (raw.runs[round]?.p99Ms ?? Number.NaN))) : null,
      limit: mostToRaw,
      show: digits,
    }));
  return { comparisons: [], requirements, latencies };
}

function latencyTable(latencies: readonly Latency[]): string {
  return table(
    [
      { head: 'latency: one user, five features', left: true },
      { head: 'saturated/s' },
      { head: 'sent/s' },
      { head: 'p50 ms' },
      { head: 'p99 ms' },
      { head: 'from' },
      { head: 'to' },
      { head: 'p99.9 ms' },
      { head: 'late p99 ms' },
    ],
    latencies.map(({ contender, saturatedPerSecond, perSecond, runs }) => {
      const of = (name: keyof OpenLoopRun) => runs.map((run) => run[name]);
      return [
        contender,
        whole(saturatedPerSecond),
        whole(perSecond),
        digits(median(of('p50Ms'))),
        digits(median(of('p99Ms'))),
        digits(Math.min(...of('p99Ms'))),
        digits(Math.max(...of('p99Ms'))),
        digits(median(of('p999Ms'))),
        digits(median(of('lateP99Ms'))),
      ];
    }),
  );
}
