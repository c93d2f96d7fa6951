import type { EpochMs } from '../engine/index.ts';

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** The instants whose year has four digits in UTC: what RFC 3339 can say. */
const earliest = Date.parse('0000-01-01T00:00:00.000Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads an RFC 3339 date-time with any offset. Digits past the millisecond are cut, not rounded: rounding could move an
 * event into the next window. A leap second is refused, since epoch time has no place for it.
 * @returns null if the text is not one, or names a moment that the calendar does not have.
 */
export function parseDateTime(text: string): EpochMs | null {
  const match = rfc3339.exec(text);
  if (!match) return null;
  const [, date, time, fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match;
  const wallClock = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const ms = Date.parse(wallClock);
  // Date.parse takes 30 February for 1 March, and 24:00 for the next day.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== wallClock) return null;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return null;
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  const instant = sign === '-' ? ms + offsetMs : ms - offsetMs;
  return isDateTime(instant) ? instant : null;
}

/** Whether a number is an instant that `formatDateTime` can write. */
export function isDateTime(instant: EpochMs): boolean {
  return Number.isInteger(instant) && instant >= earliest && instant <= latest;
}

/** Writes an instant in UTC with milliseconds: `2026-01-31T09:30:00.000Z`. */
export function formatDateTime(instant: EpochMs): string {
  return new Date(instant).toISOString();
}
