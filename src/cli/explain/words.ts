import type { Milliseconds } from '../../define/index.ts';
import type { EpochMs } from '../../engine/index.ts';
import type { PlainValue } from '../plain-values.ts';

/** A whole number with its thousands apart; another as it is. */
export function number(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(value);
}

export function value(one: PlainValue): string {
  if (one === null) return 'null';
  if (typeof one === 'number') return number(one);
  return typeof one === 'object' ? `[${one.map(value).join(', ')}]` : String(one);
}

const shortDigits = 6;

/** A bound with few digits, rounded away from what it bounds. */
export function shortBound(bound: PlainValue, side: 'lower' | 'upper'): string {
  if (typeof bound !== 'number' || Number.isInteger(bound)) return value(bound);
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(bound))) + 1 - shortDigits);
  const rounded = (side === 'lower' ? Math.floor : Math.ceil)(bound / unit) * unit;
  return number(Number(rounded.toPrecision(shortDigits)));
}

/** `1 event`, `1,523 events`. */
export function many(count: number, thing: string): string {
  return `${number(count)} ${thing}${count === 1 ? '' : 's'}`;
}

export function moment(at: EpochMs | null): string {
  return at === null ? 'never' : new Date(at).toISOString();
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A length of time in its two largest units: `3 h 12 min`, `43 s`, `120 ms`. */
export function span(length: Milliseconds): string {
  const largest = units.findIndex(([, ms]) => length >= ms);
  const unit = units[largest];
  if (!unit) return `${length} ms`;
  const [name, ms] = unit;
  const [smaller, smallerMs] = units[largest + 1] ?? ['ms', 1];
  const rest = Math.floor((length % ms) / smallerMs);
  return `${Math.floor(length / ms)} ${name}${rest > 0 && name !== 's' ? ` ${rest} ${smaller}` : ''}`;
}

/** `in 43 s`, `2 h ago`. */
export function fromNow(ms: Milliseconds): string {
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`;
}
