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
  return parseUsual(text) ?? parseAny(text);
}

/** `2026-01-31T09:30:00.000Z`, which is what most clients send, without looking for anything else. Null: it is not that. */
function parseUsual(text: string): EpochMs | null {
  if (text.length !== 24 || text.charCodeAt(10) !== 0x54 || text.charCodeAt(19) !== 0x2e) return null; // T, .
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || text.charCodeAt(23) !== 0x5a) return null; // -, -, Z
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return null; // :, :
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const [month, day] = [twoDigits(text, 5), twoDigits(text, 8)];
  const [hours, minutes, seconds] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  const milliseconds = 10 * twoDigits(text, 20) + digit(text, 22);
  // The 29th of February, and years that Date.UTC takes for others, are looked up in the calendar. NaN is within nothing.
  const isPlain = year >= 1000 && day >= 1 && day <= (daysOf[month - 1] ?? 0);
  if (!isPlain || !(hours <= 23) || !(minutes <= 59) || !(seconds <= 59) || !(milliseconds <= 999)) return null;
  return Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds);
}

/** Of months, of every year. */
const daysOf = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function twoDigits(text: string, at: number): number {
  return 10 * digit(text, at) + digit(text, at + 1);
}

function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 0x30;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

function parseAny(text: string): EpochMs | null {
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
