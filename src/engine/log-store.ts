import type { Redis } from 'iovalkey';
import { DefinitionError, type Milliseconds, type View } from '../define/index.ts';
import { FunctionCaller, unavailableReason } from '../valkey/index.ts';
import type { KeyNames } from './keys.ts';
import type { Library } from './library.ts';
import { writeLibrary } from './library.ts';
import { LogFaultError, UnavailableError } from './outcome.ts';
import { type Plan, planView } from './plan.ts';
import { type Clock, PrefixRegistry } from './registry.ts';
import { type EntityReply, ReplyReader, type RowVerdict } from './reply.ts';
import { writeUpgrade } from './upgrade.ts';
import type { Vector } from './vector.ts';

/** One read call folds at most this many cells again, some milliseconds; what is left stale comes with a second burst. */
const readBudgetCells = 10_000;
/** A log is brought up to date at its first touch; more rounds mean that processes of two deployments disagree. */
const upgradeRounds = 3;
/** Logs that one call brings up to date, so that others are served between calls. */
const upgradesAtOnce = 50;

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

/** What one entity's part of a call came to; a part that has a value, or an error, is done with. */
type PartReply<Value> =
  | { readonly kind: 'done'; readonly value: Value | Error }
  | { readonly kind: 'layout'; readonly layoutHash: string };

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
    assertDistinct(views);
    this.keys = keys;
    this.plans = new Map(views.map((view, place) => [view, planView(view, place)]));
    this.#registry = new PrefixRegistry(valkey, keys);
    this.#library = writeLibrary([...this.plans.values()]);
    this.#functions = new FunctionCaller(valkey, this.#library.code);
  }

  /**
   * Loads the function library and checks the definitions against the store.
   * @param toleranceMs an event up to this far ahead of the store's clock is taken as now.
   */
  async open(clock: Clock, toleranceMs: Milliseconds): Promise<void> {
    await orUnavailable(() => this.#functions.load());
    const plans = [...this.plans.values()];
    const since = await this.#registry.enrol(clock, plans, async (key, argument) => {
      const name = this.#library.functions.enrol;
      const [reply] = await orUnavailable(() => this.#functions.call([{ name, keys: [key], args: [argument] }]));
      return reply as Buffer;
    });
    const head = Buffer.alloc(13 + 8 * plans.length);
    head.writeUInt8(clock === 'event' ? 1 : 0, 0);
    head.writeUInt32LE(Buffer.byteLength(this.keys.prefix), 1);
    head.writeDoubleLE(toleranceMs, 5);
    for (const { view, index } of plans) head.writeDoubleLE(since.get(view) ?? 0, 5 + 8 * index);
    this.#callHead = head;
  }

  /** Records the parts in one call; each part is atomic and idempotent. In the order given. */
  record(parts: readonly RecordPart[]): Promise<(RecordedPart | Error)[]> {
    return this.#upToDate<RecordPart, RecordedPart>(parts, async (pending) => {
      const keys = pending.map(({ plan, id }) => this.keys.log(plan.view, id));
      const args = pending.map(({ plan, rows }) => Buffer.concat([Buffer.from([plan.index]), rows]));
      const [bytes] = await this.#call(this.#library.functions.record, [{ keys, args }]);
      const reader = new ReplyReader(bytes as Buffer);
      const replies = pending.map(({ plan, id, rowCount }) => {
        const reply = reader.entity(plan, id);
        if (reply.kind !== 'vector') return this.#notServed(reply, plan, id);
        const verdicts = Array.from({ length: rowCount }, () => reader.row());
        return { kind: 'done' as const, value: { vector: reply.vector, verdicts } };
      });
      this.lostCompanions += reader.lostCompanions();
      return replies;
    });
  }

  /**
   * Vectors in the order of the ids: one burst, or two where many are past their validity.
   * @param force folds all of them again, and writes their hashes whole.
   */
  read(view: View, ids: readonly string[], force: boolean): Promise<(Vector | Error)[]> {
    const plan = this.#planOf(view);
    return this.#upToDate<{ plan: Plan; id: string }, Vector>(
      ids.map((id) => ({ plan, id })),
      async (pending) => {
        const found = await this.#readWithin(plan, [pending.map(({ id }) => id)], force, readBudgetCells);
        const stale = found.flatMap((reply, place) => (reply.kind === 'stale' ? [{ place, cells: reply.cells }] : []));
        const calls = groupByCells(stale).map((group) => group.map(({ place }) => pending[place]?.id as string));
        const rest = await this.#readWithin(plan, calls, force, Number.POSITIVE_INFINITY);
        for (const [i, { place }] of stale.entries()) found[place] = rest[i] as EntityReply;
        return found.map((reply, place) =>
          reply.kind === 'vector'
            ? { kind: 'done' as const, value: reply.vector }
            : this.#notServed(reply, plan, pending[place]?.id as string),
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
    if (calls.length === 0) return [];
    const argument = Buffer.alloc(10);
    argument.writeUInt8(plan.index, 0);
    argument.writeUInt8(force ? 1 : 0, 1);
    argument.writeDoubleLE(budget, 2);
    const replies = await this.#call(
      this.#library.functions.read,
      calls.map((ids) => ({ keys: ids.map((id) => this.keys.log(plan.view, id)), args: [argument] })),
    );
    return replies.flatMap((bytes, call) => {
      const reader = new ReplyReader(bytes);
      const found = (calls[call] ?? []).map((id) => reader.entity(plan, id));
      this.lostCompanions += reader.lostCompanions();
      return found;
    });
  }

  /** Runs `attempt` over all items, and again over those whose log it found in an old layout, once that is mended. */
  async #upToDate<Item extends { readonly plan: Plan; readonly id: string }, Value>(
    items: readonly Item[],
    attempt: (pending: readonly Item[]) => Promise<PartReply<Value>[]>,
  ): Promise<(Value | Error)[]> {
    const values: (Value | Error)[] = items.map(
      () => new UnavailableError('Two deployments disagree on a log; try again'),
    );
    let pending = items.map((item, place) => ({ item, place }));
    for (let round = 0; pending.length > 0 && round < upgradeRounds; round++) {
      const replies = await attempt(pending.map(({ item }) => item));
      const outdated: { item: Item; place: number; layoutHash: string }[] = [];
      for (const [i, reply] of replies.entries()) {
        const one = pending[i] as (typeof pending)[number];
        if (reply.kind === 'done') values[one.place] = reply.value;
        else outdated.push({ ...one, layoutHash: reply.layoutHash });
      }
      const refusals = await this.#upgrade(outdated.map(({ item, layoutHash }) => ({ ...item, layoutHash })));
      pending = outdated.filter(({ place }, i) => {
        const refusal = refusals[i];
        if (refusal) values[place] = refusal;
        return !refusal;
      });
    }
    return values;
  }

  /** Brings logs up to date, those of one layout together. In the order given: null, or why one cannot be. */
  async #upgrade(
    logs: readonly { readonly plan: Plan; readonly id: string; readonly layoutHash: string }[],
  ): Promise<(Error | null)[]> {
    const groups = Map.groupBy(logs, ({ plan, layoutHash }) => `${plan.index}:${layoutHash}`);
    const refusals = new Map<string, Error>();
    for (const [group, [first, ...others]] of groups) {
      if (!first) continue;
      const { plan, layoutHash } = first;
      const old = await orUnavailable(() => this.#registry.layout(plan.view, layoutHash));
      const argument = old && writeUpgrade(plan, layoutHash, old);
      if (!argument) {
        refusals.set(
          group,
          old
            ? new UnavailableError(`${plan.view.name} was written by a newer definition than is served here`)
            : new LogFaultError(`${this.keys.log(plan.view, first.id)}: no log has the layout ${layoutHash}`),
        );
        continue;
      }
      const keys = [first, ...others].map(({ id }) => this.keys.log(plan.view, id));
      const calls = Array.from({ length: Math.ceil(keys.length / upgradesAtOnce) }, (_, i) => ({
        keys: keys.slice(i * upgradesAtOnce, (i + 1) * upgradesAtOnce),
        args: [argument],
      }));
      for (const bytes of await this.#call(this.#library.functions.upgrade, calls)) {
        this.lostCompanions += new ReplyReader(bytes).lostCompanions();
      }
    }
    return logs.map(({ plan, layoutHash }) => refusals.get(`${plan.index}:${layoutHash}`) ?? null);
  }

  #notServed(reply: Exclude<EntityReply, { kind: 'vector' }>, plan: Plan, id: string): PartReply<never> {
    if (reply.kind === 'layout') return reply;
    if (reply.kind === 'stale')
      return { kind: 'done', value: new UnavailableError('The log outgrew the call; try again') };
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

  #call(name: string, calls: readonly { keys: readonly string[]; args: readonly Buffer[] }[]): Promise<Buffer[]> {
    return orUnavailable(() =>
      this.#functions.call(calls.map(({ keys, args }) => ({ name, keys, args: [this.#callHead, ...args] }))),
    );
  }
}

function assertDistinct(views: readonly View[]): void {
  const names = views.map(({ name, version }) => `${name} v${version}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new DefinitionError(`view ${twice}: is listed twice; give one of them another name or version`);
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
