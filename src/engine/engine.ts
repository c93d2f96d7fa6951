import type { Entity, Event, Milliseconds, View } from '../define/index.ts';
import { traced } from '../measure/index.ts';
import { type Acknowledgement, inMemory, type Servers } from '../valkey/index.ts';
import { invalidIdError } from './admission.ts';
import type { CorrectionOutcome, LabelStatus, RetractStatus } from './correction-outcome.ts';
import { Corrector } from './corrector.ts';
import type { EngineCounts } from './engine-counts.ts';
import { type EntitySearch, searchEntities } from './entity-search.ts';
import { type ForgetReceipt, forget } from './forgetting.ts';
import { KeyNames } from './keys.ts';
import { LogStore } from './log-store.ts';
import type { EventInput, LogFaultError, RecordOutcome } from './outcome.ts';
import type { MomentsOf, ReadOptions } from './parts.ts';
import { Presence } from './presence.ts';
import { Recorder, type RecordListener } from './recorder.ts';
import type { Clock } from './registry.ts';
import type { RecordCounts } from './rehearsal/committer.ts';
import type { FillOutcome } from './reply.ts';
import { SharedReadsOfViews, type VectorReading } from './shared-reads.ts';
import type { PastVector, Vector } from './vector.ts';

/** What an engine works on, and how. */
export interface EngineOptions {
  readonly servers: Servers;
  readonly views: readonly View[];
  /** First part of every key; without braces. */
  readonly keyPrefix: string;
  readonly clock: Clock;
  /** An event up to this far ahead of the store's clock is taken as now; default 5 s. */
  readonly toleranceMs?: Milliseconds;
  /** For how long one call may work while others wait for Valkey, in microseconds of its processor; default 1 ms. */
  readonly microsPerCall?: number;
  /** How many of the newest events a log keeps as they are, once it has an eighth as many again; default 144. */
  readonly singles?: number;
  /** Of so many different values a window keeps all; with more, it counts by a sample of about as many; default 3,072. */
  readonly values?: number;
  /**
   * Whether events are recorded by rehearsal, which spares the store most of the work; default true. False: the store does it all, as it
   * does on a cluster, where a transaction is of one slot.
   */
  readonly rehearses?: boolean;
  /** What must have become of an event before it is acknowledged; default: it is in memory. */
  readonly acknowledge?: Acknowledgement;
  /** Told of each entity of which what is stored cannot be used: into some, nothing can be recorded. */
  readonly onFault?: (fault: LogFaultError) => void;
}

const defaultToleranceMs = 5_000; // 5 seconds
const defaultMicrosPerCall = 1_000; // 1 millisecond
const defaultSingles = 144;
const defaultValues = 3_072;

/** Records events and serves vectors: the one way in and out, for GraphQL, replay and whatever else comes. */
export class Engine {
  readonly views: readonly View[];
  readonly clock: Clock;
  readonly keys: KeyNames;
  readonly #servers: Servers;
  readonly #store: LogStore;
  readonly #toleranceMs: Milliseconds;
  readonly #recorder: Recorder;
  readonly #corrector: Corrector;
  readonly #reads: SharedReadsOfViews;

  private constructor(options: EngineOptions, store: LogStore) {
    const { servers, views, clock, toleranceMs = defaultToleranceMs, onFault = () => {} } = options;
    this.#servers = servers;
    this.views = views;
    this.clock = clock;
    this.#toleranceMs = toleranceMs;
    this.keys = store.keys;
    this.#store = store;
    this.#recorder = new Recorder(store, clock, toleranceMs, onFault);
    this.#corrector = new Corrector(store, onFault);
    this.#reads = new SharedReadsOfViews((view, ids) => store.read(view, ids));
  }

  /**
   * Checks the definitions against what is stored under the prefix and loads the functions.
   * @throws DefinitionError, IncompatibleStoreError, UnavailableError
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const { servers, keyPrefix, views, clock, toleranceMs = defaultToleranceMs } = options;
    const {
      microsPerCall = defaultMicrosPerCall,
      singles = defaultSingles,
      values = defaultValues,
      rehearses = true,
      acknowledge = inMemory,
      onFault = () => {},
    } = options;
    const limits = { toleranceMs, microsPerCall, singles, values, rehearses, acknowledge, onFault };
    return new Engine(options, await LogStore.open(servers, new KeyNames(keyPrefix), views, clock, limits));
  }

  /** Companions of logs that were found missing since the start: evicted, or deleted by hand. */
  get lostCompanions(): number {
    return this.#store.lostCompanions;
  }

  /**
   * Notes under the prefix that this process runs, until that is ended: whoever tidies up the store leaves what it uses alone,
   * and it learns who else runs there.
   */
  announce(): Promise<Presence> {
    return Presence.announce(this.#servers, this.keys, this.#store.library, this.views);
  }

  /** How much was recorded which way since the start, and how often others were quicker. */
  get recordings(): Readonly<RecordCounts> {
    return this.#store.recordings;
  }

  /** What else was done since the start, and how long the store took. */
  get counts(): EngineCounts {
    const { counts, functionTimes: functions } = this.#store;
    return { ...counts, functions, rejected: this.#recorder.rejected };
  }

  /**
   * Records a batch of events of one kind, and tells of each what became of it, in the order sent. Faults of single
   * events are in their outcome; vectors are as after the whole batch.
   */
  record(event: Event, inputs: readonly EventInput[]): Promise<RecordOutcome[]> {
    const facts = () => ({ 'freshet.events': inputs.length });
    return traced('engine.record', facts, () => this.#recorder.take(event, inputs, 'record'));
  }

  /** Has this one told of what this engine records from now on, not of what others do. It cannot be stopped. */
  onRecorded(listener: RecordListener): void {
    this.#recorder.listen(listener);
  }

  /**
   * What would become of an event, and the vectors as they would be, were it recorded now. Changes nothing.
   * @param among the views that are asked, of those that the event feeds; of others nothing is looked at. Null: all.
   */
  async preview(event: Event, input: EventInput, among: readonly View[] | null = null): Promise<RecordOutcome> {
    const [outcome] = await this.#recorder.take(event, [input], 'preview', among);
    return outcome as RecordOutcome;
  }

  /**
   * Sets the label of an event that is recorded already: its id, its time, the entities that it is about, and the label. Each
   * view is corrected whole or not at all; safe to send again.
   */
  label(event: Event, input: EventInput): Promise<CorrectionOutcome<LabelStatus>> {
    return this.#corrector.label(event, input);
  }

  /**
   * Takes a recorded event out again: its id, its time, the entities that it is about, and what is told to be sure that it is
   * the one that is meant. Each view is corrected whole or not at all; safe to send again. Its id stays known.
   * @param confirm numbers of the event that the input has too, and that must be as recorded.
   */
  retract(event: Event, confirm: readonly string[], input: EventInput): Promise<CorrectionOutcome<RetractStatus>> {
    return this.#corrector.retract(event, confirm, input);
  }

  /** Removes every key of an entity. From then on it is one of which nothing is known, and who watches it is told. */
  forget(entity: Entity, id: string): Promise<ForgetReceipt> {
    return forget(this.#store, entity, id);
  }

  /**
   * Has one version of a view take over what another one keeps of some entities (see `unfillable` for what cannot be). Both must
   * be fed by whoever records. Safe to repeat, and while events come. One is left as UNDER_WAY of which an event is labelled or
   * retracted in the one version and not in the other.
   * @param forced whether such a one is filled as well: for when that does not pass, since each was told otherwise.
   * @throws UnavailableError
   */
  fill(from: View, to: View, ids: readonly string[], forced = false): Promise<(FillOutcome | Error)[]> {
    return this.#store.fill(from, to, ids, forced);
  }

  /**
   * Entities of which something is stored and whose id holds a text (A to Z in capitals or not); at most so many. It looks at what is
   * stored for a bounded time, and says whether that was all.
   * @throws UnavailableError
   */
  search(text: string, most: number): Promise<EntitySearch> {
    return searchEntities(this.#servers, this.keys, this.views, text, most);
  }

  /**
   * The vectors of one view, in the order of the ids; repeats are allowed. One that cannot be served fails all.
   * @throws InvalidIdError, UnavailableError, LogFaultError
   */
  async read(view: View, ids: readonly string[]): Promise<Vector[]> {
    return allServed(await this.readEach(view, ids));
  }

  /** As `read`, but folds every log again and restores what is missing of its served hash. */
  async refresh(view: View, ids: readonly string[]): Promise<Vector[]> {
    return allServed(await this.readEach(view, ids, { refresh: true }));
  }

  /**
   * As `read` or `refresh`, but an entity that cannot be served fails alone: its error is in its place.
   * @throws InvalidIdError, UnavailableError if the whole call failed
   */
  async readEach(view: View, ids: readonly string[], options: ReadOptions = {}): Promise<(Vector | Error)[]> {
    for (const id of ids) assertId(view, id);
    if (ids.length === 0) return [];
    const { refresh = false, lastRevisions } = options;
    if (!refresh && !lastRevisions) {
      const { batch, places } = await this.#readTogether(view, ids);
      return places.map((place) => batch.at(place));
    }
    const batch = await traced('engine.refresh', readFacts(view, ids), () => this.#store.read(view, ids, options));
    return ids.map((_, place) => batch.at(place));
  }

  /**
   * As `readEach`, but the vectors are left as they came (see VectorBatch).
   * @param ids valid ones, at least one.
   * @throws UnavailableError if the whole call failed
   */
  readPacked(view: View, ids: readonly string[]): Promise<VectorReading> {
    return this.#readTogether(view, ids);
  }

  /** In one exchange with what others want in this turn of the event loop. */
  #readTogether(view: View, ids: readonly string[]): Promise<VectorReading> {
    return traced('engine.read', readFacts(view, ids), () => this.#reads.of(view).take(ids));
  }

  /**
   * Vectors of moments in the past, and how sure each value is, folded from what is kept today: for each id, in the order of
   * its moments. One that cannot be served fails all.
   * @throws InvalidIdError, UnavailableError, LogFaultError
   */
  async past(view: View, asked: readonly MomentsOf[]): Promise<PastVector[][]> {
    return allServed(await this.pastEach(view, asked));
  }

  /**
   * As `past`, but an entity that cannot be served fails alone: its error is in its place.
   * @throws InvalidIdError, UnavailableError if the whole call failed
   */
  async pastEach(view: View, asked: readonly MomentsOf[]): Promise<readonly (PastVector[] | Error)[]> {
    for (const { id } of asked) assertId(view, id);
    if (asked.length === 0) return [];
    return traced('engine.past', readFacts(view, asked), () => this.#store.past(view, asked));
  }

  /**
   * Where the moment of a vector stood when it was folded: within the view's history, at the entity's now or so little
   * ahead of it as clocks differ, or out of reach on either side.
   */
  standing({ view, asOf, now }: PastVector): 'PAST' | 'NOW' | 'FUTURE' | 'OUT_OF_HISTORY' {
    if (asOf < now - view.historyMs) return 'OUT_OF_HISTORY';
    if (asOf < now) return 'PAST';
    return asOf <= now + this.#toleranceMs ? 'NOW' : 'FUTURE';
  }
}

function readFacts({ name }: View, asked: readonly unknown[]) {
  return () => ({ 'freshet.view': name, 'freshet.vectors': asked.length });
}

function assertId(view: View, id: string): void {
  const error = invalidIdError(view.entity, id);
  if (error) throw error;
}

function allServed<T>(found: readonly (T | Error)[]): T[] {
  return found.map((one) => {
    if (one instanceof Error) throw one;
    return one;
  });
}
