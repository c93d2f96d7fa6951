import type { Duration, Milliseconds } from './duration.ts';
import { parseDuration } from './duration.ts';
import type { Event, FieldOf } from './event.ts';
import type { Where, WhereOf } from './where.ts';

export type AggregationKind =
  | 'count'
  | 'rate'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'stddev'
  | 'share'
  | 'first'
  | 'last'
  | 'lastN'
  | 'timeSinceLast'
  | 'distinct';

/** A sliding window `(t − lengthMs − delayMs, t − delayMs]`. */
export interface SlidingWindow {
  readonly kind: 'sliding';
  /** As it was written. */
  readonly length: string;
  /** As it was written; left out, the window ends now. */
  readonly delay: string | undefined;
  readonly lengthMs: Milliseconds;
  readonly delayMs: Milliseconds;
}

/**
 * All events that the aggregation takes in since none came for `idleMs`: a running figure that goes by arrival.
 */
export interface Lifetime {
  readonly kind: 'lifetime';
  /** As it was written. */
  readonly idle: string;
  readonly idleMs: Milliseconds;
}

/**
 * One aggregation over one window. `Field` and `Filter` are there for the view, which checks them against its event.
 * Every aggregation passes over events in which its field is null; `share` counts them as not true.
 */
export interface Aggregation<
  Kind extends AggregationKind = AggregationKind,
  Field extends string = string,
  Filter extends Where = Where,
> {
  readonly kind: Kind;
  readonly field: Field | undefined;
  /** Of `lastN`: how many values it lists at most. */
  readonly n: number | undefined;
  readonly window: SlidingWindow | Lifetime;
  readonly where: Filter | undefined;
  readonly description: string | undefined;
  /** Only a type: the fields that the filter names, so that a misspelt one beside a good one is caught too. */
  readonly filtered?: keyof Filter & string;
}

/** The aggregations that make sense for the fields of `E`. */
export type AggregationOn<E extends Event> =
  | Aggregation<'count' | 'rate' | 'timeSinceLast', never, WhereOf<E>>
  | Aggregation<'sum' | 'avg' | 'min' | 'max' | 'stddev', FieldOf<E, 'number'>, WhereOf<E>>
  | Aggregation<'share', FieldOf<E, 'boolean'>, WhereOf<E>>
  | Aggregation<'first' | 'last' | 'lastN', FieldOf<E, 'number' | 'boolean' | 'time'>, WhereOf<E>>
  | Aggregation<'distinct', FieldOf<E, 'id'>, WhereOf<E>>;

/** Options that every aggregation takes. */
interface Common<Filter extends Where> {
  /** Only events for which all conditions hold. */
  readonly where?: Filter;
  /** What the feature means to whoever reads it; left out, one is made from the aggregation. */
  readonly description?: string;
}

interface Sliding {
  /** How far back the window reaches. */
  readonly window: Duration;
  /** How long ago the window ends, for what is known late, such as a fraud label. */
  readonly delay?: Duration;
}

interface Running {
  readonly window: Lifetime;
  readonly delay?: never;
}

/** Options of what is kept only as it was last: it answers windows that end now. */
interface EndingNow {
  readonly window: Duration;
  readonly delay?: never;
}

type Options<Filter extends Where> = Common<Filter> & (Sliding | Running);

/** Number of events. */
export const count = <const Filter extends Where = Where>(options: Options<Filter>) =>
  aggregation<'count', never, Filter>('count', undefined, options);

/** Events a second, over the whole length of the window; 0 when it is empty. */
export const rate = <const Filter extends Where = Where>(options: Common<Filter> & Sliding) =>
  aggregation<'rate', never, Filter>('rate', undefined, options);

/** Sum of a number; 0 when the window is empty. */
export const sum = over('sum');

/** Mean of a number; null when the window is empty. */
export const avg = over('avg');

/** Smallest of a number; null when the window is empty. */
export const min = over('min');

/** Largest of a number; null when the window is empty. */
export const max = over('max');

/** Population standard deviation of a number; null when the window is empty. */
export const stddev = over('stddev');

/** Events whose boolean is true, of all events: from 0 to 1; null when the window is empty. Null counts as not true. */
export const share = over('share');

/** The value of the oldest event in the window by its own time; of several at one moment, the one with the least value. */
export const first = <const Field extends string, const Filter extends Where = Where>(
  field: Field,
  options: Common<Filter> & Sliding,
) => aggregation<'first', Field, Filter>('first', field, options);

/** The value of the newest event by its own time; of several at one moment, always the same one. */
export const last = over('last');

/** The longest list that `lastN` may ask for. */
export const longestList = 100;

/**
 * The values of the newest `n` events by their own time, newest first; of several at one moment, the one with the
 * greatest value first. A list, empty when the window is.
 */
export const lastN = <const Field extends string, const Filter extends Where = Where>(
  field: Field,
  options: Common<Filter> & Sliding & { readonly n: number },
) => aggregation<'lastN', Field, Filter>('lastN', field, options);

/**
 * Seconds since the newest event, at the moment of reading; null when the window is empty. Only that event's time is
 * stored, so that nothing has to be written while it grows.
 */
export const timeSinceLast = <const Filter extends Where = Where>(options: Common<Filter> & EndingNow) =>
  aggregation<'timeSinceLast', never, Filter>('timeSinceLast', undefined, options);

/**
 * Number of different ids. It takes no `delay`: what is kept is when each value was last seen, which answers only
 * windows that end now.
 */
export const distinct = <const Field extends string, const Filter extends Where = Where>(
  field: Field,
  options: Common<Filter> & EndingNow,
) => aggregation<'distinct', Field, Filter>('distinct', field, options);

/** A window without an edge: everything since the entity was last idle for as long as `idle`. */
export function lifetime(options: { readonly idle: Duration }): Lifetime {
  return { kind: 'lifetime', idle: options.idle, idleMs: parseDuration(options.idle) };
}

function over<Kind extends AggregationKind>(kind: Kind) {
  return <const Field extends string, const Filter extends Where = Where>(field: Field, options: Options<Filter>) =>
    aggregation<Kind, Field, Filter>(kind, field, options);
}

function aggregation<Kind extends AggregationKind, Field extends string, Filter extends Where>(
  kind: Kind,
  field: Field | undefined,
  options: Options<Filter> & { readonly n?: number },
): Aggregation<Kind, Field, Filter> {
  const { n, window, delay, where, description } = options;
  return {
    kind,
    field,
    n,
    window: isLifetime(window)
      ? window
      : {
          kind: 'sliding',
          length: window,
          delay,
          lengthMs: parseDuration(window),
          delayMs: delay === undefined ? 0 : parseDuration(delay),
        },
    where: where && Object.keys(where).length === 0 ? undefined : where,
    description,
  };
}

/** Whatever else stands there is to be a duration; the view says so if it is none. */
function isLifetime(window: Duration | Lifetime): window is Lifetime {
  return (window as Lifetime | undefined)?.kind === 'lifetime';
}
