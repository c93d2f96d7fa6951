import type { Event } from '../define/index.ts';
import type { EventInput } from './outcome.ts';

/** Longest id, in bytes of UTF-8. */
export const longestIdBytes = 256;
/** Largest magnitude of a number in an event: sums of many stay exact to the last digits. */
export const largestNumber = 1e15;

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

/** Why an event is refused before it is sent anywhere; null when it is fine. */
export function rejection(event: Event, input: EventInput, timeRequired: boolean): string | null {
  for (const name in event.fields) {
    const { type, optional = false } = event.fields[name] as (typeof event.fields)[string];
    const value = input[name];
    if (value === undefined || value === null) {
      if (name === event.time) {
        if (timeRequired) return `${name} is required: this service keeps time by its events`;
      } else if (!optional) {
        return `${name} is required`;
      }
      continue;
    }
    if (type === 'id') {
      const reason = typeof value === 'string' ? invalidIdReason(value) : 'is not a string';
      if (reason) return `${name} ${reason}`;
    } else if (type === 'boolean') {
      if (typeof value !== 'boolean') return `${name} is not a boolean`;
    } else if (typeof value !== 'number' || !Number.isFinite(value)) {
      return `${name} is not a finite number`;
    } else if (type === 'number' && Math.abs(value) > largestNumber) {
      return `${name} is beyond ${largestNumber.toExponential().replace('+', '')} either way`;
    }
  }
  return null;
}
