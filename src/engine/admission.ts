import type { Entity, Event, EventField } from '../define/index.ts';
import { type EventInput, type FieldValue, InvalidIdError } from './outcome.ts';

/** Longest id, in bytes of UTF-8. */
const longestIdBytes = 256;
/** Largest magnitude of a number in an event: sums of many stay exact to the last digits. */
const largestNumber = 1e15;

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point.
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

/** Why an id is refused; null when it is fine: 1 to 256 bytes of well-formed UTF-8 without control characters. */
export function invalidIdReason(id: string): string | null {
  if (id.length === 0) return 'is empty';
  if (id.length > longestIdBytes || Buffer.byteLength(id) > longestIdBytes) {
    return `is longer than ${longestIdBytes} bytes of UTF-8`;
  }
  if (controlCharacter.test(id)) return 'has a control character';
  if (!id.isWellFormed()) return 'is not well-formed Unicode';
  return null;
}

/** The error of an entity's id that is refused; null when it is fine. */
export function invalidIdError(entity: Entity, id: string): InvalidIdError | null {
  const reason = invalidIdReason(id);
  return reason === null ? null : new InvalidIdError(`the ${entity.name}'s id ${reason}`);
}

/** Why an event is refused before it is sent anywhere; null when it is fine. */
export function rejection(event: Event, input: EventInput, timeRequired: boolean): string | null {
  for (const name in event.fields) {
    const field = event.fields[name] as EventField;
    const value = input[name];
    if (value === undefined || value === null) {
      if (name === event.time) {
        if (timeRequired) return `${name} is required: this service keeps time by its events`;
      } else if (!field.optional) {
        return `${name} is required`;
      }
      continue;
    }
    const reason = invalidValueReason(field, value);
    if (reason) return `${name} ${reason}`;
  }
  return null;
}

/** Why what is told of a recorded event is refused; null when it is fine. All of these fields must be there. */
export function correctionRejection(event: Event, fields: readonly string[], input: EventInput): string | null {
  for (const name of fields) {
    const value = input[name];
    const reason =
      value === undefined || value === null
        ? 'is required'
        : invalidValueReason(event.fields[name] as EventField, value);
    if (reason) return `${name} ${reason}`;
  }
  return null;
}

function invalidValueReason({ type }: EventField, value: NonNullable<FieldValue>): string | null {
  if (type === 'id') return typeof value === 'string' ? invalidIdReason(value) : 'is not a string';
  if (type === 'boolean') return typeof value === 'boolean' ? null : 'is not a boolean';
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'is not a finite number';
  if (type === 'number' && Math.abs(value) > largestNumber) {
    return `is beyond ${largestNumber.toExponential().replace('+', '')} either way`;
  }
  return null;
}
