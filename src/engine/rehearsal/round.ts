import { encodeArgument, type Reply, unavailableReason } from '../../valkey/index.ts';
import { UnavailableError } from '../outcome.ts';
import type { RecordedPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import { ReplyReader } from '../reply.ts';
import { logFailure } from '../valkey-failure.ts';
import { EntityCopy, type Lacking } from './entity-copy.ts';
import { wholeKey } from './foresight.ts';
import type { OpenCall } from './in-place.ts';
import type { Command, Lane } from './lane.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { Result, Turn, Waiting } from './turns.ts';
import { commandsOf } from './writes.ts';

/** How often more is read for a rehearsal; then the store does it by itself. */
const mostReads = 8;

/** What is recorded of one log: by one caller after the other. */
export interface Job {
  readonly log: string;
  /** The served hash: it must be there, since only what changes in it is written. */
  readonly hash: string;
  readonly plan: Plan;
  readonly waiting: readonly Waiting[];
  /** How much of the log is read at first. */
  readonly headBytes: number;
  /** What was read so when it was read last; nothing before that, and where there is nothing to be read. */
  head: Buffer;
  isServed: boolean;
  copy: EntityCopy;
  /** How often more was read. */
  reads: number;
  /** What each that waits would come to; null while that is not known. */
  rehearsed: RecordedPart[] | null;
  /** Which of the commands of the round are its own; null before these are known. */
  writes: { readonly from: number; readonly to: number } | null;
  /** What each came to; null: the store must do them by itself. */
  results: Result[] | null;
  lostCompanions: number;
}

const nothing = Buffer.alloc(0);
const getRange = encodeArgument('GETRANGE');

export function newJob({ log, waiting }: Turn, hash: string, headBytes: number): Job {
  const { plan } = (waiting[0] as Waiting).part;
  const copy = new EntityCopy(log);
  return {
    log,
    hash,
    plan,
    waiting,
    headBytes,
    head: nothing,
    isServed: false,
    copy,
    reads: 0,
    rehearsed: null,
    writes: null,
    results: null,
    lostCompanions: 0,
  };
}

/** One attempt to record jobs on a lane: all that can be rehearsed is written, or nothing is. */
export class Round {
  readonly #lane: Lane;
  readonly #rehearsal: Rehearsal;
  readonly #isBusy: () => boolean;
  readonly #onFault: (log: string, error: unknown) => void;

  /** @param isBusy whether what cannot be done in place is left to the store. @param onFault told of errors that the engine does not throw itself: a rehearsal went wrong that the store may do well. */
  constructor(lane: Lane, rehearsal: Rehearsal, isBusy: () => boolean, onFault: (log: string, error: unknown) => void) {
    this.#lane = lane;
    this.#rehearsal = rehearsal;
    this.#isBusy = isBusy;
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
    const call = this.#rehearsal.openCall(micros);
    const done: Job[] = [];
    let pending: Job[] = [];
    const isBusy = this.#isBusy();
    for (const job of jobs) {
      if (!job.isServed || job.head.length === 0) continue;
      if (this.#recordInPlace(job, call)) done.push(job);
      else if (!isBusy) {
        job.copy = new EntityCopy(job.log);
        job.copy.tell(job.log, 0, job.headBytes, job.head.toString('latin1'));
        job.copy.tellExistence(job.hash, true);
        pending.push(job);
      }
    }
    await this.#readMore(pending.map((job) => ({ job, lacking: this.#foreseen(job, call) })));
    while (pending.length > 0) {
      const lacking: Job[] = [];
      for (const job of pending) {
        const came = this.#rehearse(job, micros);
        if (came === 'done') done.push(job);
        else if (came === 'lacking' && job.reads < mostReads) lacking.push(job);
      }
      await this.#readMore(lacking.map((job) => ({ job, lacking: widened(job) })));
      pending = lacking;
    }
    return done;
  }

  #recordInPlace(job: Job, call: OpenCall): boolean {
    const inPlace = this.#rehearsal.inPlace(job.plan);
    const results = inPlace?.record(job.head, job.waiting, call);
    if (!inPlace || !results) return false;
    const { writes } = this.#lane;
    const from = writes.count;
    job.writes = { from, to: from + inPlace.write(writes, job.log, job.hash, call) };
    job.rehearsed = results;
    job.lostCompanions = 0;
    return true;
  }

  /** `impossible`: it is for the store to do, or to say what is wrong. */
  #rehearse(job: Job, micros: number): 'done' | 'lacking' | 'impossible' {
    const { waiting, copy } = job;
    copy.begin(micros);
    job.lostCompanions = 0;
    const results: RecordedPart[] = [];
    for (const { part } of waiting) {
      let reply: string | null;
      try {
        reply = this.#rehearsal.record(copy, part.plan, part.rows);
      } catch (error) {
        if (error instanceof Error) this.#onFault(job.log, error);
        return 'impossible';
      }
      if (reply === null) return 'lacking';
      const reader = new ReplyReader(Buffer.from(reply, 'latin1'));
      const found = reader.entity(part.plan, part.id);
      if (found.kind !== 'vector') return 'impossible';
      const verdicts = Array.from({ length: part.rowCount }, () => reader.row());
      results.push({ vector: found.vector, verdicts });
      job.lostCompanions += reader.lostCompanions();
    }
    job.rehearsed = results;
    return 'done';
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
      const head = heads[i];
      const before = job.head;
      job.head = Buffer.isBuffer(head) ? head : nothing;
      job.reads = 0;
      job.rehearsed = null;
      job.writes = null;
      const isContended = before.length > 0 && !before.equals(job.head);
      job.isServed = !isContended && (areServed === null || areServed[i] === 1);
    }
    const [seconds, micros] = time as [Buffer, Buffer];
    return 1e6 * Number(seconds.toString()) + Number(micros.toString());
  }

  #foreseen({ plan, log, head, waiting }: Job, call: OpenCall): Lacking[] {
    const parts = waiting.map(({ part }) => part);
    return this.#rehearsal.foresight(plan).of(log, head, parts, call);
  }

  async #readMore(of: readonly { readonly job: Job; readonly lacking: readonly Lacking[] }[]): Promise<void> {
    const companions = new Set<string>();
    const asked: { readonly copy: EntityCopy; readonly lacking: Lacking }[] = [];
    for (const { job, lacking } of of) {
      if (lacking.length > 0) job.reads += 1;
      for (const one of lacking) {
        if (one.key !== job.log) companions.add(one.key);
        asked.push({ copy: job.copy, lacking: one });
      }
    }
    if (asked.length === 0) return;
    const answers = await this.#lane.ask(
      [...companions],
      asked.map(({ lacking }) => question(lacking)),
    );
    for (const [i, { copy, lacking }] of asked.entries()) {
      const { what, key, from, bytes } = lacking;
      const answer = answers[i];
      if (answer instanceof Error) throw answer;
      if (what === 'range') copy.tell(key, from, bytes, (answer as Buffer).toString('latin1'));
      else if (what === 'length') copy.tellLength(key, answer as number);
      else copy.tellExistence(key, answer === 1);
    }
  }

  async #commit(jobs: readonly Job[]): Promise<'over' | 'overtaken'> {
    const { writes } = this.#lane;
    for (const job of jobs) {
      if (job.writes) continue;
      const from = writes.count;
      for (const command of commandsOf(job.copy)) writes.add(command);
      job.writes = { from, to: writes.count };
    }
    // What only looked at the store is right if it saw one moment of it.
    const isOneMoment = writes.count === 1 && jobs.every(({ reads }) => reads === 0);
    let answers: readonly Reply[] | null;
    try {
      answers = isOneMoment ? [] : await this.#lane.commit();
    } catch (error) {
      const failure = new UnavailableError(unavailableReason(error) ?? String(error), { cause: error });
      for (const job of jobs) job.results = job.waiting.map(() => failure);
      return 'over';
    }
    if (!answers) return 'overtaken';
    for (const job of jobs) takeAnswers(job, answers);
    return 'over';
  }
}

/**
 * What is read for what a rehearsal lacked. To its end: of a log, since where one tile is looked at others will be; of a companion, if
 * several callers wait, each of whom looks at other places in it.
 */
function widened({ log, headBytes, waiting, copy }: Job): Lacking[] {
  const whole = new Set<string>();
  return copy.lacking.flatMap((lacking): Lacking[] => {
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
    const fault = logFailure(Buffer.from(job.log, 'latin1').toString(), answer.message);
    job.results = job.waiting.map(() => fault);
    return;
  }
  job.results = job.rehearsed;
}
