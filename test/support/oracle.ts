/**
 * What a view must say, straight from its definition: arrays and filters over everything that ever happened to one
 * entity. It is slow and obviously right, it shares nothing with the engine, and it reads as the specification.
 */

import type {
  Aggregation,
  DerivedFeature,
  Event,
  Feature,
  Lifetime,
  SlidingWindow,
  View,
  Where,
} from '../../src/define/index.ts';

type Value = string | number | boolean | null | undefined;
export type Fields = { readonly [field: string]: Value };

/** An event that an entity's view took in. */
export interface Accepted {
  readonly fields: Fields;
  /** Its own time. */
  readonly at: number;
  /** The entity's now when it came. */
  readonly arrivedAt: number;
  /** It told no time, or one a little ahead of the store's: it was taken as now. */
  readonly takenAsNow?: true;
  /** It counts no more; its id stays known, and that it came still keeps a running figure from ending. */
  readonly retracted?: true;
}

/** In order of arrival. */
export type History = readonly Accepted[];

export type Verdict = 'RECORDED' | 'DUPLICATE' | 'TOO_LATE' | 'REJECTED';

/** What becomes of a correction; done again, it has no further effect. */
export type Correction = 'DONE' | 'AGAIN' | 'NOT_FOUND' | 'MISMATCH' | 'TOO_OLD';

/** What a feature is served as: a number (NaN is null), or a list of them. */
export type Answer = number | readonly number[];

/** What a feature must be served as: one of these, give or take. */
export interface Expected {
  readonly oneOf: readonly Answer[];
  readonly giveOrTake: number;
}

const toleranceMs = 5_000;
const dayMs = 86_400_000;
const leastSpread = 1e-150; // the squares of less are too small for a double

// Taking events in. ---------------------------------------------------------------------------------------------------

/** Whether an event keeps to the rules for ids and amounts, and has all that it must have. */
export function isWellFormed(event: Event, fields: Fields): boolean {
  return Object.entries(event.fields).every(([name, { type, optional }]) => {
    const value = fields[name];
    if (value == null) return optional === true;
    if (type === 'id') return typeof value === 'string' && isId(value);
    if (type === 'number') return typeof value === 'number' && Math.abs(value) <= 1e15;
    return type === 'boolean' ? typeof value === 'boolean' : Number.isFinite(value);
  });
}

function isId(text: string): boolean {
  const bytes = new TextEncoder().encode(text).length;
  return bytes >= 1 && bytes <= 256 && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** The event clock: an entity's now once it has taken in an event, its newest event's time. */
export function eventClock(view: View, history: History, fields: Fields): number {
  return Math.max(Number(fields[view.event.time]), ...history.map(({ at }) => at));
}

/** What becomes of an event that arrives when the entity's clock shows `now`, and the store's, if it is behind, `store`. */
export function take(
  view: View,
  history: History,
  fields: Fields,
  now: number,
  store = now,
): { verdict: Verdict; history: History } {
  const { id, time } = view.event;
  const given = Number(fields[time] ?? now);
  const takenAsNow = fields[time] == null || (given > now && given <= store + toleranceMs);
  const at = takenAsNow ? now : given;
  const known = history.filter((earlier) => earlier.at > now - Math.max(span(view) + view.historyMs, dayMs));

  if (!isWellFormed(view.event, fields)) return { verdict: 'REJECTED', history };
  if (known.some((earlier) => earlier.fields[id] === fields[id])) return { verdict: 'DUPLICATE', history };
  if (at > now) return { verdict: 'REJECTED', history };
  if (at <= now - span(view)) return { verdict: 'TOO_LATE', history };
  const taken: Accepted = { fields: { ...fields, [time]: at }, at, arrivedAt: now };
  return { verdict: 'RECORDED', history: [...history, takenAsNow ? { ...taken, takenAsNow } : taken] };
}

/** What becomes of a label that comes when the event is recorded already, and the entity's clock shows `now`. */
export function label(
  view: View,
  history: History,
  fields: Fields,
  now: number,
): { verdict: Correction; history: History } {
  const place = placeOf(view, history, fields, now);
  const known = history[place];
  const [name = ''] = Object.keys(view.event.fields).filter((field) => view.event.fields[field]?.label);

  if ((known?.at ?? Number(fields[view.event.time])) <= now - span(view)) return { verdict: 'TOO_OLD', history };
  if (!known || known.retracted) return { verdict: 'NOT_FOUND', history };
  if (known.fields[name] === fields[name]) return { verdict: 'AGAIN', history };
  return {
    verdict: 'DONE',
    history: history.with(place, { ...known, fields: { ...known.fields, [name]: fields[name] } }),
  };
}

/** What becomes of a retraction that says these fields, when the entity's clock shows `now`. */
export function retract(
  view: View,
  history: History,
  fields: Fields,
  now: number,
): { verdict: Correction; history: History } {
  const place = placeOf(view, history, fields, now);
  const known = history[place];

  if ((known?.at ?? Number(fields[view.event.time])) <= now - span(view)) return { verdict: 'TOO_OLD', history };
  if (!known) return { verdict: 'NOT_FOUND', history };
  if (known.retracted) return { verdict: 'AGAIN', history };
  const differs = (name: string) =>
    fields[name] !== known.fields[name] && !(name === view.event.time && known.takenAsNow);
  if (Object.keys(fields).some(differs)) return { verdict: 'MISMATCH', history };
  return { verdict: 'DONE', history: history.with(place, { ...known, retracted: true }) };
}

/** Where the event of an id stands whose id is still known; −1: nowhere. */
function placeOf(view: View, history: History, fields: Fields, now: number): number {
  const { id } = view.event;
  const memoryMs = Math.max(span(view) + view.historyMs, dayMs);
  return history.findLastIndex((one) => one.fields[id] === fields[id] && one.at > now - memoryMs);
}

/** The one status of an event that several views had a part of: what any of them did with it comes first. */
export function combine(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['RECORDED', 'DUPLICATE', 'TOO_LATE'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'REJECTED';
}

/** How far back an event still counts: the far edge of the longest window, or the longest idle time if none slides. */
export function span(view: View): number {
  const windows = view.features.map(({ aggregation }) => aggregation.window);
  const sliding = windows.filter((window) => window.kind === 'sliding');
  const lifetimes = windows.filter((window) => window.kind === 'lifetime');
  return sliding.length > 0
    ? Math.max(...sliding.map(({ delayMs, lengthMs }) => delayMs + lengthMs))
    : Math.max(...lifetimes.map(({ idleMs }) => idleMs));
}

// Reading. ------------------------------------------------------------------------------------------------------------

/** Every stored feature's value at the moment `t`, in the order of the view. */
export function valuesAt(view: View, history: History, t: number): Expected[] {
  return view.features.map(({ aggregation }) => featureValue(aggregation, history, t));
}

/** One feature over another, by what they are served as; null when there is none. */
export function ratioOf(view: View, { ratio }: DerivedFeature, served: readonly Answer[]): number | null {
  const [numerator, denominator] = (ratio ?? []).map((term) =>
    Number(served[view.features.findIndex(({ name }) => name === term)]),
  ) as [number, number];
  return Number.isNaN(numerator) || Number.isNaN(denominator) || denominator === 0 ? null : numerator / denominator;
}

/** The first moment after `t` at which an event crosses the edge of a window or an idle time ends; null: never. */
export function validUntilAt(view: View, history: History, t: number): number | null {
  const moments = view.features.flatMap(({ aggregation }) => {
    const { window } = aggregation;
    if (window.kind === 'lifetime') {
      return relevant(aggregation, history)
        .slice(-1)
        .map(({ arrivedAt }) => arrivedAt + window.idleMs);
    }
    const ages = [window.delayMs, window.delayMs + window.lengthMs];
    return history.flatMap(({ at }) => ages.map((age) => at + age));
  });
  const ahead = moments.filter((moment) => moment > t);
  return ahead.length > 0 ? Math.min(...ahead) : null;
}

/** Whether a value is what it must be. */
export function meets(actual: Answer, { oneOf, giveOrTake }: Expected): boolean {
  return oneOf.some((value) => areAlike(value, actual, giveOrTake));
}

/** Whether two answers are the same, number by number, give or take. */
export function areAlike(one: Answer, other: Answer, giveOrTake: number): boolean {
  if (typeof one === 'number' || typeof other === 'number') {
    return Object.is(one, other) || Math.abs(Number(one) - Number(other)) <= giveOrTake;
  }
  return one.length === other.length && one.every((value, i) => areAlike(value, other[i] as number, giveOrTake));
}

/** The features that are served as something else than they must be, each with both values. */
export function disagreements(view: View, values: readonly Answer[], expected: readonly Expected[]): string[] {
  return view.features.flatMap(({ name }: Feature, index) => {
    const actual = values[index] ?? Number.POSITIVE_INFINITY;
    const wanted = expected[index] ?? exactly(Number.POSITIVE_INFINITY);
    return meets(actual, wanted)
      ? []
      : [`${name} is ${shown(actual)}, must be ${wanted.oneOf.map(shown).join(' or ')}`];
  });
}

export function shown(answer: Answer): string {
  return typeof answer === 'number' ? String(answer) : `[${answer.join(', ')}]`;
}

function featureValue(aggregation: Aggregation, history: History, t: number): Expected {
  const { kind, field, n, window } = aggregation;
  const candidates = relevant(aggregation, history);
  const reached = window.kind === 'sliding' ? within(window, candidates, t) : sinceIdle(window, candidates, t);
  const inside = reached.filter(({ retracted }) => !retracted);
  const values = inside.map(({ fields }) => fields[field ?? '']);

  switch (kind) {
    case 'count':
      return exactly(inside.length);
    case 'rate':
      return exactly(inside.length / ((window as SlidingWindow).lengthMs / 1000));
    case 'distinct':
      return exactly(new Set(values).size);
    case 'share':
      return near(values.filter((value) => value === true).length / values.length, 1e-15);
    case 'last':
      return newest(window, inside, values.map(Number));
    case 'first':
      return exactly(newestFirst(inside, values.map(Number)).at(-1) ?? Number.NaN);
    case 'lastN':
      return { oneOf: [newestFirst(inside, values.map(Number)).slice(0, n)], giveOrTake: 0 };
    case 'timeSinceLast':
      return exactly(inside.length > 0 ? (t - Math.max(...inside.map(({ at }) => at))) / 1000 : Number.NaN);
    default: {
      // What was in a running figure, and was taken out again, has cost it digits: there is nothing to fold it anew from.
      const counted = window.kind === 'lifetime' ? reached : inside;
      const largest = Math.max(0, ...counted.map(({ fields }) => Math.abs(Number(fields[field ?? '']))));
      return statistic(kind, values.map(Number), largest);
    }
  }
}

function statistic(
  kind: 'sum' | 'avg' | 'min' | 'max' | 'stddev',
  numbers: readonly number[],
  largest: number,
): Expected {
  const sum = exactSum(numbers);
  if (kind === 'sum') return near(sum, 1e-12, 1e-26 * largest);
  if (numbers.length === 0) return exactly(Number.NaN);
  switch (kind) {
    case 'avg':
      return near(sum / numbers.length, 1e-9, 1e-26 * largest);
    case 'min':
      return exactly(Math.min(...numbers));
    case 'max':
      return exactly(Math.max(...numbers));
    case 'stddev':
      return near(spread(numbers, sum / numbers.length), 1e-9, Math.max(1e-12 * largest, leastSpread));
  }
}

/** By the events' own time. Of several at one moment, a lifetime keeps the greatest; a window any. */
function newest(window: SlidingWindow | Lifetime, inside: History, numbers: readonly number[]): Expected {
  const latest = Math.max(...inside.map(({ at }) => at));
  const tied = numbers.filter((_, index) => inside[index]?.at === latest);
  if (tied.length === 0) return exactly(Number.NaN);
  return { oneOf: window.kind === 'lifetime' ? [Math.max(...tied)] : tied, giveOrTake: 0 };
}

/** By the events' own time, newest first; of several at one moment, the greatest first. */
function newestFirst(inside: History, numbers: readonly number[]): number[] {
  const timed = numbers.map((number, index) => ({ number, at: inside[index]?.at ?? 0 }));
  return timed.sort((a, b) => b.at - a.at || b.number - a.number).map(({ number }) => number);
}

/** The events that an aggregation looks at: they pass its filter and have its field. A share counts null as not true. */
function relevant({ kind, field, where }: Aggregation, history: History): History {
  return history
    .filter(({ fields }) => passes(where ?? {}, fields))
    .filter(({ fields }) => kind === 'share' || field === undefined || fields[field] != null);
}

/** `(t − length − delay, t − delay]`: the left edge is out, the right edge is in. */
function within({ lengthMs, delayMs }: SlidingWindow, history: History, t: number): History {
  return history.filter(({ at }) => at > t - lengthMs - delayMs && at <= t - delayMs);
}

/** What came since nothing came for as long as the idle time. */
function sinceIdle({ idleMs }: Lifetime, history: History, t: number): History {
  const breaks = history.map(({ arrivedAt }, index) => (history[index + 1]?.arrivedAt ?? t) - arrivedAt >= idleMs);
  return history.slice(breaks.lastIndexOf(true) + 1);
}

function passes(where: Where, fields: Fields): boolean {
  return Object.entries(where).every(([field, condition]) =>
    Object.entries<unknown>({ ...condition }).every(([operator, operand]) =>
      holds(fields[field] ?? null, operator, operand),
    ),
  );
}

/** Null is not equal to anything, and it is neither more nor less nor one of any. */
function holds(value: Value, operator: string, operand: unknown): boolean {
  if (operator === 'ne') return value !== operand;
  if (value === null) return false;
  if (operator === 'eq') return value === operand;
  if (operator === 'in') return Array.isArray(operand) && operand.includes(value);
  const [number, bound] = [Number(value), Number(operand)];
  if (operator === 'gt') return number > bound;
  if (operator === 'gte') return number >= bound;
  if (operator === 'lt') return number < bound;
  return number <= bound;
}

// Arithmetic. ---------------------------------------------------------------------------------------------------------

const exactly = (value: number): Expected => ({ oneOf: [value], giveOrTake: 0 });

const near = (value: number, relative: number, absolute = 0): Expected => ({
  oneOf: [value],
  giveOrTake: Math.max(relative * Math.abs(value), absolute),
});

/** Population standard deviation, about a mean that is as exact as a double can be. */
function spread(numbers: readonly number[], mean: number): number {
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length);
}

/** A sum without rounding on the way: doubles are whole multiples of 2^−1074. */
export function exactSum(numbers: readonly number[]): number {
  const total = numbers.map(toFixedPoint).reduce((sum, number) => sum + number, 0n);
  const excessBits = BigInt(Math.max(0, total.toString(2).length - 64));
  return Number(total >> excessBits) * 2 ** (Number(excessBits) - 1074);
}

function toFixedPoint(number: number): bigint {
  let [whole, shift] = [number, 1074n];
  while (!Number.isInteger(whole)) [whole, shift] = [whole * 2, shift - 1n];
  return BigInt(whole) << shift;
}
