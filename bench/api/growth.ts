import type { LoadTarget } from '../load/load-generator.ts';
import type { Requirement } from '../report/requirement.ts';
import { median } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import type { Findings } from './comparison.ts';
import type { ContenderProcess } from './contender-process.ts';
import { selections } from './profile-requests.ts';
import { checkedTarget, drawQueries } from './read.ts';
import { ownName, type ReadContender } from './readers.ts';
import type { SeededUser } from './seeded-users.ts';
import type { Stage } from './stage.ts';

const sizes = [100, 250, 500, 1_000];
const queries = 20;
const memoryLooks = 3; // a round
const mostGrowth = 1.25;

/** What one query for so many users takes: medians. */
export interface QueryCost {
  readonly users: number;
  /** From sent to answered, one query at a time. */
  readonly ms: number;
  /** Processor time of the server, in milliseconds. */
  readonly serverMs: number;
  /** By how much the server's heap, and what it holds outside, is larger after a query than before it. */
  readonly heapBytes: number;
  readonly answerBytes: number;
}

export interface GrowthFindings extends Findings {
  readonly costs: readonly QueryCost[];
}

/** Whether time and memory grow no faster than what is asked for, up to the thousand users that a query may name. */
export async function measureGrowth(
  stage: Stage,
  users: readonly SeededUser[],
  contenders: readonly ReadContender[],
): Promise<GrowthFindings> {
  const own = contenders.find(({ name }) => name === ownName(1)) ?? contenders.find(({ isOwn }) => isOwn);
  const selection = selections.at(-1);
  const [reader] = own?.readersFor(1) ?? [];
  if (!own || !reader || !selection) throw new Error('there is nothing to measure');
  const looks: Look[][] = [];
  const targets: LoadTarget[] = [];
  for (const size of sizes) {
    const drawn = drawQueries(users, { users: size, queries }, stage.options.seed);
    const target = await checkedTarget(stage, `${own.name}, ${size} users`, reader, drawn, selection);
    await target.closedLoop({ connections: 1, seconds: 0.5 });
    targets.push(target);
  }
  for (let number = 0; number < stage.options.repetitions; number++) {
    const round: Look[] = [];
    for (const target of targets) round.push(await look(reader.process, target, stage.options.seconds / 2));
    looks.push(round);
  }
  const costs = sizes.map((size, i): QueryCost => {
    const of = (name: keyof Look) => median(looks.map((round) => round[i]?.[name] ?? Number.NaN));
    return {
      users: size,
      ms: of('ms'),
      serverMs: of('serverMs'),
      heapBytes: of('heapBytes'),
      answerBytes: of('answerBytes'),
    };
  });
  stage.print(`\n${growthTable(own.name, costs)}`);
  const requirements = [requirement('processor time', 'serverMs', looks), requirement('memory', 'heapBytes', looks)];
  return { comparisons: [], requirements, costs };
}

type Look = Omit<QueryCost, 'users'>;

async function look(process: ContenderProcess, target: LoadTarget, seconds: number): Promise<Look> {
  const before = await process.usage();
  const run = await target.closedLoop({ connections: 1, seconds });
  const cpuUs = (await process.usage()).cpuUs - before.cpuUs;
  const grown: number[] = [];
  let answerBytes = 0;
  for (let i = 0; i < memoryLooks; i++) {
    const { heapBytes } = await process.usage('collected');
    const bodies = await target.learn(1, 1);
    grown.push((await process.usage()).heapBytes - heapBytes);
    for (const body of bodies) answerBytes = Math.max(answerBytes, body?.length ?? 0);
  }
  return { ms: run.p50Ms, serverMs: cpuUs / run.allRequests / 1_000, heapBytes: median(grown), answerBytes };
}

/** Of what is asked of a user in the largest query to the same in the smallest, round by round. */
function requirement(what: string, of: 'serverMs' | 'heapBytes', looks: readonly (readonly Look[])[]): Requirement {
  const [smallest = 1, largest = 1] = [sizes[0], sizes.at(-1)];
  const ratios = looks.map((round) => (round.at(-1)?.[of] ?? 0) / largest / ((round[0]?.[of] ?? 0) / smallest));
  return {
    what: `growth: ${what} a user, of ${whole(largest)} users in one query to ${smallest}`,
    found: median(ratios),
    limit: mostGrowth,
    show: digits,
  };
}

function growthTable(name: string, costs: readonly QueryCost[]): string {
  return table(
    [
      { head: `one query, all features: ${name}`, left: true },
      { head: 'ms' },
      { head: 'µs a user' },
      { head: 'server ms' },
      { head: 'heap KB' },
      { head: 'KB a user' },
      { head: 'answer KB' },
    ],
    costs.map(({ users, ms, serverMs, heapBytes, answerBytes }) => [
      `${whole(users)} users`,
      digits(ms),
      digits((1_000 * ms) / users),
      digits(serverMs),
      whole(heapBytes / 1_024),
      digits(heapBytes / 1_024 / users),
      whole(answerBytes / 1_024),
    ]),
  );
}
