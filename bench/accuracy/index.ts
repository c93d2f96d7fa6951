import { Random } from '../../src/simulate/index.ts';
import type { Bench, BenchOptions } from '../bench.ts';
import { Deadline, OutOfTimeError } from '../deadline.ts';
import { table, whole } from '../report/table.ts';
import type { BenchServer } from '../server.ts';
import { type Arrivals, bursty, poisson } from '../simulate/arrivals.ts';
import { drawHistory } from '../simulate/history.ts';
import { type Population, populations } from '../simulate/population.ts';
import { beginningMs } from '../simulate/transaction.ts';
import { type Subject, subjects } from '../subject.ts';
import { type Group, groupRows, groupTable, requirementsOf } from './groups.ts';
import { chooseMoments } from './moments.ts';
import { type Observation, observe } from './observe.ts';

const sizes = [100, 1_000, 10_000, 100_000, 1_000_000];
const arrivals: { readonly [name: string]: Arrivals } = { Poisson: poisson, bursty };

const dayMs = 86_400_000;
const monthMs = 30 * dayMs;
/** Values are looked at over so long a time, once the longest window is full. */
const lookedAtMs = 10 * dayMs;
/** How often, in all of a kind of entity, and at most so often an event: a look adds an event where there is none. */
const looks = 240;
const looksAnEvent = 0.06;

/** How far what is served lies from what is true. */
export const accuracyBench: Bench = {
  summary: 'error of counts, sums, averages and distinct counts, and how wide their bounds are',
  async run(server, options, print) {
    print(
      'Simulated entities with so many events in 30 d, looked at at random moments, at events, and as an event crosses the\n' +
        'edge of a window; both views, and whom they deal with by Zipf and nearly all distinct. Errors are shares of the true\n' +
        'value, widths are from the lower to the upper bound; «wrong» is what its bounds, or EXACT, promised and is not so.\n',
    );
    const groups: Group[] = [];
    for (const [arrival, times] of Object.entries(arrivals)) {
      for (const size of sizes.filter((one) => one <= options.most)) {
        const group = { arrival, size, ...(await observeAll(server, options, times, size)) };
        groups.push(group);
        if (group.outOfTime) print(`${arrival}, ${whole(size)} events: not done within ${options.seconds} s`);
      }
    }
    print(table(groupTable, groups.flatMap(groupRows)));
    const leftOut = sizes.filter((one) => one > options.most);
    if (leftOut.length > 0) print(`\nleft out by --most: ${leftOut.map(whole).join(', ')} events`);
    return requirementsOf(groups);
  },
};

/** Both views, with both populations. */
async function observeAll(
  server: BenchServer,
  { seconds, seed }: BenchOptions,
  times: Arrivals,
  size: number,
): Promise<Pick<Group, 'observations' | 'outOfTime'>> {
  const observations: Observation[] = [];
  const random = new Random(seed);
  try {
    for (const subject of subjects) {
      for (const population of Object.values(populations)) {
        observations.push(
          ...(await observeKind(server, random, subject, times, population, size, new Deadline(seconds))),
        );
      }
    }
    return { observations, outOfTime: false };
  } catch (error) {
    if (error instanceof OutOfTimeError) return { observations, outOfTime: true };
    throw error;
  } finally {
    await server.clear();
  }
}

/** As many entities as it takes to look at them so often without adding many events. */
async function observeKind(
  server: BenchServer,
  random: Random,
  subject: Subject,
  arrive: Arrivals,
  population: Population,
  size: number,
  deadline: Deadline,
): Promise<Observation[]> {
  const looksAnEntity = Math.min(looks, Math.ceil(looksAnEvent * size));
  const fullAtMs = beginningMs + subject.spanMs;
  const all = { fromMs: beginningMs, toMs: fullAtMs + lookedAtMs };
  const within = { fromMs: fullAtMs, toMs: all.toMs };
  const observations: Observation[] = [];
  for (let looked = 0; looked < looks; looked += looksAnEntity) {
    const count = Math.round((size * (all.toMs - all.fromMs)) / monthMs);
    const own = arrive(random, count, all);
    const moments = chooseMoments(random, subject.view, own, within, looksAnEntity);
    const history = drawHistory(random, subject, `${subject.name}-${looked}`, moments.times, population);
    observations.push(...(await observe(server, history, moments.looks, deadline)));
  }
  return observations;
}
