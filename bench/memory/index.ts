import { Random } from '../../src/simulate/index.ts';
import type { Bench } from '../bench.ts';
import { Deadline, OutOfTimeError } from '../deadline.ts';
import { type Requirement, worstOf } from '../report/requirement.ts';
import { digits, table, whole } from '../report/table.ts';
import { poisson } from '../simulate/arrivals.ts';
import { drawHistory } from '../simulate/history.ts';
import { populations } from '../simulate/population.ts';
import { beginningMs } from '../simulate/transaction.ts';
import { subjects } from '../subject.ts';
import { type Footprint, footprint } from './footprint.ts';

const sizes = [20, 64, 128, 1_000, 100_000, 1_000_000];
const monthMs = 30 * 86_400_000;

/** From so many events on the engine takes no more than the plain layout. */
const comparedFrom = 64;
const mostLogBytes = { user: 65_536, merchant: 131_072 };
const mostBytes = 262_144;

/** What one entity takes in Valkey, beside the plain layout. */
export const memoryBench: Bench = {
  summary: 'bytes an entity takes in Valkey, beside the plain layout',
  async run(server, options, print) {
    print(
      'Bytes by MEMORY USAGE with SAMPLES 0, of all keys of one entity, its events spread over 30 d (Poisson). The plain\n' +
        'layout holds the same 30 d: a sorted set of events, one of amounts, a HyperLogLog, two counters and a hash.\n' +
        'Whom it deals with is drawn from 10,000 by Zipf, or from so many that hardly anyone comes twice (distinct).\n',
    );
    const rows: string[][] = [];
    const findings: Finding[] = [];
    for (const subject of subjects) {
      for (const [drawnFrom, population] of Object.entries(populations)) {
        for (const size of sizes.filter((one) => one <= options.most)) {
          const random = new Random(options.seed);
          const times = poisson(random, size, { fromMs: beginningMs, toMs: beginningMs + monthMs });
          const history = drawHistory(random, subject, `${subject.name}-1`, times, population);
          const found = await orNull(footprint(server, history, new Deadline(options.seconds)));
          await server.clear();
          rows.push([subject.name, drawnFrom, whole(size), ...columns(found, size)]);
          findings.push({ entity: subject.name, population: drawnFrom, size, found });
        }
      }
    }
    print(
      table(
        [
          { head: 'entity', left: true },
          { head: 'deals with', left: true },
          ...['events', 'log', 'all keys', 'plain', 'ratio', 'an event'].map((head) => ({ head })),
        ],
        rows,
      ),
    );
    const leftOut = sizes.filter((one) => one > options.most);
    if (leftOut.length > 0) print(`\nleft out by --most: ${leftOut.map(whole).join(', ')} events`);
    return requirementsOf(findings);
  },
};

async function orNull(measurement: Promise<Footprint>): Promise<Footprint | null> {
  try {
    return await measurement;
  } catch (error) {
    if (error instanceof OutOfTimeError) return null;
    throw error;
  }
}

function columns(found: Footprint | null, size: number): string[] {
  if (!found) return ['out of time'];
  const { logBytes, engineBytes, plainBytes } = found;
  return [
    whole(logBytes),
    whole(engineBytes),
    whole(plainBytes),
    digits(engineBytes / plainBytes),
    digits(engineBytes / size),
  ];
}

/** What one entity was found to take. */
interface Finding {
  readonly entity: 'user' | 'merchant';
  readonly population: string;
  readonly size: number;
  readonly found: Footprint | null;
}

function requirementsOf(findings: readonly Finding[]): Requirement[] {
  return subjects.flatMap(({ name }) => {
    const own = findings.filter(({ entity }) => entity === name);
    const cases = (figure: (found: Footprint) => number, from = 0) =>
      own
        .filter(({ size }) => size >= from)
        .map(({ population, size, found }) => ({
          at: `${population}, ${whole(size)} events`,
          found: found && figure(found),
        }));
    const ratio = cases(({ engineBytes, plainBytes }) => engineBytes / plainBytes, comparedFrom);
    return [
      worstOf(`${name}: all keys, to the plain layout, from ${comparedFrom} events on`, 1, digits, ratio),
      worstOf(
        `${name}: log, bytes`,
        mostLogBytes[name],
        whole,
        cases(({ logBytes }) => logBytes),
      ),
      worstOf(
        `${name}: all keys, bytes`,
        mostBytes,
        whole,
        cases(({ engineBytes }) => engineBytes),
      ),
    ];
  });
}
