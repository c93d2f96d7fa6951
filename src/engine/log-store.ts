import type { Redis } from 'iovalkey';
import { DefinitionError, type Milliseconds, type View } from '../define/index.ts';
import { FunctionCaller, unavailableReason } from '../valkey/index.ts';
import type { KeyNames } from './keys.ts';
import type { Library } from './library.ts';
import { writeLibrary } from './library.ts';
import { LogFaultError, UnavailableError } from './outcome.ts';
import { type Plan, planView } from './plan.ts';
import { type Clock, PrefixRegistry } from './registry.ts';
import { type CorrectionVerdict, type EntityReply, type NotServed, ReplyReader, type RowVerdict } from './reply.ts';
import { writeUpgrade } from './upgrade.ts';
import type { EpochMs, PastVector, Vector } from './vector.ts';

/** A log is brought up to date at its first touch; more rounds mean that processes of two deployments disagree. */
const upgradeRounds = 3;
/** A call names a view by one byte. */
const mostViews = 255;

/** One view's part of a record call: the rows of one entity, in the order sent. */
export interface RecordPart {
  readonly plan: Plan;
  readonly id: string;
  readonly rows: Buffer;
  readonly rowCount: number;
}

/** One view's part of a correction, as its function takes it. */
export interface CorrectionPart {
  readonly plan: Plan;
  readonly id: string;
  readonly argument: Buffer;
}

export interface CorrectedPart {
  readonly vector: Vector;
  readonly verdict: CorrectionVerdict;
}

/** Which moments of an entity are asked for. */
export interface MomentsOf {
  readonly id: string;
  readonly moments: readonly EpochMs[];
}

export interface RecordedPart {
  readonly vector: Vector;
  readonly verdicts: readonly RowVerdict[];
}

/** What one entity's part of a call came to; a part that has a value, or an error, is done with. */
type PartReply<Value> =
  | { readonly kind: 'done'; readonly value: Value | Error }
  | Extract<EntityReply, { kind: 'left' | 'layout' }>;

interface Pending<Item> {
  readonly item: Item;
  readonly place: number;
  /** How often its log was brought up to date. */
  readonly upgrades: number;
}

/** A log whose layout is not that of its plan. */
interface OutdatedLog {
  readonly plan: Plan;
  readonly id: string;
  readonly layoutHash: string;
}

/**
 * The logs in Valkey: calls the function library, reads its replies, and brings old logs up to date. What is wrong with one
 * entity is an Error in that entity's place; only what concerns the whole call is thrown.
 */
export class LogStore {
  readonly keys: KeyNames;
  readonly plans: ReadonlyMap<View, Plan>;
  /** Companions of logs (such as last-seen times) that calls found missing: evicted, or deleted by hand. */
  lostCompanions = 0;
  readonly #registry: PrefixRegistry;
  readonly #library: Library;
  readonly #functions: FunctionCaller;
  /** ARGV[1] of every call. */
  #callHead = Buffer.alloc(0);

  constructor(valkey: Redis, keys: KeyNames, views: readonly View[]) {
    assertServable(views);
    this.keys = keys;
    this.plans = new Map(views.map((view, place) => [view, planView(view, place)]));
    this.#registry = new PrefixRegistry(valkey, keys);
    this.#library = writeLibrary([...this.plans.values()]);
    this.#functions = new FunctionCaller(valkey, this.#library.code);
  }

  /**
   * Loads the function library and checks the definitions against the store.
   * @param toleranceMs an event up to this far ahead of the store's clock is taken as now.
   * @param limits for how long one call may work, though it always does one entity; how many singles a log
   * keeps; and of how many different values a window keeps all, before it keeps a sample.
   */
  async open(
    clock: Clock,
    toleranceMs: Milliseconds,
    limits: { readonly microsPerCall: number; readonly singles: number; readonly values: number },
  ): Promise<void> {
    await orUnavailable(() => this.#functions.load());
    const plans = [...this.plans.values()];
    const since = await this.#registry.enrol(clock, plans, async (key, argument) => {
      const name = this.#library.functions.enrol;
      const [reply] = await orUnavailable(() => this.#functions.call([{ name, keys: [key], args: [argument] }]));
      return reply as Buffer;
    });
    const head = Buffer.alloc(37 + 8 * plans.length);
    head.writeUInt8(clock === 'event' ? 1 : 0, 0);
    head.writeUInt32LE(Buffer.byteLength(this.keys.prefix), 1);
    head.writeDoubleLE(toleranceMs, 5);
    head.writeDoubleLE(limits.microsPerCall, 13);
    head.writeDoubleLE(Math.max(1, limits.singles), 21);
    head.writeDoubleLE(Math.max(1, limits.values), 29);
    for (const { view, index } of plans) head.writeDoubleLE(since.get(view) ?? 0, 29 + 8 * index);
    this.#callHead = head;
  }

  /**
   * Records the parts, in one call or in several; each part is idempotent, and atomic in pieces of so many rows as a call
   * can do without keeping others waiting. Or, as a `preview`, tells what would come of single rows, and changes nothing.
   */
  async record(parts: readonly RecordPart[], how: 'record' | 'preview' = 'record'): Promise<(RecordedPart | Error)[]> {
    const pieces = parts.flatMap((part, i) => piecesOf(part).map((piece) => ({ ...piece, part: i })));
    const recorded = await this.#recordPieces(pieces, how);
    const results: (RecordedPart | Error)[] = [];
    for (const [i, { part }] of pieces.entries()) {
      const [before, piece] = [results[part], recorded[i] as RecordedPart | Error];
      results[part] =
        before instanceof Error || piece instanceof Error || !before
          ? before instanceof Error
            ? before
            : piece
          : { vector: piece.vector, verdicts: [...before.verdicts, ...piece.verdicts] };
    }
    return results;
  }

  #recordPieces(pieces: readonly RecordPart[], how: 'record' | 'preview'): Promise<(RecordedPart | Error)[]> {
    return this.#untilDone<RecordPart, RecordedPart>(pieces, async (pending) => {
      const keys = pending.map(({ plan, id }) => this.keys.log(plan.view, id));
      const args = pending.map(({ plan, rows }) => Buffer.concat([Buffer.from([plan.index]), rows]));
      return this.#call(this.#library.functions[how], keys, args, (reader) =>
        pending.map(({ plan, id, rowCount }) => {
          const reply = reader.entity(plan, id);
          if (reply.kind !== 'vector') return this.#notServed(reply, plan, id);
          const verdicts = Array.from({ length: rowCount }, () => reader.row());
          return { kind: 'done', value: { vector: reply.vector, verdicts } };
        }),
      );
    });
  }

  /** Corrects an event in each of its views; each part is idempotent and atomic. */
  correct(correction: 'label' | 'retract', parts: readonly CorrectionPart[]): Promise<(CorrectedPart | Error)[]> {
    return this.#untilDone<CorrectionPart, CorrectedPart>(parts, async (pending) => {
      const keys = pending.map(({ plan, id }) => this.keys.log(plan.view, id));
      const args = pending.map(({ argument }) => argument);
      return this.#call(this.#library.functions[correction], keys, args, (reader) =>
        pending.map(({ plan, id }) => {
          const reply = reader.entity(plan, id);
          if (reply.kind !== 'vector') return this.#notServed(reply, plan, id);
          return { kind: 'done', value: { vector: reply.vector, verdict: reader.correction() } };
        }),
      );
    });
  }

  /** Removes what these views keep of an entity: one call, since all of its keys share a slot. */
  async forget(plans: readonly Plan[], id: string): Promise<{ readonly keys: number; readonly bytes: number }> {
    const keys = plans.map(({ view }) => this.keys.log(view, id));
    const args = plans.map(({ index }) => Buffer.from([index]));
    return this.#call(this.#library.functions.forget, keys, args, (reader) => reader.receipt());
  }

  /**
   * Vectors in the order of the ids: in one call, or in several where many are past their validity.
   * @param force folds all of them again, and writes their hashes whole.
   */
  read(view: View, ids: readonly string[], force: boolean): Promise<(Vector | Error)[]> {
    const plan = this.#planOf(view);
    const argument = Buffer.from([plan.index, force ? 1 : 0]);
    return this.#untilDone<{ plan: Plan; id: string }, Vector>(
      ids.map((id) => ({ plan, id })),
      async (pending) => {
        const keys = pending.map(({ id }) => this.keys.log(view, id));
        return this.#call(this.#library.functions.read, keys, [argument], (reader) =>
          pending.map(({ id }) => {
            const reply = reader.entity(plan, id);
            return reply.kind === 'vector' ? { kind: 'done', value: reply.vector } : this.#notServed(reply, plan, id);
          }),
        );
      },
    );
  }

  /** Vectors of moments in the past, for each id in the order of its moments: in one call, or in several where they are many. */
  async past(view: View, asked: readonly MomentsOf[]): Promise<(PastVector[] | Error)[]> {
    const plan = this.#planOf(view);
    const pieces = asked.flatMap(({ id, moments }, place) =>
      inPieces(moments, momentsAtOnce).map((piece) => ({ plan, id, moments: piece, place })),
    );
    const found = await this.#foldPast(plan, pieces);
    const vectors: (PastVector[] | Error)[] = asked.map(() => []);
    for (const [i, { place }] of pieces.entries()) {
      const [before, piece] = [vectors[place], found[i] as PastVector[] | Error];
      if (before instanceof Error) continue;
      if (piece instanceof Error) vectors[place] = piece;
      else before?.push(...piece);
    }
    return vectors;
  }

  #foldPast(plan: Plan, pieces: readonly (MomentsOf & { readonly plan: Plan })[]): Promise<(PastVector[] | Error)[]> {
    const argument = Buffer.from([plan.index]);
    return this.#untilDone<MomentsOf & { readonly plan: Plan }, PastVector[]>(pieces, async (pending) => {
      const keys = pending.map(({ id }) => this.keys.log(plan.view, id));
      const args = pending.map(({ moments }) => Buffer.from(new Float64Array(moments).buffer));
      return this.#call(this.#library.functions.past, keys, [argument, ...args], (reader) =>
        pending.map(({ id, moments }) => {
          const reply = reader.past(plan, id, moments);
          return reply.kind === 'past' ? { kind: 'done', value: reply.vectors } : this.#notServed(reply, plan, id);
        }),
      );
    });
  }

  /**
   * Runs `attempt` over all items, then over those that it left because it had worked long enough, and over those whose log it
   * found in an old layout, once that is mended. One call after the other: Valkey serves nobody else while it has a
   * further one of the same client before it. When Valkey goes away in between, what was done has its value.
   */
  async #untilDone<Item extends { readonly plan: Plan; readonly id: string }, Value>(
    items: readonly Item[],
    attempt: (pending: readonly Item[]) => Promise<PartReply<Value>[]>,
  ): Promise<(Value | Error)[]> {
    const values: (Value | Error)[] = [];
    let pending = items.map((item, place) => ({ item, place, upgrades: 0 }));
    while (pending.length > 0) {
      try {
        pending = await this.#attempt(pending, values, attempt);
      } catch (error) {
        // What earlier calls did is done.
        if (values.length === 0 || !(error instanceof UnavailableError)) throw error;
        for (const { place } of pending) values[place] ??= error;
        break;
      }
    }
    return values;
  }

  /** One call for all that is pending. Fills in the values that it brings, and returns what is still pending. */
  async #attempt<Item extends { readonly plan: Plan; readonly id: string }, Value>(
    pending: readonly Pending<Item>[],
    values: (Value | Error)[],
    attempt: (pending: readonly Item[]) => Promise<PartReply<Value>[]>,
  ): Promise<Pending<Item>[]> {
    const replies = await attempt(pending.map(({ item }) => item));
    const left: Pending<Item>[] = [];
    const outdated: (Pending<Item> & OutdatedLog)[] = [];
    for (const [i, reply] of replies.entries()) {
      const one = pending[i] as Pending<Item>;
      if (reply.kind === 'done') values[one.place] = reply.value;
      else if (reply.kind === 'left') left.push(one);
      else if (one.upgrades < upgradeRounds) {
        const { plan, id } = one.item;
        outdated.push({ ...one, upgrades: one.upgrades + 1, plan, id, layoutHash: reply.layoutHash });
      } else values[one.place] = new UnavailableError('Two deployments disagree on a log; try again');
    }
    const refusals = await this.#upgrade(outdated);
    for (const [i, one] of outdated.entries()) {
      const refusal = refusals[i];
      if (refusal) values[one.place] = refusal;
      else left.push(one);
    }
    return left.sort((a, b) => a.place - b.place); // pieces of one entity keep their order
  }

  /** Brings logs up to date, those of one layout together. In the order given: null, or why one cannot be. */
  async #upgrade(logs: readonly OutdatedLog[]): Promise<(Error | null)[]> {
    const refusals = new Map<OutdatedLog, Error>();
    for (const group of Map.groupBy(logs, ({ plan, layoutHash }) => `${plan.index}:${layoutHash}`).values()) {
      const [{ plan, layoutHash }] = group as [OutdatedLog];
      const old = await orUnavailable(() => this.#registry.layout(plan.view, layoutHash));
      const argument = old && writeUpgrade(plan, layoutHash, old);
      for (const log of argument ? [] : group) {
        refusals.set(
          log,
          old
            ? new UnavailableError(`${plan.view.name} was written by a newer definition than is served here`)
            : new LogFaultError(`${this.keys.log(plan.view, log.id)}: no log has the layout ${layoutHash}`),
        );
      }
      for (let pending = argument ? group : []; argument && pending.length > 0; ) {
        const keys = pending.map(({ id }) => this.keys.log(plan.view, id));
        const replies = await this.#call(this.#library.functions.upgrade, keys, [argument], (reader) =>
          pending.map(({ id }) => {
            const reply = reader.outcome();
            return reply && this.#notServed(reply, plan, id);
          }),
        );
        pending = pending.filter((log, i) => {
          const reply = replies[i];
          if (reply?.kind === 'done') refusals.set(log, reply.value);
          return reply?.kind === 'left';
        });
      }
    }
    return logs.map((log) => refusals.get(log) ?? null);
  }

  #notServed(reply: NotServed, plan: Plan, id: string): PartReply<never> {
    if (reply.kind !== 'fault') return reply;
    const passing = unavailableReason(new Error(reply.reason));
    const error = passing
      ? new UnavailableError(passing)
      : new LogFaultError(`${this.keys.log(plan.view, id)}: ${reply.reason}`);
    return { kind: 'done', value: error };
  }

  #planOf(view: View): Plan {
    const plan = this.plans.get(view);
    if (!plan) throw new TypeError(`view ${view.name} is not among the views that this engine was opened with`);
    return plan;
  }

  /** Calls a function, and reads its reply with `parse`, to its end but for the count of lost companions. */
  async #call<Reply>(
    name: string,
    keys: readonly string[],
    args: readonly Buffer[],
    parse: (reader: ReplyReader) => Reply,
  ): Promise<Reply> {
    const [bytes] = await orUnavailable(() => this.#functions.call([{ name, keys, args: [this.#callHead, ...args] }]));
    const reader = new ReplyReader(bytes as Buffer);
    const reply = parse(reader);
    this.lostCompanions += reader.lostCompanions();
    return reply;
  }
}

/** So many rows of one entity are recorded at once. */
const rowsAtOnce = 128;
/** So many moments of one entity are folded before others may have their turn. */
const momentsAtOnce = 4;

function inPieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

function piecesOf({ plan, id, rows, rowCount }: RecordPart): RecordPart[] {
  const rowBytes = rows.length / rowCount;
  return Array.from({ length: Math.ceil(rowCount / rowsAtOnce) }, (_, i) => {
    const [from, to] = [i * rowsAtOnce, Math.min(rowCount, (i + 1) * rowsAtOnce)];
    return { plan, id, rows: rows.subarray(from * rowBytes, to * rowBytes), rowCount: to - from };
  });
}

function assertServable(views: readonly View[]): void {
  if (views.length > mostViews) {
    throw new DefinitionError(`${views.length} views are served, of which one deployment can have ${mostViews}`);
  }
  const names = views.map(({ name, version }) => `${name} v${version}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new DefinitionError(`view ${twice}: is listed twice; give one of them another name or version`);
}

async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = unavailableReason(error);
    throw reason === null ? error : new UnavailableError(reason, { cause: error });
  }
}
