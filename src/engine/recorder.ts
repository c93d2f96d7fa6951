import type { Event, Milliseconds, View } from '../define/index.ts';
import { rejection } from './admission.ts';
import { duplicateReason } from './duplicate.ts';
import type { LogStore } from './log-store.ts';
import { type EventInput, LogFaultError, type RecordOutcome, UnavailableError } from './outcome.ts';
import type { Part, RecordedPart, RecordPart } from './parts.ts';
import { Draft, outcomeOf } from './record-outcome.ts';
import type { Clock } from './registry.ts';
import type { RowVerdict } from './reply.ts';
import { RowEncoder } from './row-encoder.ts';
import { sortTies } from './ties.ts';
import type { Vector } from './vector.ts';

/**
 * Told of each view of each entity of which a call recorded something.
 * @param vector as after the whole call.
 * @param applied how many events the call newly recorded in it.
 */
export type RecordListener = (vector: Vector, applied: number) => void;

/** Takes events in: sorts them by view and entity, and puts together what became of each. */
export class Recorder {
  readonly #store: LogStore;
  readonly #timeRequired: boolean;
  readonly #toleranceMs: Milliseconds;
  readonly #onFault: (fault: LogFaultError) => void;
  readonly #encoders: ReadonlyMap<View, RowEncoder>;
  readonly #listeners = new Set<RecordListener>();
  /** Events that were rejected, by the field for which they were, such as `Transaction.amount`. */
  readonly rejected = new Map<string, number>();

  constructor(store: LogStore, clock: Clock, toleranceMs: Milliseconds, onFault: (fault: LogFaultError) => void) {
    this.#store = store;
    this.#timeRequired = clock === 'event';
    this.#toleranceMs = toleranceMs;
    this.#onFault = onFault;
    this.#encoders = new Map([...store.plans].map(([view, plan]) => [view, new RowEncoder(plan)]));
  }

  /** Has this one told of what is recorded from now on, before those who asked for it are. It cannot be stopped. */
  listen(listener: RecordListener): void {
    this.#listeners.add(listener);
  }

  /**
   * Records events of one kind, or tells what would come of a single one; what became of each, in the order sent.
   * @param among the views that are asked, of those that the event feeds; null: all.
   */
  async take(
    event: Event,
    inputs: readonly EventInput[],
    how: 'record' | 'preview',
    among: readonly View[] | null = null,
  ): Promise<RecordOutcome[]> {
    const rejected = inputs.map((input) => rejection(event, input, this.#timeRequired));
    const parts = this.#divide(event, inputs, rejected, among);
    const recorded = parts.length === 0 ? [] : await this.#recordParts(parts, how);
    for (const result of recorded) {
      if (result instanceof LogFaultError) this.#onFault(result);
      else if (how === 'record' && !(result instanceof Error)) this.#tell(result);
    }
    const fault = recorded.find(isOurs);
    if (fault) throw fault;

    const drafts = inputs.map(() => new Draft());
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
          const isRepeated = verdict.status === 'DUPLICATE';
          const reason = isRepeated ? duplicateReason(plan, inputs[place] as EventInput, verdict) : null;
          draft.take(plan.view, result.vector, verdict, reason);
        }
      }
    }
    const outcomes = drafts.map((draft, place) => outcomeOf(event, draft, rejected[place] ?? null, this.#toleranceMs));
    if (how === 'record')
      for (const { status, reason } of outcomes) if (status === 'REJECTED') this.#countRejected(event, reason);
    return outcomes;
  }

  /** A reason begins with the field that it is about, unless it is about none. */
  #countRejected(event: Event, reason: string | null): void {
    const [field = ''] = (reason ?? '').split(' ', 1);
    const name = `${event.name}.${field in event.fields ? field : 'other'}`;
    this.rejected.set(name, (this.rejected.get(name) ?? 0) + 1);
  }

  #tell({ vector, verdicts }: RecordedPart): void {
    if (this.#listeners.size === 0) return;
    const applied = verdicts.filter(({ status }) => status === 'RECORDED').length;
    if (applied > 0) for (const listener of this.#listeners) listener(vector, applied);
  }

  /** Sorts the events of a batch into parts: one for each view and entity that they concern. */
  #divide(
    event: Event,
    inputs: readonly EventInput[],
    rejected: readonly (string | null)[],
    among: readonly View[] | null,
  ): EventsOfPart[] {
    const parts: EventsOfPart[] = [];
    for (const [view, plan] of this.#store.plans) {
      if (view.event !== event || among?.includes(view) === false) continue;
      const byEntity = new Map<string, EventsOfPart>();
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

  #recordParts(parts: readonly EventsOfPart[], how: 'record' | 'preview'): Promise<readonly (RecordedPart | Error)[]> {
    const encoded = parts.map((part) => this.#encoded(part));
    return this.#store.record(encoded, how).catch((error: unknown) => {
      if (error instanceof UnavailableError) return parts.map(() => error);
      throw error;
    });
  }

  #encoded({ plan, id, inputs, places }: EventsOfPart): RecordPart {
    const encoder = this.#encoders.get(plan.view) as RowEncoder;
    const rows = Buffer.alloc(inputs.length * encoder.rowBytes);
    for (const [row, input] of inputs.entries()) encoder.write(input, rows, row * encoder.rowBytes);
    if (inputs.length > 1) sortTies(rows, places);
    return { plan, id, rows, rowCount: inputs.length };
  }
}

/** Whether something has failed for no reason that an event can be told. */
function isOurs(result: RecordedPart | Error): result is Error {
  return result instanceof Error && !(result instanceof UnavailableError) && !(result instanceof LogFaultError);
}

/** The events of a batch that concern one view of one entity. */
interface EventsOfPart extends Part {
  /** Where they stand in the batch. */
  readonly places: number[];
  /** As they were sent. */
  readonly inputs: EventInput[];
}
