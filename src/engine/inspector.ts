import type { View } from '../define/index.ts';
import { FunctionCaller, type Servers } from '../valkey/index.ts';
import { invalidIdReason } from './admission.ts';
import type { InspectedFeature, Inspection, InspectionReport } from './inspection.ts';
import { KeyNames } from './keys.ts';
import { type Library, writeLibrary } from './library.ts';
import { callHead } from './log-caller.ts';
import { InvalidIdError, LogFaultError } from './outcome.ts';
import { type Plan, planView } from './plan.ts';
import { type Clock, IncompatibleStoreError, PrefixRegistry } from './registry.ts';
import { ReplyReader } from './reply.ts';
import { orUnavailable } from './valkey-failure.ts';

/** Nothing of this is asked for; one entity is always inspected whole. */
const limits = { toleranceMs: 0, microsPerCall: 0, singles: 1, values: 1 };

/**
 * Looks at what is stored of an entity, and changes nothing: it reads the registry, and calls a function that Valkey keeps
 * from writing. Unlike an Engine it loads no functions and enrols no definitions, so that it may look at any store.
 */
export class Inspector {
  readonly keys: KeyNames;
  /** The clock that the prefix is of; null: nothing was ever stored under it. */
  readonly clock: Clock | null;
  readonly #servers: Servers;
  readonly #plans: ReadonlyMap<View, Plan>;
  readonly #library: Library;
  readonly #functions: FunctionCaller;
  readonly #callHead: Buffer;

  private constructor(
    servers: Servers,
    keys: KeyNames,
    plans: ReadonlyMap<View, Plan>,
    clock: Clock | null,
    head: Buffer,
  ) {
    this.keys = keys;
    this.clock = clock;
    this.#servers = servers;
    this.#plans = plans;
    this.#library = writeLibrary([...plans.values()]);
    this.#functions = new FunctionCaller(servers, this.#library.code);
    this.#callHead = head;
  }

  /**
   * @param views all that are served, in the order in which they are: the functions of others are others.
   * @throws DefinitionError, UnavailableError
   */
  static async open(servers: Servers, views: readonly View[], keyPrefix: string): Promise<Inspector> {
    await orUnavailable(() => servers.ready());
    const keys = new KeyNames(keyPrefix);
    const plans = new Map(views.map((view, place) => [view, planView(view, place)]));
    const registry = await new PrefixRegistry(servers, keys).look(views);
    const clock = registry?.clock ?? null;
    const completeSince = registry?.since ?? new Map();
    const settings = { ...limits, clock: clock ?? 'wall', prefix: keyPrefix, completeSince };
    const head = callHead([...plans.values()], settings);
    return new Inspector(servers, keys, plans, clock, head);
  }

  /**
   * @param position of a feature in the view, to be told all of that one; left out, all features are told of briefly.
   * @returns null if nothing is stored of the entity, and no functions are there that would say so in full.
   * @throws InvalidIdError, UnavailableError, LogFaultError; IncompatibleStoreError where other definitions than these are at
   * work.
   */
  async inspect(view: View, id: string, position?: number): Promise<Inspection | null> {
    const reason = invalidIdReason(id);
    if (reason) throw new InvalidIdError(`the ${view.entity.name}'s id ${reason}`);
    const plan = this.#plans.get(view) as Plan;
    const log = this.keys.log(view, id);
    const argument = Buffer.from([plan.index, position === undefined ? 0 : position + 1]);
    const call = { name: this.#library.functions.inspect, keys: [log], args: [this.#callHead, argument] };
    const bytes = await orUnavailable(() => this.#functions.look(call));
    if (bytes) return this.#read(bytes, plan, id, position !== undefined);
    const found = await orUnavailable(() =>
      this.#servers.ask(log, ({ valkey }) => valkey.exists(log, this.keys.hash(view, id))),
    );
    if (found === 0) return null;
    throw new IncompatibleStoreError(
      `${log}: the functions of these definitions are not loaded in this Valkey. Either another version of Freshet, or of its definitions, serves it: look from that one's folder. Or none has since Valkey was started: start it once`,
    );
  }

  #read(bytes: Buffer, plan: Plan, id: string, isOfOne: boolean): Inspection {
    const log = this.keys.log(plan.view, id);
    const reader = new ReplyReader(bytes);
    const reply = reader.entity(plan, id);
    if (reply.kind === 'fault') throw new LogFaultError(`${log}: ${reply.reason}`);
    if (reply.kind !== 'vector') {
      throw new IncompatibleStoreError(
        `${log}: was written by another version of ${plan.view.name}. If that is an older one, it is brought up to date as soon as it is read or recorded to: read it once, and look again`,
      );
    }
    const report = JSON.parse(reader.text()) as InspectionReport;
    const past = reader.past(plan, id, [report.now, ...(isOfOne ? report.features.flatMap(movesOf) : [])]);
    if (past.kind !== 'past') throw new LogFaultError(`${log}: ${past.kind === 'fault' ? past.reason : past.kind}`);
    const [current, ...upcoming] = past.vectors;
    if (!current) throw new TypeError('the function inspect told of no moment');
    return { ...report, vector: reply.vector, current, upcoming };
  }
}

/** The moments of which the function tells beside now, in its order. */
function movesOf(feature: InspectedFeature): number[] {
  const moves = [feature.leaves, feature.kind === 'window' ? feature.enters : undefined];
  return moves.flatMap((move) => (move && move.counted > 0 ? [move.at] : []));
}
