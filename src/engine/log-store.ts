import { DefinitionError, type Entity, type View } from '../define/index.ts';
import type { Acknowledgement, Servers, ValkeyServer } from '../valkey/index.ts';
import { byEntity, byServer } from './by-entity.ts';
import { StoreCounts } from './engine-counts.ts';
import { fillLogs } from './filling.ts';
import { type KeyNames, stem } from './keys.ts';
import { LibraryCaller } from './library-caller.ts';
import { type CallLimits, LogCaller } from './log-caller.ts';
import { LogUpgrades } from './log-upgrades.ts';
import type { LogFaultError } from './outcome.ts';
import type {
  CorrectedPart,
  CorrectionPart,
  MomentsOf,
  Part,
  PastPart,
  ReadOptions,
  ReadPart,
  RecordedPart,
  RecordPart,
} from './parts.ts';
import { cutMoments, cutRows, inPieces, joinPieces } from './pieces.ts';
import { type Plan, planView } from './plan.ts';
import { type Clock, PrefixRegistry } from './registry.ts';
import { Committer, type RecordCounts } from './rehearsal/committer.ts';
import type { FillOutcome, NotServed, ReplyReader } from './reply.ts';
import { type OutdatedLog, type PartReply, untilDone } from './rounds.ts';
import { StoredVectors } from './stored-vectors.ts';
import { logFailure, orUnavailable } from './valkey-failure.ts';
import type { PastVector } from './vector.ts';
import { VectorBatch } from './vector-batch.ts';

/** How a store works. */
export interface StoreSettings extends CallLimits {
  /** Whether events are recorded by rehearsal where that can be (see rehearsal/committer.ts). */
  readonly rehearses: boolean;
  /** What must have become of an event before it is acknowledged. */
  readonly acknowledge: Acknowledgement;
  /** Told of logs that cannot be rehearsed. */
  readonly onFault: (fault: LogFaultError) => void;
}

/** A call names a view by one byte. */
const mostViews = 255;

/**
 * The logs in Valkey: what can be done with them, each in as few calls as may be. What is wrong with one entity is an Error in
 * that entity's place; only what concerns the whole call is thrown.
 */
export class LogStore {
  readonly keys: KeyNames;
  readonly plans: ReadonlyMap<View, Plan>;
  readonly #servers: Servers;
  readonly #library: LibraryCaller;
  readonly counts: StoreCounts;
  readonly #registry: PrefixRegistry;
  readonly #caller: LogCaller;
  readonly #upgrades: LogUpgrades;
  readonly #stored: StoredVectors;
  /** Null where the store does it all. */
  readonly #committer: Committer | null;

  private constructor(
    servers: Servers,
    keys: KeyNames,
    plans: readonly Plan[],
    registry: PrefixRegistry,
    caller: LogCaller,
    stored: StoredVectors,
    library: LibraryCaller,
    counts: StoreCounts,
    { singles, rehearses, acknowledge, onFault }: StoreSettings,
  ) {
    this.#servers = servers;
    this.keys = keys;
    this.#library = library;
    this.counts = counts;
    this.plans = new Map(plans.map((plan) => [plan.view, plan]));
    this.#registry = registry;
    this.#caller = caller;
    this.#stored = stored;
    this.#upgrades = new LogUpgrades(keys, registry, caller);
    const logOf = ({ plan: { view }, id }: Part) => keys.log(view, id);
    const store = (parts: readonly RecordPart[]) => this.#recordThere(parts, 'record');
    if (!rehearses || servers.isCluster) {
      this.#committer = null;
      return;
    }
    const [{ valkey }] = servers.all as [ValkeyServer];
    const options = {
      valkey,
      caller,
      plans,
      prefix: keys.prefix,
      singles,
      logOf,
      store,
      acknowledge,
      onFault,
      times: counts.pipelines,
    };
    this.#committer = new Committer(options);
  }

  /**
   * Loads the function library and checks the definitions against the store.
   * @throws DefinitionError, IncompatibleStoreError, UnavailableError
   */
  static async open(
    servers: Servers,
    keys: KeyNames,
    views: readonly View[],
    clock: Clock,
    limits: StoreSettings,
  ): Promise<LogStore> {
    assertServable(views);
    const plans = views.map((view, place) => planView(view, place));
    await orUnavailable(() => servers.ready());
    const library = await LibraryCaller.load(servers, plans, limits.acknowledge);
    const registry = new PrefixRegistry(servers, keys);
    const completeSince = await registry.enrol(clock, plans, (key, argument) =>
      library.call('enrol', [key], [argument]),
    );
    const { isCluster } = servers;
    const isDurable = limits.acknowledge.kind !== 'memory';
    const settings = { ...limits, clock, isCluster, isDurable, prefix: keys.prefix, completeSince };
    const caller = new LogCaller(library, plans, settings);
    const counts = new StoreCounts();
    const stored = new StoredVectors(servers, keys, plans, clock, counts);
    await stored.connect();
    return new LogStore(servers, keys, plans, registry, caller, stored, library, counts, limits);
  }

  /** The name of its function library. */
  get library(): string {
    return this.#library.name;
  }

  /** How long calls of functions took. */
  get functionTimes(): LibraryCaller['times'] {
    return this.#library.times;
  }

  /** Companions of logs (such as last-seen times) that calls found missing: evicted, or deleted by hand. */
  get lostCompanions(): number {
    return this.#caller.lostCompanions;
  }

  /** How much was recorded which way. */
  get recordings(): RecordCounts {
    return this.#committer?.counts ?? { byRehearsal: 0, byStore: 0, overtaken: 0 };
  }

  /**
   * Records the parts; each is idempotent, and atomic in pieces of so many rows as a call can do without keeping others
   * waiting. Or, as a `preview`, tells what would come of single rows, and changes nothing.
   */
  record(
    parts: readonly RecordPart[],
    how: 'record' | 'preview' = 'record',
  ): Promise<readonly (RecordedPart | Error)[]> {
    if (how === 'preview' || !this.#committer) return this.#recordThere(parts, how);
    return this.#committer.record(parts);
  }

  /** Has the store do it by itself. */
  #recordThere(parts: readonly RecordPart[], how: 'record' | 'preview'): Promise<readonly (RecordedPart | Error)[]> {
    return inPieces(
      parts,
      (part) => cutRows(part),
      (pieces) =>
        this.#work<RecordPart, RecordedPart>(
          how,
          pieces,
          (pending) => pending.map(({ plan, rows }) => Buffer.concat([Buffer.from([plan.index]), rows])),
          (reader, { plan, id, rowCount }) => {
            const reply = reader.entity(plan, id);
            if (reply.kind !== 'vector') return reply;
            const verdicts = Array.from({ length: rowCount }, () => reader.row());
            return { kind: 'done', value: { vector: reply.vector, verdicts } };
          },
        ),
      joinPieces,
    );
  }

  /** Corrects an event in each of its views; each part is idempotent and atomic. */
  correct(correction: 'label' | 'retract', parts: readonly CorrectionPart[]): Promise<(CorrectedPart | Error)[]> {
    return this.#work<CorrectionPart, CorrectedPart>(
      correction,
      parts,
      (pending) => pending.map(({ argument }) => argument),
      (reader, { plan, id }) => {
        const reply = reader.entity(plan, id);
        if (reply.kind !== 'vector') return reply;
        return { kind: 'done', value: { vector: reply.vector, verdict: reader.correction() } };
      },
    );
  }

  /**
   * Removes what all views of an entity keep of it, those too that are no longer served, or not by this deployment: one call,
   * since all of its keys share a slot.
   * @throws UnavailableError
   */
  async forget(entity: Entity, id: string): Promise<{ readonly keys: number; readonly bytes: number }> {
    const served = [...this.plans.values()].filter(({ view }) => view.entity === entity);
    const views = [
      // What is served here is known also where the registry was lost.
      ...served.map(({ view, seen }) => ({ ...view, seen: seen.map(({ name }) => name) })),
      ...(await this.#registry.viewsOf(entity)),
    ];
    if (views.length === 0) return { keys: 0, bytes: 0 };
    const args = views.map((view) => Buffer.from(JSON.stringify({ stem: stem(view), seen: view.seen })));
    return this.#caller.call(
      'forget',
      views.map((view) => this.keys.log(view, id)),
      args,
      (reader) => reader.receipt(),
    );
  }

  /**
   * Has a version of a view take over what another one keeps of some entities: what became of each, or why it could not.
   * @throws UnavailableError
   */
  fill(from: View, to: View, ids: readonly string[], forced: boolean): Promise<(FillOutcome | Error)[]> {
    const plans = { from: this.#planOf(from), to: this.#planOf(to) };
    return fillLogs(this.#caller, this.keys, plans, ids, forced, ({ view }, outdated) => this.read(view, outdated));
  }

  /** Vectors in the order of the ids; the error of one that cannot be had is in its place. */
  async read(view: View, ids: readonly string[], options: ReadOptions = {}): Promise<VectorBatch> {
    const { refresh = false, lastRevisions } = options;
    const plan = this.#planOf(view);
    const argument = Buffer.from([plan.index, refresh ? 1 : 0]);
    const batch = new VectorBatch(view, ids);
    const places = refresh || lastRevisions ? [...ids.keys()] : await this.#stored.fill(plan, batch);
    this.counts.vectors.folded += places.length;
    if (places.length === 0) return batch;
    const results = await this.#work<ReadPart, true>(
      'read',
      places.map((place) => ({ plan, id: ids[place] as string, place, lastRevision: lastRevisions?.[place] ?? 0 })),
      (pending) => (lastRevisions ? [argument, doubles(pending.map(({ lastRevision }) => lastRevision))] : [argument]),
      (reader, { place }) => reader.vectorInto(batch, place) ?? served,
    );
    for (const [i, result] of results.entries()) if (result !== true) batch.fail(places[i] as number, result);
    return batch;
  }

  /** Vectors of moments in the past: for each id, in the order of its moments. */
  past(view: View, asked: readonly MomentsOf[]): Promise<readonly (PastVector[] | Error)[]> {
    const plan = this.#planOf(view);
    const index = Buffer.from([plan.index]);
    return inPieces(
      asked.map(({ id, moments }) => ({ plan, id, moments })),
      cutMoments,
      (pieces) =>
        this.#work<PastPart, PastVector[]>(
          'past',
          pieces,
          (pending) => [index, ...pending.map(({ moments }) => doubles(moments))],
          (reader, { id, moments }) => {
            const reply = reader.past(plan, id, moments);
            return reply.kind === 'past' ? { kind: 'done', value: reply.vectors } : reply;
          },
        ),
      (pieces) => pieces.flat(),
    );
  }

  /**
   * Calls a function for all parts, until each is done.
   * @param argumentsOf what the function takes beside the logs of these parts.
   * @param read the reply of one part.
   */
  #work<P extends Part, Value>(
    name: 'record' | 'preview' | 'label' | 'retract' | 'read' | 'past',
    parts: readonly P[],
    argumentsOf: (pending: readonly P[]) => Buffer[],
    read: (reader: ReplyReader, part: P) => { readonly kind: 'done'; readonly value: Value } | NotServed,
  ): Promise<(Value | Error)[]> {
    const keyOf = ({ plan, id }: Part) => this.keys.log(plan.view, id);
    const call = (all: readonly P[]) => {
      const pending = name === 'record' ? all.slice(0, recordedAtOnce) : all;
      const keys = pending.map(keyOf);
      return this.#caller.call(name, keys, argumentsOf(pending), (reader) =>
        pending.map((part, i): PartReply<Value> => {
          const reply = read(reader, part);
          if (reply.kind !== 'fault') return reply;
          return { kind: 'done', value: logFailure(keys[i] as string, reply.reason) };
        }),
      );
    };
    const upgrade = (logs: readonly OutdatedLog[]) => this.#upgrades.run(logs);
    const { isCluster, patienceMs } = this.#servers;
    if (!isCluster) return untilDone<P, Value>(parts, { patienceMs, attempt: call, upgrade });
    const attempt = (all: readonly P[]) => byEntity(this.#servers, all, keyOf, call);
    return byServer(this.#servers, parts, keyOf, (own) => untilDone<P, Value>(own, { patienceMs, attempt, upgrade }));
  }

  #planOf(view: View): Plan {
    const plan = this.plans.get(view);
    if (!plan) throw new TypeError(`view ${view.name} is not among the views that this engine was opened with`);
    return plan;
  }
}

/** A vector is where it is to be. */
const served = { kind: 'done', value: true } as const;

const doubles = (values: readonly number[]) => Buffer.from(new Float64Array(values).buffer);

/** What a record call is given at once: more than it has time for would only be sent, and sent again. */
const recordedAtOnce = 64;

function assertServable(views: readonly View[]): void {
  if (views.length > mostViews) {
    throw new DefinitionError(`${views.length} views are served, of which one deployment can have ${mostViews}`);
  }
  const names = views.map(({ name, version }) => `${name} v${version}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new DefinitionError(`view ${twice}: is listed twice; give one of them another name or version`);
}
