import type { Feature } from '../api/catalogue.ts';
import type { FeatureValue } from '../api/documents.ts';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const small = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const time = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** What there is to say of no value. */
export const noValue = '–';

export function formatNumber(value: number, type: string): string {
  if (type === 'Int' || (Number.isInteger(value) && Math.abs(value) >= 1_000_000)) return whole.format(value);
  if (value !== 0 && Math.abs(value) < 1) return small.format(value);
  return cents.format(value);
}

/** A value for people; times are as long ago as they are at `now`. */
export function formatValue(value: FeatureValue, { type }: Feature, now: number): string {
  if (value === null || value === undefined) return noValue;
  if (Array.isArray(value)) {
    const items = (value as readonly FeatureValue[]).map((item) => formatItem(item, type, now));
    return items.length > 0 ? items.join(', ') : noValue;
  }
  return formatItem(value as FeatureValue, type, now);
}

function formatItem(value: FeatureValue, type: string, now: number): string {
  if (typeof value === 'number') return formatNumber(value, type.replace(/[[\]!]/g, ''));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (type.includes('DateTime')) return `${formatAge(now - Date.parse(String(value)))} ago`;
  return String(value);
}

/** Such as `12:03:04`, or `Mar 3, 12:03:04` of another day. */
export function formatMoment(ms: number): string {
  const moment = new Date(ms);
  const today = new Date().toDateString() === moment.toDateString();
  return today ? time.format(moment) : `${day.format(moment)}, ${time.format(moment)}`;
}

/** Such as `12 s`, `3 min`, `2 h 5 min` or `4 d`; what is not over yet is `0 s`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}
