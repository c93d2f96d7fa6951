import { Random } from '../../src/simulate/index.ts';
import type { Bench, BenchOptions } from '../bench.ts';
import { BareFunction } from '../contenders/bare-function.ts';
import { EngineContender } from '../contenders/engine.ts';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import { Deadline, OutOfTimeError } from '../deadline.ts';
import type { Requirement } from '../report/requirement.ts';
import { digits, table } from '../report/table.ts';
import type { BenchServer } from '../server.ts';
import { subjects } from '../subject.ts';
import { inOrderOverDay, inOrderOverSpan } from './in-order.ts';
import { type Cost, measure } from './measure.ts';
import { batched, day, halfHour, hot, late } from './one-entity.ts';
import type { Scenario } from './scenario.ts';

const cells = [5, 32, 64, 128];

function scenarios(most: number): Scenario[] {
  const behind = (events: number) => Math.min(events, most);
  return [
    ...cells.map(inOrderOverDay),
    ...cells.map(inOrderOverSpan),
    hot(behind(100_000)),
    late(behind(20_000), halfHour.ms, halfHour.name),
    late(behind(20_000), day.ms, day.name),
    batched(behind(10_000)),
  ];
}

/** What an event costs Valkey, beside the plain patterns. */
export const engineBench: Bench = {
  summary: 'server time an event and view of recording, beside the plain patterns',
  async run(server, options, print) {
    print(
      'Server time by INFO commandstats, in µs an event and view: of all commands that the engine sends (what is read and\n' +
        'watched, EXEC with what is written, FCALL where the store does it by itself), and of the MULTI and EXEC of the plain\n' +
        'patterns (17 commands an event). Each view has an engine of its own, and both take in the same events in turn.\n' +
        'Medians; ratio: median of the samples, with the middle 80 %.',
    );
    const requirements: Requirement[] = [];
    print(`\n${await floorText(server, options)}`);
    for (const scenario of scenarios(options.most)) {
      print(`\n${scenario.name}\n  ${scenario.note}`);
      const costs: Cost[] = [];
      try {
        for (const subject of subjects) {
          const deadline = new Deadline(options.seconds);
          const contenders = {
            engine: await EngineContender.open(server.valkey, server.prefix(), subject),
            plain: new PlainPatterns(server.valkey, server.prefix(), subject),
          };
          const limits = { repetitions: options.repetitions, deadline };
          costs.push(await measure(server.valkey, scenario, subject, contenders, limits, new Random(options.seed)));
        }
      } catch (error) {
        if (!(error instanceof OutOfTimeError)) throw error;
        print(`not measured: ${error.message}`);
      }
      await server.clear();
      print(costTable(costs));
      if (options.inside) print(insideTable(costs));
      requirements.push({
        what: `${scenario.name}: engine to plain, both views`,
        found: costs.length === subjects.length ? ratioOfSums(costs) : null,
        limit: scenario.limit,
        show: digits,
      });
    }
    return requirements;
  },
};

/** What any function costs that does what one must, and computes nothing. */
async function floorText(server: BenchServer, { repetitions, seconds, seed }: BenchOptions): Promise<string> {
  const costs: Cost[] = [];
  for (const subject of subjects) {
    const deadline = new Deadline(seconds);
    const contenders = {
      engine: new BareFunction(server.valkey, server.prefix(), subject),
      plain: new PlainPatterns(server.valkey, server.prefix(), subject),
    };
    const limits = { repetitions, deadline };
    costs.push(await measure(server.valkey, inOrderOverDay(32), subject, contenders, limits, new Random(seed)));
  }
  await server.clear();
  return (
    'the floor: a function that reads and writes a state of two doubles a feature, appends the event, writes what changes in\n' +
    `  the served hash, answers with the vector, and computes nothing\n${costTable(costs)}\n` +
    `  to plain, both views: ${digits(ratioOfSums(costs))}`
  );
}

/** Both views together: an event feeds both. */
function ratioOfSums(costs: readonly Cost[]): number {
  const sum = (one: (cost: Cost) => number) => costs.reduce((total, cost) => total + one(cost), 0);
  return sum(({ ratio, plainUs }) => ratio * plainUs) / sum(({ plainUs }) => plainUs);
}

function costTable(costs: readonly Cost[]): string {
  return table(
    [
      { head: 'view of', left: true },
      { head: 'engine µs' },
      { head: 'plain µs' },
      { head: 'its commands alone' },
      { head: 'ratio' },
      { head: '80 %' },
      { head: 'samples' },
    ],
    costs.map(({ subject, engineUs, plainUs, plainCommandsUs, ratio, ratioFrom, ratioTo, samples }) => [
      subject.name,
      digits(engineUs),
      digits(plainUs),
      digits(plainCommandsUs),
      digits(ratio),
      `${digits(ratioFrom)} to ${digits(ratioTo)}`,
      String(samples),
    ]),
  );
}

/** What of the engine's time passes in commands that its functions call; the rest is Lua. */
function insideTable(costs: readonly Cost[]): string {
  const names = [...new Set(costs.flatMap(({ insideUs }) => [...insideUs.keys()]))].sort();
  return table(
    [{ head: 'of which, µs', left: true }, ...names.map((head) => ({ head })), { head: 'Lua itself' }],
    costs.map(({ subject, engineUs, insideUs }) => {
      const commands = [...insideUs.values()].reduce((sum, us) => sum + us, 0);
      return [subject.name, ...names.map((name) => digits(insideUs.get(name) ?? 0)), digits(engineUs - commands)];
    }),
  );
}
