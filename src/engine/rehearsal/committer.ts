import type { Redis } from 'iovalkey';
import { unavailableReason } from '../../valkey/index.ts';
import { headerPlaces, layoutOf, markBytes, singleFormat } from '../layout.ts';
import type { LogCaller } from '../log-caller.ts';
import { UnavailableError } from '../outcome.ts';
import type { RecordPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import type { Vector } from '../vector.ts';
import { type Lane, Lanes } from './lane.ts';
import { Rehearsal } from './rehearsal.ts';
import { type Job, newJob, Round } from './round.ts';
import { type Result, Turns, type Waiting } from './turns.ts';

/** So many logs are in a round: others of this process, and of the store, have their turn in between. */
const logsAtOnce = 32;
/** How many rounds are under way at a time: while the store works on one, this process does on another. */
const laneCount = 2;
/** How often a round is tried, each time without what was overtaken. */
const mostAttempts = 3;

/** Of parts of records (a view of an entity), how many were recorded which way; and how often a round was overtaken. */
export interface RecordCounts {
  byRehearsal: number;
  byStore: number;
  overtaken: number;
}

export interface CommitterOptions {
  readonly valkey: Redis;
  readonly caller: LogCaller;
  readonly plans: readonly Plan[];
  /** How many singles compaction leaves. */
  readonly singles: number;
  readonly logOf: (part: RecordPart) => string;
  /** Writes a served hash anew that was found missing; the vector that it then shows. */
  readonly mend: (part: RecordPart) => Promise<Vector | null>;
}

/**
 * Records by rehearsal: reads what the store holds of an entity, runs `record` on that copy here, and has the store write what
 * came of it, if nothing has changed there since. So the store spends its time on reading and writing alone.
 */
export class Committer {
  readonly counts: RecordCounts = { byRehearsal: 0, byStore: 0, overtaken: 0 };
  readonly #options: CommitterOptions;
  readonly #rehearsal: Rehearsal;
  readonly #headBytes: ReadonlyMap<Plan, number>;
  readonly #lanes: Lanes;
  readonly #turns = new Turns();

  constructor(options: CommitterOptions) {
    const { valkey, caller, plans, singles } = options;
    this.#options = options;
    this.#rehearsal = new Rehearsal(plans, caller.head);
    this.#headBytes = new Map(plans.map((plan) => [plan, bytesBeforeTiles(plan, singles)]));
    this.#lanes = Lanes.beside(valkey, laneCount);
  }

  /** Records the parts, each of another entity or view; in their order, what each came to. */
  record(parts: readonly RecordPart[]): Promise<Result[]> {
    const results = parts.map((part) => {
      const log = Buffer.from(this.#options.logOf(part)).toString('latin1');
      return new Promise<Result>((resolve) => this.#turns.add(log, { part, resolve }));
    });
    this.#dispatch();
    return Promise.all(results);
  }

  readonly #dispatch = (): void => {
    for (;;) {
      const lane = this.#turns.isDue ? this.#lanes.take(this.#dispatch) : null;
      if (!lane) return;
      const jobs = this.#turns.take(logsAtOnce).map(({ log, waiting }) => {
        const { plan } = (waiting[0] as Waiting).part;
        return newJob(log, waiting, this.#headBytes.get(plan) as number);
      });
      void this.#record(lane, jobs).then(() => {
        for (const { log, waiting, results } of jobs) {
          this.#turns.giveBack(log);
          for (const [i, { resolve }] of waiting.entries()) resolve(results?.[i] ?? null);
        }
        this.#lanes.giveBack(lane);
        this.#dispatch();
      });
    }
  };

  /** Never rejects: what failed is in the jobs' results. */
  async #record(lane: Lane, jobs: readonly Job[]): Promise<void> {
    const round = new Round(lane, this.#rehearsal);
    try {
      let pending = jobs;
      for (let attempt = 1; attempt <= mostAttempts && pending.length > 0; attempt++) {
        if ((await round.run(pending)) === 'over') break;
        this.counts.overtaken += 1;
        pending = pending.filter(({ rehearsed }) => rehearsed);
      }
    } catch (error) {
      // Nothing was written: the store is asked on another connection, unless it does not answer at all.
      if (isTimeout(error)) for (const job of jobs) job.results = job.waiting.map(() => unanswered(error));
    }
    await Promise.all(jobs.map((job) => this.#conclude(job)));
  }

  async #conclude(job: Job): Promise<void> {
    const { waiting, results, isHashPartial, lostCompanions } = job;
    if (!results) {
      this.counts.byStore += waiting.length;
      return;
    }
    if (!results.every((result) => result && 'verdicts' in result)) return;
    this.counts.byRehearsal += waiting.length;
    this.#options.caller.lostCompanions += lostCompanions;
    if (!isHashPartial) return;
    // If it cannot be written whole now, whoever reads it next does.
    const vector = await this.#options.mend((waiting[0] as Waiting).part).catch(() => null);
    const last = results.at(-1);
    if (vector && last && 'verdicts' in last) results[results.length - 1] = { ...last, vector };
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && /timed out|timeout/i.test(error.message);
}

function unanswered(error: unknown): UnavailableError {
  return new UnavailableError(unavailableReason(error) ?? 'Valkey did not answer in time', { cause: error });
}

/** The header and all singles of a log that is not about to be compacted. */
function bytesBeforeTiles(plan: Plan, singles: number): number {
  const layout = layoutOf(plan);
  const slot = markBytes(layout) + singleFormat(layout).bytes;
  return 8 + 8 * headerPlaces(plan).doubles + slot * Math.ceil(1.125 * Math.max(singles, plan.fewestSingles));
}
