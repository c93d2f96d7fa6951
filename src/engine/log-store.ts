import type { Redis } from 'iovalkey';
import type { View } from '../define/index.ts';
import { FunctionCaller, unavailableReason } from '../valkey/index.ts';
import type { KeyNames } from './keys.ts';
import type { Library } from './library.ts';
import { writeLibrary } from './library.ts';
import { UnavailableError } from './outcome.ts';
import { type Plan, planView } from './plan.ts';
import { type Clock, PrefixRegistry } from './registry.ts';
import { type EntityReply, ReplyReader, type RowVerdict } from './reply.ts';
import { writeUpgrade } from './upgrade.ts';
import type { EpochMs, Vector } from './vector.ts';

/** An event up to this far ahead of the store's clock is taken as now. */
const toleranceMs = 5_000; // 5 seconds
/** One read call folds at most this many cells again, some milliseconds; what is left stale comes with a second burst. */
const readBudgetCells = 10_000;
/** A log is brought up to date at its first touch; more rounds mean that processes of two deployments disagree. */
const upgradeRounds = 3;

/** One view's part of a record call: the rows of one entity, in the order sent. */
export interface RecordPart {
  readonly plan: Plan;
  readonly id: string;
  readonly rows: Buffer;
  readonly rowCount: number;
}

export interface RecordedPart {
  readonly vector: Vector;
  readonly verdicts: readonly RowVerdict[];
}

/** The logs in Valkey: calls the function library, reads its replies, and brings old logs up to date. */
export class LogStore {
  readonly keys: KeyNames;
  readonly plans: ReadonlyMap<View, Plan>;
  /** Companions of logs (such as last-seen times) that calls found missing: evicted, or deleted by hand. */
  lostCompanions = 0;
  readonly #registry: PrefixRegistry;
  readonly #library: Library;
  readonly #functions: FunctionCaller;
  #completeSince: ReadonlyMap<View, EpochMs> = new Map();
  /** ARGV[1] of every call. */
  #callHead = Buffer.alloc(0);

  constructor(valkey: Redis, keys: KeyNames, views: readonly View[]) {
    this.keys = keys;
    this.plans = new Map(views.map((view) => [view, planView(view)]));
    this.#registry = new PrefixRegistry(valkey, keys);
    this.#library = writeLibrary([...this.plans.values()]);
    this.#functions = new FunctionCaller(valkey, this.#library.code);
  }

  /** Checks the definitions against the store and loads the function library. */
  async open(clock: Clock): Promise<void> {
    await orUnavailable(async () => {
      this.#completeSince = await this.#registry.enrol(clock, [...this.plans.values()]);
      await this.#functions.load();
    });
    const prefixLength = Buffer.byteLength(this.keys.prefix);
    const head = Buffer.alloc(13 + 8 * this.plans.size);
    head.writeUInt8(clock === 'event' ? 1 : 0, 0);
    head.writeUInt32LE(prefixLength, 1);
    head.writeDoubleLE(toleranceMs, 5);
    let at = 13;
    for (const view of this.plans.keys()) at = head.writeDoubleLE(this.#completeSince.get(view) ?? 0, at);
    this.#callHead = head;
  }

  /** Records the parts in one call; each part is atomic and idempotent. In the order given. */
  async record(parts: readonly RecordPart[]): Promise<RecordedPart[]> {
    const keyOf = (part: RecordPart) => this.keys.log(part.plan.view, part.id);
    return this.#upToDate(parts, keyOf, async (pending) => {
      const [bytes] = await this.#call(this.#library.functions.record, [
        { keys: pending.map(keyOf), args: pending.map(({ plan, rows }) => this.#recordArgument(plan, rows)) },
      ]);
      const reader = new ReplyReader(bytes as Buffer);
      const replies = pending.map((part) => {
        const reply = this.#entity(reader, part.plan, part.id);
        if (reply.kind !== 'vector') return reply;
        const verdicts = Array.from({ length: part.rowCount }, () => reader.row());
        return { kind: 'done' as const, value: { vector: reply.vector, verdicts } };
      });
      this.lostCompanions += reader.lostCompanions();
      return replies;
    });
  }

  /**
   * Vectors in the order of the ids: one burst, or two where many are past their validity.
   * @param force folds all of them again, and restores what is missing of their hashes.
   */
  async read(view: View, ids: readonly string[], force: boolean): Promise<Vector[]> {
    const plan = this.#planOf(view);
    const found = await this.#readWithin(plan, [ids], force, readBudgetCells);
    const stale = found.flatMap((reply, place) => (reply.kind === 'stale' ? [{ place, cells: reply.cells }] : []));
    if (stale.length > 0) {
      const calls = groupByCells(stale).map((group) => group.map(({ place }) => ids[place] as string));
      const rest = await this.#readWithin(plan, calls, force, Number.POSITIVE_INFINITY);
      for (const [i, { place }] of stale.entries()) found[place] = rest[i] as EntityReply;
    }
    return this.#upToDate(
      ids.map((id, place) => ({ plan, id, first: found[place] })),
      ({ id }) => this.keys.log(view, id),
      async (pending, round) => {
        const replies =
          round === 0
            ? pending.map(({ first }) => first as EntityReply)
            : await this.#readWithin(plan, [pending.map(({ id }) => id)], force, Number.POSITIVE_INFINITY);
        return replies.map((reply) =>
          reply.kind === 'vector' ? { kind: 'done' as const, value: reply.vector } : reply,
        );
      },
    );
  }

  async #readWithin(
    plan: Plan,
    calls: readonly (readonly string[])[],
    force: boolean,
    budget: number,
  ): Promise<EntityReply[]> {
    const argument = Buffer.alloc(10);
    argument.writeUInt8(this.#indexOf(plan), 0);
    argument.writeUInt8(force ? 1 : 0, 1);
    argument.writeDoubleLE(budget, 2);
    const replies = await this.#call(
      this.#library.functions.read,
      calls.map((ids) => ({ keys: ids.map((id) => this.keys.log(plan.view, id)), args: [argument] })),
    );
    return replies.flatMap((bytes, call) => {
      const reader = new ReplyReader(bytes);
      const found = (calls[call] ?? []).map((id) => this.#entity(reader, plan, id));
      this.lostCompanions += reader.lostCompanions();
      return found;
    });
  }

  /** Runs `attempt` over all items, and again over those whose log it found in an old layout, once that is mended. */
  async #upToDate<Item extends { plan: Plan; id: string }, Value>(
    items: readonly Item[],
    keyOf: (item: Item) => string,
    attempt: (
      pending: readonly Item[],
      round: number,
    ) => Promise<({ kind: 'done'; value: Value } | Exclude<EntityReply, { kind: 'vector' }>)[]>,
  ): Promise<Value[]> {
    const values: Value[] = [];
    let pending = items.map((item, place) => ({ item, place }));
    for (let round = 0; pending.length > 0 && round < upgradeRounds; round++) {
      const replies = await attempt(
        pending.map(({ item }) => item),
        round,
      );
      const outdated: (typeof pending)[number][] = [];
      const upgrades: Promise<unknown>[] = [];
      for (const [i, reply] of replies.entries()) {
        const one = pending[i] as (typeof pending)[number];
        if (reply.kind === 'done') values[one.place] = reply.value;
        else {
          outdated.push(one);
          if (reply.kind === 'layout') upgrades.push(this.#upgrade(one.item.plan, keyOf(one.item), reply.layoutHash));
        }
      }
      await Promise.all(upgrades);
      pending = outdated;
    }
    if (pending.length > 0) throw new UnavailableError('the log changes its layout under our hands; try again');
    return values;
  }

  async #upgrade(plan: Plan, key: string, layoutHash: string): Promise<void> {
    const old = await orUnavailable(() => this.#registry.layout(plan.view, layoutHash));
    const argument = old && writeUpgrade(plan, this.#indexOf(plan), layoutHash, old);
    if (!argument) {
      throw new UnavailableError(
        `view ${plan.view.name}: ${key} was written by a newer definition than the one served here; restart with that one`,
      );
    }
    await this.#call(this.#library.functions.upgrade, [{ keys: [key], args: [argument] }]);
  }

  #entity(reader: ReplyReader, plan: Plan, id: string): EntityReply {
    return reader.entity(plan, id, this.#completeSince.get(plan.view) ?? 0);
  }

  #recordArgument(plan: Plan, rows: Buffer): Buffer {
    return Buffer.concat([Buffer.from([this.#indexOf(plan)]), rows]);
  }

  #indexOf(plan: Plan): number {
    return [...this.plans.keys()].indexOf(plan.view) + 1;
  }

  #planOf(view: View): Plan {
    const plan = this.plans.get(view);
    if (!plan) throw new TypeError(`view ${view.name} is not among the views that this engine was opened with`);
    return plan;
  }

  #call(name: string, calls: readonly { keys: readonly string[]; args: readonly Buffer[] }[]): Promise<Buffer[]> {
    return orUnavailable(() =>
      this.#functions.call(calls.map(({ keys, args }) => ({ name, keys, args: [this.#callHead, ...args] }))),
    );
  }
}

/** Splits what is stale into calls that each stay within the budget, so that others are served between them. */
function groupByCells<Item extends { cells: number }>(items: readonly Item[]): Item[][] {
  const groups: Item[][] = [];
  let room = 0;
  for (const item of items) {
    if (groups.length === 0 || item.cells > room) {
      groups.push([]);
      room = readBudgetCells;
    }
    groups.at(-1)?.push(item);
    room -= item.cells;
  }
  return groups;
}

async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = unavailableReason(error);
    throw reason === null ? error : new UnavailableError(reason, { cause: error });
  }
}
