import type { Redis } from 'iovalkey';
import type { Random } from '../../src/simulate/index.ts';
import type { Contender } from '../contenders/contender.ts';
import type { Deadline } from '../deadline.ts';
import { median, quantile } from '../report/statistics.ts';
import type { Subject } from '../subject.ts';
import type { Sample, Scenario } from './scenario.ts';
import { elapsed, type ServerTime, serverTime, timeOf } from './server-time.ts';

/** What a scenario costs of one view, in microseconds of server time an event. */
export interface Cost {
  readonly subject: Subject;
  /** The medians of all samples. */
  readonly engineUs: number;
  readonly plainUs: number;
  /** The plain patterns without what MULTI and EXEC add. */
  readonly plainCommandsUs: number;
  /** Of the engine to the plain patterns in one sample: the median, and where the middle eight tenths lie. */
  readonly ratio: number;
  readonly ratioFrom: number;
  readonly ratioTo: number;
  readonly samples: number;
  /** Of the engine's: by command called inside of the function. */
  readonly insideUs: ReadonlyMap<string, number>;
}

/** Fewer samples than this say nothing. */
const fewestSamples = 3;

/** The two that are compared. */
interface Contenders {
  readonly engine: Contender;
  readonly plain: Contender;
}

/** What a sample took, in microseconds an event: by command, and in all. */
interface Turn {
  readonly time: ServerTime;
  readonly us: number;
}

type Turns = { readonly [Name in keyof Contenders]: Turn };

/**
 * Lets both take in one sample after the other, until there are enough or the time is up.
 * @throws OutOfTimeError if that is too few
 */
export async function measure(
  valkey: Redis,
  scenario: Scenario,
  subject: Subject,
  contenders: Contenders,
  limits: { readonly repetitions: number; readonly deadline: Deadline },
  random: Random,
): Promise<Cost> {
  const turns: Turns[] = [];
  let warm = false;
  for (const sample of scenario.samples(subject, random)) {
    const turn = await take(valkey, contenders, sample, limits.deadline);
    if (warm) turns.push(turn);
    warm = true;
    if (turns.length >= limits.repetitions) break;
    if (turns.length >= fewestSamples && limits.deadline.passed) break;
    limits.deadline.check();
  }
  return summarise(subject, turns, contenders);
}

/** Both take in each batch in turn, now this one first and now that: what else the machine does meets both alike. */
async function take(
  valkey: Redis,
  { engine, plain }: Contenders,
  { before, batches }: Sample,
  deadline: Deadline,
): Promise<Turns> {
  for (const contender of [engine, plain]) await contender.load(before, deadline);
  const times = new Map([engine, plain].map((contender) => [contender, new Map<string, number>()]));
  const events = batches.reduce((sum, { length }) => sum + length, 0);
  for (const [i, batch] of batches.entries()) {
    for (const contender of i % 2 === 0 ? [engine, plain] : [plain, engine]) {
      const time = times.get(contender) as Map<string, number>;
      const begun = await serverTime(valkey);
      await contender.record(batch);
      for (const [name, us] of elapsed(begun, await serverTime(valkey))) {
        time.set(name, (time.get(name) ?? 0) + us / events);
      }
    }
  }
  const turnOf = (contender: Contender) => {
    const time = times.get(contender) as ServerTime;
    return { time, us: timeOf(time, contender.sends) };
  };
  return { engine: turnOf(engine), plain: turnOf(plain) };
}

function summarise(subject: Subject, turns: readonly Turns[], { engine, plain }: Contenders): Cost {
  const ratios = turns.map((turn) => turn.engine.us / turn.plain.us);
  const inside = new Set(turns.flatMap((turn) => called(turn.engine, engine)));
  return {
    subject,
    engineUs: median(turns.map((turn) => turn.engine.us)),
    plainUs: median(turns.map((turn) => turn.plain.us)),
    plainCommandsUs: median(turns.map((turn) => timeOf(turn.plain.time, called(turn.plain, plain)))),
    ratio: median(ratios),
    ratioFrom: quantile(ratios, 0.1),
    ratioTo: quantile(ratios, 0.9),
    samples: turns.length,
    insideUs: new Map([...inside].map((name) => [name, median(turns.map((turn) => turn.engine.time.get(name) ?? 0))])),
  };
}

/** The commands that were called by those that were sent. */
function called({ time }: Turn, contender: Contender): string[] {
  return [...time.keys()].filter((name) => name !== 'info' && !contender.sends.includes(name));
}
