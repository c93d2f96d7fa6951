import { endWith, tracer } from '../measure/index.ts';
import {
  bytesText,
  CommandBuffer,
  encodeArgument,
  isUnanswered,
  type Reply,
  type Servers,
  type ValkeyServer,
  Wire,
} from '../valkey/index.ts';
import type { StoreCounts } from './engine-counts.ts';
import type { KeyNames } from './keys.ts';
import { layoutHash, layoutOf } from './layout.ts';
import { UnavailableError } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { Clock } from './registry.ts';
import { tellsAge } from './served.ts';
import { orUnavailable } from './valkey-failure.ts';
import { type VectorBatch, vectorHeadDoubles } from './vector-batch.ts';

const layoutBytes = 8;
const time = encodeArgument('TIME');
const exists = encodeArgument('EXISTS');
const getRange = encodeArgument('GETRANGE');

/**
 * Reads vectors that are stored and still true: most of them, most of the time. For these the function `read` does no more than to look
 * at them, which takes Lua several times as long as it takes Valkey to send them. What it says of all others is for it to say.
 */
export class StoredVectors {
  readonly #servers: Servers;
  readonly #commands = new CommandBuffer();
  readonly #keys: KeyNames;
  readonly #clock: Clock;
  /** What stands at the head of each plan's logs. */
  readonly #layouts: ReadonlyMap<Plan, string>;
  readonly #counts: StoreCounts;

  constructor(servers: Servers, keys: KeyNames, plans: readonly Plan[], clock: Clock, counts: StoreCounts) {
    this.#counts = counts;
    this.#servers = servers;
    this.#keys = keys;
    this.#clock = clock;
    this.#layouts = new Map(plans.map((plan) => [plan, layoutHash(layoutOf(plan))]));
  }

  /** Connects, so that the first who reads need not wait for it; where it fails, later reads try again. */
  async connect(): Promise<void> {
    await Promise.all(
      this.#servers.all.map((server) =>
        wireTo(server)
          .open()
          .catch(() => {}),
      ),
    );
  }

  /**
   * Fills in what is stored and still true.
   * @returns the places of all others, in order.
   * @throws UnavailableError if there is no answer in time; where the connection fails otherwise, nothing is filled in. On a cluster, the
   * places of a server that does not answer in time fail alone.
   */
  async fill(plan: Plan, batch: VectorBatch): Promise<readonly number[]> {
    const { view, ids } = batch;
    const all = [...ids.keys()];
    // It is told as of the moment of the read.
    if (tellsAge(view)) return all;
    const [only] = this.#servers.all;
    if (!this.#servers.isCluster) return this.#fillFrom(only as ValkeyServer, plan, batch, all);
    const byServer = Map.groupBy(all, (place) => this.#servers.find(this.#keys.log(view, ids[place] as string)));
    const left = [...byServer].map(([server, places]) =>
      server ? this.#fillFrom(server, plan, batch, places).catch(failed(batch, places)) : places,
    );
    return (await Promise.all(left)).flat().sort((a, b) => a - b);
  }

  /** Of these places, those that are left. */
  async #fillFrom(
    server: ValkeyServer,
    plan: Plan,
    batch: VectorBatch,
    places: readonly number[],
  ): Promise<readonly number[]> {
    const replies = await orUnavailable(() => this.#ask(wireTo(server), plan, batch, places));
    const time = replies?.[0];
    if (!replies || !Array.isArray(time)) return places;
    const now = 1_000 * Number(time[0]) + Math.floor(Number(time[1]) / 1_000);
    const layout = this.#layouts.get(plan) as string;
    const left: number[] = [];
    for (let i = 0; i < places.length; i++) {
      const isServed = replies[1 + 2 * i] === 1;
      const place = places[i] as number;
      if (!isServed || !this.#take(batch, place, replies[2 + 2 * i], layout, now)) left.push(place);
    }
    this.#counts.vectors.stored += places.length - left.length;
    return left;
  }

  /** Null where the connection fails at once: another one may do. */
  async #ask(
    wire: Wire,
    { view }: Plan,
    { ids, vectorBytes }: VectorBatch,
    places: readonly number[],
  ): Promise<Reply[] | null> {
    const last = layoutBytes + vectorBytes - 1;
    try {
      await wire.open();
      const commands = this.#commands;
      const [hash, log] = [bytesText(this.#keys.hashStem(view)), bytesText(this.#keys.logStem(view))];
      commands.begin(1);
      commands.encoded(time);
      for (const place of places) {
        const tag = bytesText(this.#keys.tag(ids[place] as string));
        // A hash that is missing is for the function to restore.
        commands.begin(2);
        commands.encoded(exists);
        commands.text(hash + tag);
        commands.begin(4);
        commands.encoded(getRange);
        commands.text(log + tag);
        commands.number(0);
        commands.number(last);
      }
      const sentAt = performance.now();
      const answered = wire.send(commands);
      if (tracer.current !== null) endWith(tracer.current.begin('valkey read', { kind: 'client' }), answered);
      const replies = await answered;
      this.#counts.pipelines.of('read').observe((performance.now() - sentAt) / 1_000);
      return replies;
    } catch (error) {
      if (isUnanswered(error)) throw error;
      return null;
    }
  }

  #take(batch: VectorBatch, place: number, stored: Reply | undefined, layout: string, now: number): boolean {
    const { bytes, doubles, vectorBytes } = batch;
    if (!Buffer.isBuffer(stored) || stored.length !== layoutBytes + vectorBytes) return false;
    if (stored.toString('latin1', 0, layoutBytes) !== layout) return false;
    stored.copy(bytes, place * vectorBytes, layoutBytes);
    const head = batch.valuesAt(place) - vectorHeadDoubles;
    const [asOf, validUntil] = [doubles[head + 1] as number, doubles[head + 2] as number];
    return (this.#clock === 'event' ? asOf : Math.max(now, asOf)) < validUntil;
  }
}

/** Has places fail with what there was no answer for: to ask the server once more would take as long again. */
function failed(batch: VectorBatch, places: readonly number[]): (error: unknown) => readonly number[] {
  return (error) => {
    if (!(error instanceof UnavailableError)) return places;
    for (const place of places) batch.fail(place, error);
    return [];
  };
}

function wireTo({ valkey }: ValkeyServer): Wire {
  return Wire.beside(valkey, 'freshet-reader');
}
