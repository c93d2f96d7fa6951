import type { Redis } from 'iovalkey';
import { unavailableReason } from '../../valkey/index.ts';
import { headerPlaces, layoutOf, markBytes, singleFormat } from '../layout.ts';
import type { LogCaller } from '../log-caller.ts';
import { type LogFaultError, UnavailableError } from '../outcome.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import { ReplyReader } from '../reply.ts';
import { logFailure } from '../valkey-failure.ts';
import type { Vector } from '../vector.ts';
import { EntityCopy } from './entity-copy.ts';
import { type Command, type Lane, Lanes } from './lane.ts';
import { Rehearsal } from './rehearsal.ts';
import { commandsOf, keyOf } from './writes.ts';

/** So many logs are rehearsed and committed together: others of this process, and of the store, have their turn in between. */
const atOnce = 64;
/** How many rounds are under way at a time: while the store works on one, this process does on another. */
const laneCount = 2;
/** So many rows of one log are taken together. */
const mostRows = 1_000;
/** How often more is read for a rehearsal; then the store does it by itself. */
const mostReads = 8;
/** How often a round is tried: once more for what was not changed by whoever was quicker, and once more again. */
const mostAttempts = 3;
/** More than any log has. */
const wholeLog = 1 << 24;

/** Of parts of records (a view of an entity), how many were recorded which way; and how often a round was overtaken. */
export interface RecordCounts {
  byRehearsal: number;
  byStore: number;
  overtaken: number;
}

/** What came of a part; null: the store must do it by itself. */
type Result = RecordedPart | UnavailableError | LogFaultError | null;

/** A part that waits for its turn. */
interface Waiting {
  readonly part: RecordPart;
  readonly resolve: (result: Result) => void;
}

/** What is recorded of one log in a round: by one caller after the other. */
interface Job {
  readonly log: string;
  readonly waiting: readonly Waiting[];
  readonly plan: Plan;
  /** What the log begins with, when it was read last; '' before that, and where it cannot be read. */
  head: string;
  copy: EntityCopy;
  /** How often more was read than the head. */
  reads: number;
  /** Of each that waits; null while none has anything: the store must do them by itself. */
  results: Result[] | null;
  lostCompanions: number;
}

export interface CommitterOptions {
  readonly valkey: Redis;
  readonly caller: LogCaller;
  readonly plans: readonly Plan[];
  /** How many singles compaction leaves. */
  readonly singles: number;
  readonly logOf: (part: RecordPart) => string;
  /** Writes a served hash anew that was found missing. */
  readonly mend: (part: RecordPart) => Promise<Vector | null>;
}

/**
 * Records by rehearsal: reads what the store holds of an entity, runs `record` on that copy here, and has the store write what
 * came of it, if nothing has changed there since. So the store spends its time on reading and writing alone. What is recorded of
 * one log while a round is under way that has it is recorded together in a later one.
 */
export class Committer {
  /** How many parts went which way, and how often a round was overtaken. */
  readonly counts: RecordCounts = { byRehearsal: 0, byStore: 0, overtaken: 0 };
  readonly #options: CommitterOptions;
  readonly #rehearsal: Rehearsal;
  readonly #head: string;
  readonly #headBytes: ReadonlyMap<Plan, number>;
  readonly #lanes: Lanes;
  /** By log. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #busy = new Set<string>();

  constructor(options: CommitterOptions) {
    const { valkey, caller, plans, singles } = options;
    this.#options = options;
    this.#rehearsal = new Rehearsal(plans);
    this.#head = caller.head.toString('latin1');
    this.#headBytes = new Map(plans.map((plan) => [plan, bytesBeforeTiles(plan, singles)]));
    this.#lanes = Lanes.beside(valkey, laneCount);
  }

  /** Records the parts, each of another entity or view; in their order, what each came to. */
  record(parts: readonly RecordPart[]): Promise<Result[]> {
    const results = parts.map((part) => new Promise<Result>((resolve) => this.#enqueue({ part, resolve })));
    this.#dispatch();
    return Promise.all(results);
  }

  #enqueue(waiting: Waiting): void {
    const log = Buffer.from(this.#options.logOf(waiting.part)).toString('latin1');
    const before = this.#waiting.get(log);
    if (before) before.push(waiting);
    else this.#waiting.set(log, [waiting]);
  }

  readonly #dispatch = (): void => {
    for (;;) {
      const lane = this.#hasTurn() && this.#lanes.take(this.#dispatch);
      if (!lane) return;
      const jobs = this.#take();
      void this.#round(lane, jobs).then(() => {
        for (const { log, waiting, results } of jobs) {
          this.#busy.delete(log);
          for (const [i, { resolve }] of waiting.entries()) resolve(results?.[i] ?? null);
        }
        this.#lanes.giveBack(lane);
        this.#dispatch();
      });
    }
  };

  /** Whether something waits of a log that no round has. */
  #hasTurn(): boolean {
    for (const log of this.#waiting.keys()) if (!this.#busy.has(log)) return true;
    return false;
  }

  /** What waits longest, of logs that no round has. */
  #take(): Job[] {
    const jobs: Job[] = [];
    for (const [log, waiting] of this.#waiting) {
      if (this.#busy.has(log)) continue;
      let rows = 0;
      let count = 0;
      for (const { part } of waiting) {
        rows += part.rowCount;
        if (count > 0 && rows > mostRows) break;
        count += 1;
      }
      const taken = waiting.splice(0, count);
      if (waiting.length === 0) this.#waiting.delete(log);
      this.#busy.add(log);
      jobs.push(newJob(log, taken));
      if (jobs.length === atOnce) break;
    }
    return jobs;
  }

  /**
   * Never rejects: what failed is in the jobs' results. Where somebody else was quicker, what they changed is left to the store,
   * which is never overtaken, and the others are tried again.
   */
  async #round(lane: Lane, jobs: readonly Job[]): Promise<void> {
    let pending = jobs;
    for (let attempt = 1; attempt <= mostAttempts && pending.length > 0; attempt++) {
      let done: Job[];
      try {
        done = await this.#rehearseAll(lane, pending);
      } catch (error) {
        // Nothing was written: the store is asked on another connection, if it answers at all.
        if (isTimeout(error)) fail(pending, unavailable(error));
        break;
      }
      try {
        if (await this.#commit(lane, done)) break;
      } catch (error) {
        const failure =
          error instanceof UnavailableError ? error : new UnavailableError(String(error), { cause: error });
        for (const job of done) job.results = job.waiting.map(() => failure);
        break;
      }
      for (const job of done) job.results = null;
      pending = done;
    }
    for (const { results, waiting } of jobs) if (!results) this.counts.byStore += waiting.length;
  }

  /** Those that can be committed. */
  async #rehearseAll(lane: Lane, jobs: readonly Job[]): Promise<Job[]> {
    const micros = await this.#readHeads(lane, jobs);
    const done: Job[] = [];
    let pending = jobs.filter(({ copy }) => copy.isRead);
    while (pending.length > 0) {
      const lacking: Job[] = [];
      for (const job of pending) {
        const came = this.#rehearse(job, micros);
        if (came === 'done') done.push(job);
        else if (came === 'lacking' && job.reads < mostReads) lacking.push(job);
      }
      if (lacking.length > 0) await this.#readMore(lane, lacking);
      pending = lacking;
    }
    return done;
  }

  #rehearse(job: Job, micros: number): 'done' | 'lacking' | 'not here' {
    const { waiting, copy } = job;
    copy.begin(micros);
    job.lostCompanions = 0;
    const results: RecordedPart[] = [];
    for (const { part } of waiting) {
      let reply: string | null;
      try {
        reply = this.#rehearsal.record(
          copy,
          this.#head,
          String.fromCharCode(part.plan.index) + part.rows.toString('latin1'),
        );
      } catch {
        return 'not here';
      }
      if (reply === null) return 'lacking';
      const reader = new ReplyReader(Buffer.from(reply, 'latin1'));
      const found = reader.entity(part.plan, part.id);
      if (found.kind !== 'vector') return 'not here';
      const verdicts = Array.from({ length: part.rowCount }, () => reader.row());
      results.push({ vector: found.vector, verdicts });
      job.lostCompanions += reader.lostCompanions();
    }
    job.results = results;
    return 'done';
  }

  /** Reads the logs as far as most rehearsals need them, and the store's time, in microseconds. */
  async #readHeads(lane: Lane, jobs: readonly Job[]): Promise<number> {
    const logs = jobs.map(({ log }) => keyOf(log));
    const reads = jobs.map(
      ({ plan }, i): Command => ['getrange', logs[i] as string | Buffer, 0, this.#headOf(plan) - 1],
    );
    const [time, ...heads] = await lane.begin(logs, [['time'], ...reads]);
    if (time instanceof Error) throw time;
    for (const [i, head] of heads.entries()) {
      const job = jobs[i] as Job;
      const before = job.head;
      job.head = head instanceof Buffer ? head.toString('latin1') : '';
      job.reads = 0;
      job.copy = new EntityCopy(job.log);
      const isContended = before !== '' && before !== job.head;
      if (job.head !== '' && !isContended) job.copy.tell(job.log, 0, this.#headOf(job.plan), job.head);
    }
    const [seconds, micros] = time as [Buffer, Buffer];
    return 1e6 * Number(seconds.toString()) + Number(micros.toString());
  }

  #headOf(plan: Plan): number {
    return this.#headBytes.get(plan) as number;
  }

  async #readMore(lane: Lane, jobs: readonly Job[]): Promise<void> {
    const keys = new Set<string>();
    const asked = jobs.flatMap(({ copy, plan }) =>
      copy.lacking.map((lacking) => {
        if (lacking.key !== copy.log) {
          keys.add(lacking.key);
          return { copy, ...lacking };
        }
        // Where one tile is looked at, others will be.
        return { copy, ...lacking, from: Math.min(lacking.from, this.#headOf(plan)), bytes: wholeLog };
      }),
    );
    for (const job of jobs) job.reads += 1;
    const answers = await lane.ask(
      [...keys].map(keyOf),
      asked.map(({ what, key, from, bytes }): Command => {
        if (what === 'range') return ['getrange', keyOf(key), from, from + bytes - 1];
        return [what === 'length' ? 'strlen' : 'exists', keyOf(key)];
      }),
    );
    for (const [i, { copy, what, key, from, bytes }] of asked.entries()) {
      const answer = answers[i];
      if (answer instanceof Error) throw answer;
      if (what === 'range') copy.tell(key, from, bytes, (answer as Buffer).toString('latin1'));
      else if (what === 'length') copy.tellLength(key, answer as number);
      else copy.tellExistence(key, answer === 1);
    }
  }

  /** @returns whether all was written; else nothing was. */
  async #commit(lane: Lane, jobs: readonly Job[]): Promise<boolean> {
    const commands: Command[] = [];
    const ends = jobs.map(({ copy }) => commands.push(...commandsOf(copy)));
    // What only looked at the store is right as long as it saw one moment of it.
    const isOneMoment = commands.length === 0 && jobs.every(({ reads }) => reads === 0);
    const answers = isOneMoment ? [] : await lane.commit(commands);
    if (!answers) {
      this.counts.overtaken += 1;
      return false;
    }
    let at = 0;
    for (const [i, job] of jobs.entries()) {
      const end = ends[i] as number;
      await this.#finish(job, commands.slice(at, end), answers.slice(at, end));
      at = end;
    }
    return true;
  }

  /** Looks through what the store said of each write. */
  async #finish(job: Job, commands: readonly Command[], answers: readonly unknown[]): Promise<void> {
    const failure = answers.find((answer) => answer instanceof Error);
    if (failure) {
      return fail([job], logFailure(Buffer.from(job.log, 'latin1').toString(), failure.message));
    }
    this.counts.byRehearsal += job.waiting.length;
    this.#options.caller.lostCompanions += job.lostCompanions;
    const hash = commands.findIndex(([name]) => name === 'hset');
    // All of its fields are new: it was evicted, or deleted by hand, and has only what changed.
    if (hash >= 0 && answers[hash] === ((commands[hash] as Command).length - 2) / 2) await this.#mend(job);
  }

  /** If it cannot be written now, whoever reads next writes it. */
  async #mend({ waiting, results }: Job): Promise<void> {
    const vector = await this.#options.mend((waiting[0] as Waiting).part).catch(() => null);
    const last = results?.at(-1);
    if (results && vector && last && 'verdicts' in last) results[results.length - 1] = { ...last, vector };
  }
}

function fail(jobs: readonly Job[], failure: UnavailableError | LogFaultError): void {
  for (const job of jobs) job.results = job.waiting.map(() => failure);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /timed out|timeout/i.test(error.message);
}

function unavailable(error: unknown): UnavailableError {
  return new UnavailableError(unavailableReason(error) ?? String(error), { cause: error });
}

function newJob(log: string, waiting: readonly Waiting[]): Job {
  const { plan } = (waiting[0] as Waiting).part;
  return { log, waiting, plan, head: '', copy: new EntityCopy(log), reads: 0, results: null, lostCompanions: 0 };
}

/** The header and all singles of a log that is not about to be compacted. */
function bytesBeforeTiles(plan: Plan, singles: number): number {
  const layout = layoutOf(plan);
  const slot = markBytes(layout) + singleFormat(layout).bytes;
  return 8 + 8 * headerPlaces(plan).doubles + slot * Math.ceil(1.125 * Math.max(singles, plan.fewestSingles));
}
