import { encodeArgument, type Reply, unavailableReason } from '../../valkey/index.ts';
import { UnavailableError } from '../outcome.ts';
import { logFailure } from '../valkey-failure.ts';
import { type Lacking, wholeKey } from './entity-copy.ts';
import { type Job, type Moment, rehearse } from './job.ts';
import type { Command, Lane } from './lane.ts';
import type { Rehearsal } from './rehearsal.ts';

const nothing = Buffer.alloc(0);
/** How often more is read for a rehearsal; then the store does it by itself. */
const mostReads = 8;

const getRange = encodeArgument('GETRANGE');

/** One attempt to record jobs on a lane: all that can be rehearsed is written, or nothing is. */
export class Round {
  readonly #lane: Lane;
  readonly #rehearsal: Rehearsal;
  readonly #onFault: (log: string, error: unknown) => void;

  /** @param onFault told of errors that the engine does not throw itself: a rehearsal went wrong that the store may do well. */
  constructor(lane: Lane, rehearsal: Rehearsal, onFault: (log: string, error: unknown) => void) {
    this.#lane = lane;
    this.#rehearsal = rehearsal;
    this.#onFault = onFault;
  }

  /**
   * @returns `overtaken` where nothing was written, since somebody else was quicker with one of them at least. Whatever else came of
   * it is in the jobs' results: UnavailableError where it may have been written.
   * @throws what the client throws, where nothing was written.
   */
  async run(jobs: readonly Job[]): Promise<'over' | 'overtaken'> {
    const rehearsed = await this.#rehearseAll(jobs);
    return this.#commit(rehearsed);
  }

  /** Those of which it is known what is to be written. */
  async #rehearseAll(jobs: readonly Job[]): Promise<Job[]> {
    const micros = await this.#readHeads(jobs);
    const moment = this.#momentAt(micros);
    const ready: Job[] = [];
    const foreseen: Want[] = [];
    for (const job of jobs) {
      if (!job.isServed || job.head.length === 0) continue;
      const lacking = this.#foreseen(job, moment);
      if (lacking.length === 0) ready.push(job);
      else foreseen.push({ job, lacking });
    }
    const done: Job[] = [];
    const wants: Want[] = [];
    const rehearseThem = async (them: readonly Job[]) => {
      for (const job of them) {
        const lacking = rehearse(job, moment);
        if (lacking.length === 0) done.push(job);
        else if (job.reads < mostReads) wants.push({ job, lacking: widened(job, lacking) });
      }
    };
    // While what some need is read, the others are rehearsed.
    await Promise.all([this.#read(foreseen), rehearseThem(ready)]);
    await rehearseThem(foreseen.map(({ job }) => job));
    while (wants.length > 0) {
      const again = wants.splice(0);
      await this.#read(again);
      await rehearseThem(again.map(({ job }) => job));
    }
    return done.filter(({ rehearsed }) => rehearsed.length > 0);
  }

  #momentAt(micros: number): Moment {
    const rehearsal = this.#rehearsal;
    const { writes } = this.#lane;
    return { rehearsal, call: rehearsal.openCall(micros), micros, writes, onFault: this.#onFault };
  }

  /** Reads the logs as far as most rehearsals need them, and the store's time, in microseconds. What others write is left to the store. */
  async #readHeads(jobs: readonly Job[]): Promise<number> {
    const keys = jobs.flatMap(({ log, hash }) => [log, hash]);
    const [time, served, ...heads] = await this.#lane.begin(keys, (questions) => {
      questions.add(['TIME']);
      questions.begin(1 + jobs.length);
      questions.text('EXISTS');
      for (const { hash } of jobs) questions.text(hash);
      for (const { log, headBytes } of jobs) {
        questions.begin(4);
        questions.encoded(getRange);
        questions.text(log);
        questions.number(0);
        questions.number(headBytes - 1);
      }
    });
    if (time instanceof Error) throw time;
    const areServed =
      served === jobs.length
        ? null
        : await this.#lane.ask(
            [],
            jobs.map(({ hash }) => ['EXISTS', hash]),
          );
    for (const [i, job] of jobs.entries()) {
      const head = Buffer.isBuffer(heads[i]) ? heads[i] : nothing;
      const isContended = job.head.length > 0 && !job.head.equals(head);
      job.begin(head, !isContended && (areServed === null || areServed[i] === 1));
    }
    const [seconds, micros] = time as [Buffer, Buffer];
    return 1e6 * Number(seconds.toString()) + Number(micros.toString());
  }

  #foreseen({ plan, log, head, waiting }: Job, { call }: Moment): Lacking[] {
    const parts = waiting.map(({ part }) => part);
    return this.#rehearsal.foresight(plan).of(log, head, parts, call);
  }

  /** Reads what is wanted for jobs, and watches it. */
  async #read(wants: readonly Want[]): Promise<void> {
    if (wants.length === 0) return;
    const companions = new Set<string>();
    for (const { job, lacking } of wants) for (const { key } of lacking) if (key !== job.log) companions.add(key);
    const questions = wants.flatMap(({ lacking }) => lacking.map(question));
    const answers = await this.#lane.ask([...companions], questions);
    let at = 0;
    for (const { job, lacking } of wants) {
      job.reads += 1;
      for (const one of lacking) {
        const answer = answers[at++];
        if (answer instanceof Error) throw answer;
        if (one.what === 'range') job.found.push({ lacking: one, bytes: answer as Buffer });
        else job.facts.push({ lacking: one, answer: answer as number });
      }
    }
  }

  async #commit(jobs: readonly Job[]): Promise<'over' | 'overtaken'> {
    // What only looked at the store is right if it saw one moment of it.
    const isOneMoment = this.#lane.writes.count === 1 && jobs.every(({ reads }) => reads === 0);
    let answers: readonly Reply[] | null;
    try {
      answers = isOneMoment ? [] : await this.#lane.commit();
    } catch (error) {
      const failure = new UnavailableError(unavailableReason(error) ?? String(error), { cause: error });
      for (const job of jobs) job.fail(failure);
      return 'over';
    }
    if (!answers) return 'overtaken';
    for (const job of jobs) takeAnswers(job, answers);
    return 'over';
  }
}

/** What more must be read for a job. */
interface Want {
  readonly job: Job;
  readonly lacking: readonly Lacking[];
}

/**
 * What is read for what a rehearsal lacked. To its end: of a log, since where one tile is looked at others will be; of a companion, if
 * several callers wait, each of whom looks at other places in it.
 */
function widened({ log, headBytes, waiting }: Job, all: readonly Lacking[]): Lacking[] {
  const whole = new Set<string>();
  return all.flatMap((lacking): Lacking[] => {
    const isLog = lacking.key === log;
    if (!isLog && (lacking.what !== 'range' || waiting.length === 1)) return [lacking];
    if (whole.has(lacking.key)) return [];
    whole.add(lacking.key);
    return [{ ...lacking, from: isLog ? Math.min(lacking.from, headBytes) : 0, bytes: wholeKey }];
  });
}

function question({ what, key, from, bytes }: Lacking): Command {
  if (what === 'range') return ['GETRANGE', key, from, from + bytes - 1];
  return [what === 'length' ? 'STRLEN' : 'EXISTS', key];
}

/** Looks through what the store said of each write: the first command of a round, MULTI, has no answer among them. */
function takeAnswers(job: Job, answers: readonly Reply[]): void {
  const { from, to } = job.writes as NonNullable<Job['writes']>;
  for (let i = from - 1; i < to - 1; i++) {
    const answer = answers[i];
    if (!(answer instanceof Error)) continue;
    job.fail(logFailure(Buffer.from(job.log, 'latin1').toString(), answer.message));
    return;
  }
  job.results = job.rehearsed;
}
