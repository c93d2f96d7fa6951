import type { Redis } from 'iovalkey';
import { type CallTimes, endWith, together, tracer } from '../../measure/index.ts';
import {
  type Acknowledgement,
  bytesText,
  crowdedReason,
  isUnanswered,
  type Reply,
  ReplyError,
  UnconfirmedError,
  unavailableReason,
} from '../../valkey/index.ts';
import type { PipelineName } from '../engine-counts.ts';
import { headBytes } from '../layout.ts';
import type { LogCaller } from '../log-caller.ts';
import { LogFaultError, UnavailableError } from '../outcome.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';
import { cutRows, inPieces, joinPieces } from '../pieces.ts';
import type { Plan } from '../plan.ts';
import { failureOf } from '../valkey-failure.ts';
import { Job } from './job.ts';
import { type Lane, Lanes } from './lane.ts';
import { Rehearsal } from './rehearsal.ts';
import { Round, type RoundOptions, takeAnswers } from './round.ts';
import { type Result, type Turn, Turns, type Waiting } from './turns.ts';

/** How many rounds are under way at a time: while the store works on some, this process does on others. */
export const laneCount = 3;
/** For how long the rounds under way may keep what does not fill another waiting: with a store that answers they take a millisecond or two. */
const patienceMs = 20;
/** So many parts of events may wait, and be under way: more are brought of a store that does not answer. */
const mostWaiting = 50_000;
/** How often a round is tried, each time without what was overtaken. */
const mostAttempts = 3;
/** Of rehearsals that go wrong in one way, only the first is told. */
const mostFaultsTold = 10;

/** Of pieces of records (events of one call, in a view of an entity), how many went which way; and how often a round was overtaken. */
export interface RecordCounts {
  byRehearsal: number;
  byStore: number;
  overtaken: number;
}

export interface CommitterOptions {
  readonly valkey: Redis;
  readonly caller: LogCaller;
  readonly plans: readonly Plan[];
  /** Of all keys. */
  readonly prefix: string;
  /** How many singles compaction leaves. */
  readonly singles: number;
  /** What must have become of what is written before it is told. */
  readonly acknowledge: Acknowledgement;
  readonly logOf: (part: RecordPart) => string;
  /** Has the store record parts by itself. @throws UnavailableError */
  readonly store: (parts: readonly RecordPart[]) => Promise<readonly (RecordedPart | Error)[]>;
  /** Told of rehearsals that went wrong, of which the store may do well. */
  readonly onFault: (fault: LogFaultError) => void;
  /** How long the store took to answer. */
  readonly times: CallTimes<PipelineName>;
}

/**
 * Records by rehearsal: reads what the store holds of an entity, runs `record` on that copy here, and has the store write what
 * came of it, if nothing has changed there since. So the store spends its time on reading and writing alone. What cannot be
 * rehearsed the store does by itself: of a log that is not there, is damaged, has another layout, or was overtaken.
 */
export class Committer {
  readonly counts: RecordCounts = { byRehearsal: 0, byStore: 0, overtaken: 0 };
  readonly #options: CommitterOptions;
  readonly #headBytes: ReadonlyMap<Plan, number>;
  readonly #lanes: Lanes;
  readonly #roundOptions: RoundOptions;
  #lanesAtWork = 0;
  #waitingParts = 0;
  /** When a round began last, and when one was answered last, by `performance.now()`. */
  #begunAt = 0;
  #answeredAt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What was overtaken, and is to be tried again. */
  readonly #again: { readonly jobs: readonly Job[]; readonly attempt: number }[] = [];
  readonly #prefixLength: number;
  readonly #turns = new Turns();
  readonly #faultsTold = new Set<string>();

  constructor(options: CommitterOptions) {
    const { valkey, caller, plans, prefix, singles } = options;
    this.#options = options;
    this.#headBytes = new Map(plans.map((plan) => [plan, headBytes(plan, singles)]));
    const clock = { now: Number.NEGATIVE_INFINITY };
    const onFault = (log: string, error: unknown) => this.#tell(log, error);
    this.#roundOptions = { rehearsal: new Rehearsal(plans, caller.head, prefix, singles), clock, onFault };
    this.#lanes = Lanes.beside(valkey, laneCount);
    this.#prefixLength = bytesText(prefix).length;
  }

  /** Records the parts, each of another entity or view; in their order, what each came to. */
  record(parts: readonly RecordPart[]): Promise<readonly Result[]> {
    return inPieces(parts, cutRows, (pieces) => this.#wait(pieces), joinPieces);
  }

  #wait(parts: readonly RecordPart[]): Promise<Result[]> {
    if (parts.length === 0) return Promise.resolve([]);
    if (this.#waitingParts > mostWaiting) {
      const refusal = new UnavailableError(crowdedReason);
      return Promise.resolve(parts.map(() => refusal));
    }
    this.#waitingParts += parts.length;
    return new Promise((resolve) => {
      const results = new Array<Result>(parts.length);
      let left = parts.length;
      const span = tracer.current?.current() ?? null;
      const all = parts.map((part, place) => {
        const take = (result: Result) => {
          results[place] = result;
          left -= 1;
          this.#waitingParts -= 1;
          if (left === 0) resolve(results);
        };
        return { log: bytesText(this.#options.logOf(part)), waiting: { part, resolve: take, span } };
      });
      this.#turns.add(all);
      this.#dispatch();
    });
  }

  /** While a round is under way, what does not fill another waits for it: it will be in a larger one. But not for one that hangs. */
  readonly #dispatch = (): void => {
    while (this.#lanesAtWork === 0 || this.#turns.fillRound || this.#isOverdue) {
      if (this.#isIdle) return;
      const lane = this.#lanes.take(this.#dispatch);
      if (!lane) return;
      const round = this.#nextRound();
      if (!round) {
        this.#lanes.giveBack(lane);
        return;
      }
      void this.#work(lane, round);
    }
    if (!this.#isIdle) this.#timer ??= setTimeout(this.#lookAgain, patienceMs);
  };

  readonly #lookAgain = (): void => {
    this.#timer = undefined;
    this.#dispatch();
  };

  get #isIdle(): boolean {
    return this.#turns.isEmpty && this.#again.length === 0;
  }

  get #isOverdue(): boolean {
    return performance.now() - this.#begunAt >= patienceMs;
  }

  /** What was overtaken comes first. Null where nothing is to be done, or all of it is of logs that a round has. */
  #nextRound(): Round | null {
    const { jobs, attempt } = this.#again.shift() ?? {
      jobs: this.#turns.take().map((turn) => this.#job(turn)),
      attempt: 0,
    };
    if (jobs.length === 0) return null;
    this.#begunAt = performance.now();
    return new Round(jobs, attempt + 1, this.#roundOptions);
  }

  #job(turn: Turn): Job {
    const { part } = turn.waiting[0] as Waiting;
    return new Job(turn, hashName(turn.log, this.#prefixLength), this.#headBytes.get(part.plan) as number);
  }

  /** Round after round, as long as there is something to do: each begins with what the one before it writes. Never rejects. */
  async #work(lane: Lane, first: Round): Promise<void> {
    this.#lanesAtWork += 1;
    let begun: Promise<readonly Reply[]> | null = lane.begin(first);
    for (let round: Round | null = first; round !== null; ) {
      const rehearsed = await this.#rehearse(round, lane, begun as Promise<readonly Reply[]>);
      // What only looked at the store is right if it saw one moment of it.
      const isOneMoment = lane.writes.count === 1 && round.jobs.every(({ reads }) => reads === 0);
      if (isOneMoment) for (const job of rehearsed) takeAnswers(job, []);
      if (isOneMoment || rehearsed.length === 0) {
        round.span?.end();
        this.#finish(round.jobs);
      }
      const next: Round | null = this.#lanes.areWantedByOthers(this.#dispatch) ? null : this.#nextRound();
      if (isOneMoment || rehearsed.length === 0) begun = next && lane.begin(next);
      else {
        const committed = lane.commit(next, this.#options.acknowledge);
        void this.#conclude(round, rehearsed, committed.written);
        begun = committed.begun && behind(committed.written, committed.begun);
      }
      round = next;
    }
    this.#lanesAtWork -= 1;
    this.#lanes.giveBack(lane);
    this.#dispatch();
  }

  /** Those of which it is known what is to be written. Never rejects. */
  async #rehearse(round: Round, lane: Lane, begun: Promise<readonly Reply[]>): Promise<readonly Job[]> {
    const begunAt = performance.now();
    traceCall('valkey record_read', round, begun);
    try {
      const answers = await begun;
      this.#answeredAt = performance.now();
      this.#options.times.of('record_read').observe((this.#answeredAt - begunAt) / 1_000);
      return await round.rehearse(lane, answers);
    } catch (error) {
      // Nothing was written. On another connection the store may answer, unless it does not answer at all.
      if (!(error instanceof ReplyError) && unavailableReason(error) === null)
        this.#tell((round.jobs[0] as Job).log, error);
      if (!isUnanswered(error)) return [];
      const failure = failureOf(error);
      for (const job of round.jobs) job.fail(failure);
      // Where no other was answered either, it is the store that does not: those who wait are not to find that out one after the other.
      if (this.#answeredAt < begunAt) this.#failWaiting(failure);
      return [];
    }
  }

  /** Waits for what came of what was written. Never rejects. */
  async #conclude(round: Round, jobs: readonly Job[], written: Promise<readonly Reply[] | null>): Promise<void> {
    let isOvertaken = false;
    const sentAt = performance.now();
    traceCall('valkey record_write', round, written);
    try {
      const answers = await written;
      this.#options.times.of('record_write').observe((performance.now() - sentAt) / 1_000);
      if (answers) for (const job of jobs) takeAnswers(job, answers);
      isOvertaken = !answers;
    } catch (error) {
      const failure = failureOf(error);
      for (const job of jobs) job.fail(failure);
      // Reads are answered, but whoever waits would write in vain, one round after the other.
      if (error instanceof UnconfirmedError) this.#failWaiting(failure);
    }
    if (isOvertaken) this.counts.overtaken += 1;
    if (isOvertaken) round.span?.set('freshet.overtaken', true);
    round.span?.end();
    const isTriedAgain = isOvertaken && round.attempt < mostAttempts;
    if (isTriedAgain) this.#again.push({ jobs, attempt: round.attempt });
    this.#finish(isTriedAgain ? round.jobs.filter((job) => !jobs.includes(job)) : round.jobs);
  }

  /** Those of whom no round has anything yet, and those that were to be tried again. */
  #failWaiting(failure: Error): void {
    for (const { resolve } of this.#turns.drain()) resolve(failure);
    for (const { jobs } of this.#again.splice(0)) {
      for (const job of jobs) job.fail(failure);
      this.#finish(jobs);
    }
  }

  /** Tells what came of jobs; what is left of them the store does. A log is given back when all is done with it, so that its events stay in order. */
  #finish(jobs: readonly Job[]): void {
    for (const job of jobs) this.#tellResults(job);
    const left = jobs.filter(({ results, waiting }) => results.length < waiting.length);
    if (left.length > 0) void this.#leaveToStore(left);
    this.#dispatch();
  }

  /** Never rejects. */
  async #leaveToStore(jobs: readonly Job[]): Promise<void> {
    const waiting = jobs.flatMap((job) => job.waiting.slice(job.results.length));
    this.counts.byStore += waiting.length;
    let results: (Result | Error)[];
    try {
      results = [...(await within(waiting, () => this.#options.store(waiting.map(({ part }) => part))))];
    } catch (error) {
      const failure = failureOf(error);
      results = waiting.map(() => failure);
    }
    for (const { log } of jobs) this.#turns.giveBack(log);
    for (const [i, { resolve }] of waiting.entries()) resolve(results[i] as Result);
    this.#dispatch();
  }

  /** Tells those who wait what came of what was rehearsed. What is left is for the store: until then, nobody else has the log. */
  #tellResults({ log, waiting, results, rehearsed, lostCompanions }: Job): void {
    if (results.length === waiting.length) this.#turns.giveBack(log);
    if (results === rehearsed) {
      this.counts.byRehearsal += results.length;
      this.#options.caller.lostCompanions += lostCompanions;
    }
    for (const [i, result] of results.entries()) (waiting[i] as Waiting).resolve(result);
  }

  #tell(log: string, error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#faultsTold.has(what) || this.#faultsTold.size === mostFaultsTold) return;
    this.#faultsTold.add(what);
    this.#options.onFault(new LogFaultError(`${log}: cannot be rehearsed, and is left to the store: ${what}`));
  }
}

/** Does work as a part of what waits for it. */
function within<T>(waiting: readonly Waiting[], work: () => T): T {
  if (tracer.current === null) return work();
  const { parent } = together(waiting.flatMap(({ span }) => span ?? []));
  return parent === null ? work() : tracer.current.within(parent, work);
}

function traceCall(name: string, { span }: Round, answered: Promise<unknown>): void {
  if (span !== null && tracer.current !== null)
    endWith(tracer.current.begin(name, { kind: 'client', parent: span }), answered);
}

/** What a round was answered that began behind the writes of another: where these are not acknowledged in time, nor would its own be. */
async function behind(written: Promise<unknown>, begun: Promise<readonly Reply[]>): Promise<readonly Reply[]> {
  const acknowledged = written.catch((error: unknown) => {
    if (error instanceof UnconfirmedError) throw error;
  });
  const [answers] = await Promise.all([begun, acknowledged]);
  return answers;
}

/** The name of the served hash, from that of the log, as lua/call.lua has it. */
function hashName(log: string, prefixLength: number): string {
  return log.slice(0, prefixLength) + log.slice(prefixLength + ':log'.length);
}
