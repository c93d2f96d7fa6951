import type { Redis } from 'iovalkey';
import type { Entity, Event, Milliseconds, View } from '../define/index.ts';
import { invalidIdReason, rejection } from './admission.ts';
import type { CorrectionOutcome, LabelStatus, RetractStatus } from './correction-outcome.ts';
import { Corrector } from './corrector.ts';
import { duplicateReason } from './duplicate.ts';
import { type ForgetReceipt, forget } from './forgetting.ts';
import { KeyNames } from './keys.ts';
import { LogStore } from './log-store.ts';
import type { EventInput, RecordOutcome } from './outcome.ts';
import { InvalidIdError, LogFaultError, UnavailableError } from './outcome.ts';
import type { MomentsOf, RecordedPart } from './parts.ts';
import type { Plan } from './plan.ts';
import type { Clock } from './registry.ts';
import type { RowVerdict } from './reply.ts';
import { RowEncoder } from './row-encoder.ts';
import type { PastVector, Vector } from './vector.ts';

export interface EngineOptions {
  readonly valkey: Redis;
  readonly views: readonly View[];
  /** First part of every key; without braces. */
  readonly keyPrefix: string;
  readonly clock: Clock;
  /** An event up to this far ahead of the store's clock is taken as now; default 5 s. */
  readonly toleranceMs?: Milliseconds;
  /** For how long one call may work while others wait for Valkey, in microseconds of its processor; default 3 ms. */
  readonly microsPerCall?: number;
  /** How many of the newest events a log keeps as they are, once it has half as many again; default 128. */
  readonly singles?: number;
  /** Of so many different values a window keeps all; with more, it counts by a sample of about as many; default 3,072. */
  readonly values?: number;
  /** Told of each entity into which nothing can be recorded, because what is stored of it cannot be used. */
  readonly onFault?: (fault: LogFaultError) => void;
}

const defaultToleranceMs = 5_000; // 5 seconds
const defaultMicrosPerCall = 3_000; // 3 milliseconds
const defaultSingles = 128;
const defaultValues = 3_072;

/** Records events and serves vectors: the one way in and out, for GraphQL, replay and whatever else comes. */
export class Engine {
  readonly views: readonly View[];
  readonly clock: Clock;
  readonly keys: KeyNames;
  readonly #store: LogStore;
  readonly #encoders: ReadonlyMap<View, RowEncoder>;
  readonly #toleranceMs: Milliseconds;
  readonly #onFault: (fault: LogFaultError) => void;
  readonly #corrector: Corrector;

  private constructor(options: EngineOptions, store: LogStore) {
    const { views, clock, toleranceMs = defaultToleranceMs, onFault = () => {} } = options;
    this.views = views;
    this.clock = clock;
    this.#toleranceMs = toleranceMs;
    this.#onFault = onFault;
    this.keys = store.keys;
    this.#store = store;
    this.#corrector = new Corrector(store, onFault);
    this.#encoders = new Map([...store.plans].map(([view, plan]) => [view, new RowEncoder(plan)]));
  }

  /**
   * Checks the definitions against what is stored under the prefix and loads the functions.
   * @throws DefinitionError, IncompatibleStoreError, UnavailableError
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const { valkey, keyPrefix, views, clock, toleranceMs = defaultToleranceMs } = options;
    const { microsPerCall = defaultMicrosPerCall, singles = defaultSingles, values = defaultValues } = options;
    const limits = { toleranceMs, microsPerCall, singles, values };
    return new Engine(options, await LogStore.open(valkey, new KeyNames(keyPrefix), views, clock, limits));
  }

  /** Companions of logs that were found missing since the start: evicted, or deleted by hand. */
  get lostCompanions(): number {
    return this.#store.lostCompanions;
  }

  /**
   * Records a batch of events of one kind, and tells of each what became of it, in the order sent. Faults of single
   * events are in their outcome; vectors are as after the whole batch.
   */
  record(event: Event, inputs: readonly EventInput[]): Promise<RecordOutcome[]> {
    return this.#take(event, inputs, 'record');
  }

  /** What would become of an event, and the vectors as they would be, were it recorded now. Changes nothing. */
  async preview(event: Event, input: EventInput): Promise<RecordOutcome> {
    const [outcome] = await this.#take(event, [input], 'preview');
    return outcome as RecordOutcome;
  }

  async #take(event: Event, inputs: readonly EventInput[], how: 'record' | 'preview'): Promise<RecordOutcome[]> {
    const rejected = inputs.map((input) => rejection(event, input, this.clock === 'event'));
    const parts = this.#divide(event, inputs, rejected);
    const recorded = await this.#recordParts(parts, how);
    for (const result of recorded) if (result instanceof LogFaultError) this.#onFault(result);

    const drafts = inputs.map((): Draft => ({ verdicts: [], reasons: [], vectors: new Map(), unavailable: null }));
    for (const [i, { plan, places }] of parts.entries()) {
      const result = recorded[i];
      for (const [row, place] of places.entries()) {
        const draft = drafts[place] as Draft;
        if (result instanceof Error) {
          draft.unavailable =
            result instanceof UnavailableError
              ? result.message
              : `What is stored of this ${plan.view.entity.name} cannot be used, and waiting does not mend it; the log of the server says why`;
        } else if (result) {
          const verdict = result.verdicts[row] as RowVerdict;
          draft.verdicts.push(verdict);
          draft.vectors.set(plan.view, result.vector);
          const reason = verdict.status === 'DUPLICATE' && duplicateReason(plan, inputs[place] as EventInput, verdict);
          if (reason) draft.reasons.push(reason);
        }
      }
    }
    return drafts.map((draft, place) => outcomeOf(event, draft, rejected[place] ?? null, this.#toleranceMs));
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
  async readEach(view: View, ids: readonly string[], { refresh = false } = {}): Promise<(Vector | Error)[]> {
    for (const id of ids) assertId(view, id);
    return ids.length === 0 ? [] : this.#store.read(view, ids, refresh);
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
  async pastEach(view: View, asked: readonly MomentsOf[]): Promise<(PastVector[] | Error)[]> {
    for (const { id } of asked) assertId(view, id);
    return asked.length === 0 ? [] : this.#store.past(view, asked);
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

  /** Sorts the events of a batch into parts: one for each view and entity that they concern. */
  #divide(event: Event, inputs: readonly EventInput[], rejected: readonly (string | null)[]): Part[] {
    const parts: Part[] = [];
    for (const [view, plan] of this.#store.plans) {
      if (view.event !== event) continue;
      const byEntity = new Map<string, Part>();
      for (const [place, input] of inputs.entries()) {
        if (rejected[place]) continue;
        const id = input[view.by] as string;
        const part = byEntity.get(id) ?? { plan, id, places: [], inputs: [] };
        byEntity.set(id, part);
        part.places.push(place);
        part.inputs.push(input);
      }
      parts.push(...byEntity.values());
    }
    return parts;
  }

  async #recordParts(parts: readonly Part[], how: 'record' | 'preview'): Promise<(RecordedPart | Error)[]> {
    if (parts.length === 0) return [];
    try {
      return await this.#store.record(
        parts.map(({ plan, id, inputs }) => {
          const encoder = this.#encoders.get(plan.view) as RowEncoder;
          const rows = Buffer.alloc(inputs.length * encoder.rowBytes);
          for (const [row, input] of inputs.entries()) encoder.write(input, rows, row * encoder.rowBytes);
          return { plan, id, rows, rowCount: inputs.length };
        }),
        how,
      );
    } catch (error) {
      if (error instanceof UnavailableError) return parts.map(() => error);
      throw error;
    }
  }
}

interface Part {
  readonly plan: Plan;
  readonly id: string;
  /** Where its events stand in the batch. */
  readonly places: number[];
  readonly inputs: EventInput[];
}

interface Draft {
  readonly verdicts: RowVerdict[];
  readonly reasons: string[];
  readonly vectors: Map<View, Vector>;
  unavailable: string | null;
}

function assertId(view: View, id: string): void {
  const reason = invalidIdReason(id);
  if (reason) throw new InvalidIdError(`the ${view.entity.name}'s id ${reason}`);
}

function allServed<T>(found: readonly (T | Error)[]): T[] {
  return found.map((one) => {
    if (one instanceof Error) throw one;
    return one;
  });
}

/** When the views of an event differ, the first of these that any of them says. */
const precedence = ['RECORDED', 'DUPLICATE', 'TOO_LATE', 'FORGOTTEN', 'REJECTED'] as const;

function outcomeOf(event: Event, draft: Draft, rejected: string | null, toleranceMs: Milliseconds): RecordOutcome {
  const none = { occurredAt: null, vectors: draft.vectors };
  if (rejected !== null) return { status: 'REJECTED', reason: rejected, ...none };
  if (draft.unavailable !== null) return { status: 'UNAVAILABLE', reason: draft.unavailable, ...none };
  const status = precedence.find((one) => draft.verdicts.some((verdict) => verdict.status === one));
  const time = draft.verdicts.find((verdict) => verdict.status === status)?.time ?? null;
  switch (status) {
    case 'TOO_LATE':
      return { status, reason: `${event.time} is older than every window`, occurredAt: time, vectors: draft.vectors };
    case 'FORGOTTEN':
      return {
        status: 'TOO_LATE',
        reason: `${event.time} is older than the ids that are still remembered: it may have been recorded before`,
        occurredAt: time,
        vectors: draft.vectors,
      };
    case 'REJECTED':
      return {
        status,
        reason: `${event.time} is more than ${toleranceMs / 1_000} s ahead of the store's clock`,
        ...none,
      };
    case undefined:
      return { status: 'REJECTED', reason: `no view is fed by ${event.name}`, ...none };
    default:
      return { status, reason: draft.reasons[0] ?? null, occurredAt: time, vectors: draft.vectors };
  }
}
