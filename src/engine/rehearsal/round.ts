import { type Span, together, tracer } from '../../measure/index.ts';
import { type CommandBuffer, encodeArgument, type Reply } from '../../valkey/index.ts';
import { logFailure } from '../valkey-failure.ts';
import type { EpochMs } from '../vector.ts';
import { type Lacking, wholeKey } from './entity-copy.ts';
import { isForeseen } from './foresight.ts';
import { type Job, type Moment, rehearse } from './job.ts';
import type { Command, Lane, Opening } from './lane.ts';
import type { Rehearsal } from './rehearsal.ts';

const nothing = Buffer.alloc(0);
/** How often more is read for a rehearsal; then the store does it by itself. */
const mostReads = 8;

const getRange = encodeArgument('GETRANGE');

/** How rounds rehearse. */
export interface RoundOptions {
  readonly rehearsal: Rehearsal;
  readonly clock: RoundClock;
  /** Told of errors that the engine does not throw itself: a rehearsal went wrong that the store may do well. */
  readonly onFault: (log: string, error: unknown) => void;
}

/** About what time it is, as the store last said; infinitely long ago where each log has a clock of its own. */
export interface RoundClock {
  now: EpochMs;
}

/** One attempt to record jobs: all that can be rehearsed is written, or nothing is. */
export class Round implements Opening {
  readonly jobs: readonly Job[];
  /** Counted from 1. */
  readonly attempt: number;
  readonly keys: readonly string[];
  /** Null where it is not traced. */
  readonly span: Span | null;
  readonly #options: RoundOptions;
  readonly #guessed: readonly (readonly Lacking[])[];

  constructor(jobs: readonly Job[], attempt: number, options: RoundOptions) {
    this.jobs = jobs;
    this.attempt = attempt;
    this.span = beginSpan(jobs, attempt);
    this.#options = options;
    const keys = jobs.flatMap(({ log, hash }) => [log, hash]);
    this.#guessed = jobs.map((job) => {
      const guessed = this.#guess(job);
      putCompanions(keys, job.log, guessed);
      return guessed;
    });
    this.keys = keys;
  }

  /** Never throws: whoever waits for what comes after this round is to have it. */
  #guess({ plan, log, waiting }: Job): readonly Lacking[] {
    const { rehearsal, clock, onFault } = this.#options;
    const parts = waiting.map(({ part }) => part);
    try {
      return rehearsal.foresight(plan).guess(log, parts, clock.now);
    } catch (error) {
      onFault(log, error);
      return [];
    }
  }

  /** The logs, as far as most rehearsals need them, what else will be looked at by all that is known, and the store's time. */
  ask(questions: CommandBuffer): void {
    questions.add(['TIME']);
    questions.begin(1 + this.jobs.length);
    questions.text('EXISTS');
    for (const { hash } of this.jobs) questions.text(hash);
    for (const { log, headBytes } of this.jobs) askRange(questions, log, 0, headBytes);
    for (const guessed of this.#guessed)
      for (const { key, from, bytes } of guessed) askRange(questions, key, from, bytes);
  }

  /**
   * Rehearses what can be, and has the lane's `writes` be what comes of it.
   * @param answers to what was asked at first. @returns the jobs that something came of.
   * @throws what the client throws.
   */
  async rehearse(lane: Lane, answers: readonly Reply[]): Promise<Job[]> {
    const moment = await this.#begin(lane, answers);
    const ready: Job[] = [];
    const foreseen: Want[] = [];
    for (const [i, job] of this.jobs.entries()) {
      if (!job.isRehearsable) continue;
      const lacking = this.#foreseen(job);
      if (lacking.length === 0 || isForeseen(lacking, this.#guessed[i] as readonly Lacking[])) ready.push(job);
      else foreseen.push({ job, lacking });
    }
    const done: Job[] = [];
    const wants: Want[] = [];
    const rehearseThem = async (them: readonly Job[]) => {
      for (const job of them) {
        if (!job.isRehearsable) continue;
        const lacking = rehearse(job, moment);
        if (lacking.length === 0) done.push(job);
        else if (job.reads < mostReads) wants.push({ job, lacking: widened(job, lacking) });
      }
    };
    // While what some need is read, the others are rehearsed.
    await Promise.all([this.#read(lane, foreseen), rehearseThem(ready)]);
    await rehearseThem(foreseen.map(({ job }) => job));
    while (wants.length > 0) {
      const again = wants.splice(0);
      await this.#read(lane, again);
      await rehearseThem(again.map(({ job }) => job));
    }
    return done.filter(({ rehearsed }) => rehearsed.length > 0);
  }

  /** Takes in what was asked at first. What others write is left to the store. */
  async #begin(lane: Lane, [time, served, ...ranges]: readonly Reply[]): Promise<Moment> {
    if (time instanceof Error) throw time;
    const { jobs } = this;
    const areServed =
      served === jobs.length
        ? null
        : await lane.ask(
            [],
            jobs.map(({ hash }) => ['EXISTS', hash]),
          );
    let at = jobs.length;
    for (const [i, job] of jobs.entries()) {
      const head = Buffer.isBuffer(ranges[i]) ? ranges[i] : nothing;
      const isContended = job.head.length > 0 && !job.head.equals(head);
      const isServed = areServed === null || areServed[i] === 1;
      job.begin(head, head.length > 0 && isServed && !isContended);
      const guessed = this.#guessed[i] as readonly Lacking[];
      if (guessed.length > 0) this.#takeFound(job, guessed, ranges.slice(at, at + guessed.length));
      at += guessed.length;
    }
    const [seconds, rest] = time as [Buffer, Buffer];
    const micros = 1e6 * Number(seconds.toString()) + Number(rest.toString());
    const { rehearsal, clock, onFault } = this.#options;
    const call = rehearsal.openCall(micros);
    clock.now = call.event_clock ? Number.NEGATIVE_INFINITY : call.millis;
    return { rehearsal, call, micros, writes: lane.writes, onFault };
  }

  /** Reads what is wanted for jobs, and watches it. */
  async #read(lane: Lane, wants: readonly Want[]): Promise<void> {
    if (wants.length === 0) return;
    const companions: string[] = [];
    for (const { job, lacking } of wants) putCompanions(companions, job.log, lacking);
    const questions = wants.flatMap(({ lacking }) => lacking.map(question));
    const answers = await lane.ask(companions, questions);
    let at = 0;
    for (const { job, lacking } of wants) {
      this.#takeFound(job, lacking, answers.slice(at, at + lacking.length));
      at += lacking.length;
    }
  }

  /** One that cannot be read, of another type or at no place there is, costs nobody else: its log is for the store. */
  #takeFound(job: Job, lacking: readonly Lacking[], answers: readonly Reply[]): void {
    job.reads += 1;
    for (const [i, one] of lacking.entries()) {
      const answer = answers[i];
      if (answer instanceof Error) {
        job.isRehearsable = false;
        this.#options.rehearsal.foresight(job.plan).forget(job.log);
      } else if (one.what === 'range') job.found.push({ lacking: one, bytes: answer as Buffer });
      else job.facts.push({ lacking: one, answer: answer as number });
    }
  }

  #foreseen({ plan, log, head, waiting }: Job): Lacking[] {
    const { rehearsal, clock } = this.#options;
    const parts = waiting.map(({ part }) => part);
    return rehearsal.foresight(plan).of(log, head, parts, clock.now);
  }
}

function beginSpan(jobs: readonly Job[], attempt: number): Span | null {
  if (tracer.current === null) return null;
  const waiting = new Set(jobs.flatMap((job) => job.waiting.flatMap(({ span }) => span ?? [])));
  const span = tracer.current.begin('engine.round', together([...waiting]));
  span.set('freshet.logs', jobs.length);
  span.set('freshet.attempt', attempt);
  return span;
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

/** The keys of what lies beside a log: what is asked of one stands together. */
function putCompanions(keys: string[], log: string, lacking: readonly Lacking[]): void {
  for (const { key } of lacking) if (key !== log && key !== keys.at(-1)) keys.push(key);
}

function askRange(questions: CommandBuffer, key: string, from: number, bytes: number): void {
  questions.begin(4);
  questions.encoded(getRange);
  questions.text(key);
  questions.number(from);
  questions.number(from + bytes - 1);
}

/** Looks through what the store said of each write: the first command of a round, MULTI, has no answer among them. */
export function takeAnswers(job: Job, answers: readonly Reply[]): void {
  const { from, to } = job.writes as NonNullable<Job['writes']>;
  for (let i = from - 1; i < to - 1; i++) {
    const answer = answers[i];
    if (!(answer instanceof Error)) continue;
    job.fail(logFailure(Buffer.from(job.log, 'latin1').toString(), answer.message));
    return;
  }
  job.results = job.rehearsed;
}
