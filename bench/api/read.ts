import { Random } from '../../src/simulate/index.ts';
import type { LoadTarget } from '../load/load-generator.ts';
import type { Requirement } from '../report/requirement.ts';
import { digits } from '../report/table.ts';
import { type Comparison, comparisonTable, type Findings, ratioTo } from './comparison.ts';
import { type Form, type Selection, selections } from './profile-requests.ts';
import type { ReadContender, Reader } from './readers.ts';
import { type SeededUser, wrongness } from './seeded-users.ts';
import type { Stage } from './stage.ts';
import { fastest, interleave, type Loaded, takeTurn } from './turn.ts';

export const readConnections = 16;
/** How many users a query asks for, how many different queries there are, and what ours must come to. */
const sizes = [
  { users: 1, name: 'one user', queries: 3_000, toMercurius: 1.3, toRaw: 0.95 },
  { users: 100, name: 'a hundred users', queries: 150, toMercurius: 1.5, toRaw: 1.2 },
] as const;
const trialSeconds = 1;

/** Reads of one and of a hundred users by 16 connections. */
export async function compareReads(
  stage: Stage,
  users: readonly SeededUser[],
  contenders: readonly ReadContender[],
): Promise<Findings> {
  const comparisons: Comparison[] = [];
  const requirements: Requirement[] = [];
  for (const size of sizes) {
    for (const selection of selections) {
      const title = `read: ${size.name}, ${selection.name}`;
      const comparison = await compare(
        stage,
        title,
        drawQueries(users, size, stage.options.seed),
        selection,
        contenders,
      );
      comparisons.push(comparison);
      stage.print(`\n${comparisonTable(comparison)}`);
      for (const { name } of contenders.filter(({ isOwn }) => isOwn)) {
        for (const [baseline, limit] of [
          ['Mercurius JIT', size.toMercurius],
          ['node:http', size.toRaw],
        ] as const) {
          const found = ratioTo(comparison, name, baseline);
          requirements.push({
            what: `${title}: ${name} to ${baseline}`,
            found,
            limit,
            bound: 'at least',
            show: digits,
          });
        }
      }
    }
  }
  return { comparisons, requirements };
}

/** Users of each query: all of them in turn, in random order. */
export function drawQueries(
  users: readonly SeededUser[],
  size: { readonly users: number; readonly queries: number },
  seed: number,
): SeededUser[][] {
  const random = new Random(seed);
  return Array.from({ length: size.queries }, () => {
    const drawn = new Set<SeededUser>();
    while (drawn.size < size.users) drawn.add(users[random.below(users.length)] as SeededUser);
    return [...drawn];
  });
}

async function compare(
  stage: Stage,
  title: string,
  queries: readonly SeededUser[][],
  selection: Selection,
  contenders: readonly ReadContender[],
): Promise<Comparison> {
  const chosen: { name: string; candidate: Candidate }[] = [];
  for (const contender of contenders) {
    chosen.push({ name: contender.name, candidate: await tuned(stage, contender, queries, selection) });
  }
  const turns = await interleave(chosen, stage.options.repetitions, ({ candidate: { reader, target } }) =>
    takeTurn(stage.valkey, reader.process, () => load(target, stage.options.seconds)),
  );
  return {
    title,
    unit: 'requests',
    measured: chosen.map((one) => ({
      contender: one.name,
      settings: one.candidate.reader.settings,
      turns: turns.get(one) ?? [],
    })),
    baselines: ['Mercurius JIT', 'node:http'],
  };
}

/** One way in which a contender may be run, known to the generator. */
export interface Candidate {
  readonly reader: Reader;
  readonly target: LoadTarget;
}

/** The way in which a contender is fastest; all of them are checked. */
export async function tuned(
  stage: Stage,
  { name, readersFor }: ReadContender,
  queries: readonly (readonly SeededUser[])[],
  selection: Selection,
): Promise<Candidate> {
  const candidates: Candidate[] = [];
  for (const reader of readersFor(queries[0]?.length ?? 0)) {
    const target = await checkedTarget(stage, `${name}, ${reader.settings}`, reader, queries, selection);
    candidates.push({ reader, target });
  }
  return fastest(candidates, ({ reader, target }) =>
    takeTurn(stage.valkey, reader.process, () => load(target, trialSeconds)),
  );
}

/** Puts it under load by 16 connections. */
export async function load(target: LoadTarget, seconds: number): Promise<Loaded> {
  const run = await target.closedLoop({ connections: readConnections, seconds });
  return { ...run, units: run.requests, allUnits: run.allRequests };
}

/** Asks every query once, and looks at every value of every answer; from then on answers must be the same to the byte. */
export async function checkedTarget(
  { generator }: Pick<Stage, 'generator'>,
  name: string,
  { process, form }: Pick<Reader, 'process' | 'form'>,
  queries: readonly (readonly SeededUser[])[],
  selection: Selection,
): Promise<LoadTarget> {
  const requests = queries.map((users) =>
    form.request(
      users.map(({ id }) => id),
      selection,
    ),
  );
  const target = await generator.target(name, process.port, requests);
  const bodies = await target.learn(readConnections);
  for (const [i, users] of queries.entries()) check(name, form, bodies[i]?.toString() ?? '', users, selection);
  return target;
}

function check(name: string, form: Form, body: string, users: readonly SeededUser[], selection: Selection): void {
  const shown = form.users(JSON.parse(body));
  const wrong =
    shown.length === users.length ? null : `${users.length} users were asked for, and there are ${shown.length}`;
  for (const [i, user] of users.entries()) {
    const why =
      wrong ??
      (shown[i]?.id === user.id
        ? wrongness(shown[i]?.riskProfile, user, selection.features)
        : `${user.id} was asked for`);
    if (why !== null) throw new Error(`${name}: ${why}, in ${body.slice(0, 500)}`);
  }
}
