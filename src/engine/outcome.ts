import type { View } from '../define/index.ts';
import { movingReason } from '../valkey/index.ts';
import type { EpochMs, Vector } from './vector.ts';

/** A field's value as it came in: an id, a number, a boolean, or a time in milliseconds since 1970. */
export type FieldValue = string | number | boolean | null | undefined;

/** One event to record: its fields by name. Ids and numbers are checked by the engine. */
export type EventInput = { readonly [field: string]: FieldValue };

/** What became of an event: UNAVAILABLE if one of its views was; else the first of the others, in this order, that any says. */
export type RecordStatus = 'RECORDED' | 'DUPLICATE' | 'TOO_LATE' | 'REJECTED' | 'UNAVAILABLE';

/** What became of an event, and the features that it changed. */
export interface RecordOutcome {
  readonly status: RecordStatus;
  /** Why it was not recorded, or how a duplicate differs from the original. */
  readonly reason: string | null;
  /** The recorded time; a duplicate's original where known; null when rejected or unavailable. */
  readonly occurredAt: EpochMs | null;
  /** Of each view that was reached: the vector as it is after the whole batch. */
  readonly vectors: ReadonlyMap<View, Vector>;
}

/** An entity's id breaks the rules; the message says which entity's, and how. */
export class InvalidIdError extends Error {
  override readonly name = 'InvalidIdError';
  readonly code = 'ID_INVALID';
}

/** Valkey could not be reached in time, or could not serve. What was sent may or may not have happened; a retry is safe. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  readonly code = 'UNAVAILABLE';
}

/** Of an entity whose keys are on their way to another server of a cluster. */
export function movingError(): UnavailableError {
  return new UnavailableError(movingReason);
}

/** What is stored of one entity cannot be used: another type of key under its name, say. Waiting does not mend it. */
export class LogFaultError extends Error {
  override readonly name = 'LogFaultError';
  readonly code = 'LOG_FAULT';
}
