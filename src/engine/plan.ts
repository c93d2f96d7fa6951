import { createHash } from 'node:crypto';
import type { Aggregation, AggregationKind, Milliseconds, View, Where } from '../define/index.ts';
import { canonicalWhere, DefinitionError } from '../define/index.ts';
import { stem } from './keys.ts';

/** Ids are remembered at least this long, so that a retry is recognised; DESIGN calls it the horizon. */
export const duplicateHorizonMs: Milliseconds = 86_400_000;

/** Flags of a cell are bits of one 32-bit word, of which the engine keeps the last two for itself. */
export const mostFlags = 30;
/** Which of these an event has are bits of one 32-bit word. */
const mostDistinctFields = 32;
/** So is which of these a repeated event has otherwise. */
const mostColumns = 32;
/** An upgrade tells places of features in single bytes. */
const mostFeatures = 255;

/** A running aggregate that one pass over the log feeds: a delay, a filter and a field. */
export interface Lane {
  /** Flag bits of which one must be set; 0: every event. */
  readonly mask: number;
  /** From 1; 0: counts alone; −1: the event's own time. */
  readonly column: number;
  /** Flag bit of the boolean whose share is wanted; 0: none. */
  readonly trueMask: number;
  /** What is wanted of the column beside the newest value. */
  readonly sums: boolean;
  readonly extremes: boolean;
  readonly spread: boolean;
}

/** A running figure that goes by arrival, kept in the log's header. */
export interface LifetimeLane extends Lane {
  readonly idleMs: Milliseconds;
  /** Indexes of features, from 0. */
  readonly features: readonly number[];
}

/** An age at which cells enter or leave windows. */
export interface Edge {
  readonly ageMs: Milliseconds;
  /** Indexes of lanes that begin to gather here. */
  readonly enter: readonly number[];
  /** Indexes of features whose window ends here. */
  readonly leave: readonly number[];
}

/** When each value of a field (under a filter) was last seen: what distinct counts are made of. */
export interface SeenSet {
  /** Part of the key's name; it does not change when other features come. */
  readonly name: string;
  /** Index into `distinctFields`, from 0. */
  readonly field: number;
  readonly mask: number;
  /** Shortest first. */
  readonly windows: readonly { readonly feature: number; readonly lengthMs: Milliseconds }[];
}

export type FlagTest =
  | { readonly test: 'true'; readonly field: string }
  | { readonly test: 'where'; readonly where: Where };

/** What an old log must tell of its layout for a new library to bring it up to date: names, in their order. */
export interface Layout {
  readonly features: readonly string[];
  readonly columns: readonly string[];
  readonly flags: readonly string[];
  readonly lifetimes: readonly string[];
  readonly seen: readonly string[];
}

/** A view as flat numbers: what the function library folds by, and what an event is encoded by. */
export interface Plan {
  readonly view: View;
  /** Its place among the views of its library, from 1. */
  readonly index: number;
  readonly stem: string;
  readonly layout: Layout;
  /** Eight characters that stand at the head of every log of this layout. */
  readonly layoutHash: string;
  /** Fields of the event kept as a double in each cell. */
  readonly columns: readonly string[];
  readonly flags: readonly FlagTest[];
  readonly distinctFields: readonly string[];
  readonly lanes: readonly Lane[];
  readonly lifetimes: readonly LifetimeLane[];
  readonly edges: readonly Edge[];
  readonly seen: readonly SeenSet[];
  /** An event at least this old is too late: no window holds it. */
  readonly spanMs: Milliseconds;
  /** Cells are kept this long: the span, or the horizon of duplicates where that is longer. */
  readonly keepMs: Milliseconds;
  /** Per feature: its aggregation, and the lane it is read from (−1 where it is not read from a lane). */
  readonly features: readonly { readonly kind: AggregationKind; readonly lane: number }[];
}

/** Flattens a view. `place`: where it stands among the views of its library, from 0. */
export function planView(view: View, place = 0): Plan {
  const columns = new Registry<string>((name) => name);
  const flags = new Registry<FlagTest>((flag) =>
    flag.test === 'true' ? `true:${flag.field}` : `where:${canonicalWhere(flag.where)}`,
  );
  const distinctFields = new Registry<string>((name) => name);
  const lanes = new Registry<Writable<Lane> & { delayMs: Milliseconds }>((lane) =>
    [lane.delayMs, lane.mask, lane.column, lane.trueMask].join(),
  );
  const lifetimes = new Registry<Writable<Lane> & { idleMs: Milliseconds; text: string; features: number[] }>(
    (lane) => lane.text,
  );
  const seen = new Registry<SeenSet & { windows: { feature: number; lengthMs: Milliseconds }[] }>((set) => set.name);
  const edges = new Map<Milliseconds, { ageMs: Milliseconds; enter: number[]; leave: number[] }>();
  const edgeAt = (ageMs: Milliseconds) => {
    const edge = edges.get(ageMs) ?? { ageMs, enter: [], leave: [] };
    edges.set(ageMs, edge);
    return edge;
  };
  const laneOf = ({ kind, field, where }: Aggregation): Lane => ({
    mask: where ? 2 ** flags.place({ test: 'where', where }) : 0,
    column: columnOf(view, kind, field, columns),
    trueMask: kind === 'share' && field !== undefined ? 2 ** flags.place({ test: 'true', field }) : 0,
    sums: kind === 'sum' || kind === 'avg',
    extremes: kind === 'min' || kind === 'max',
    spread: kind === 'stddev',
  });

  const features = view.features.map(({ aggregation }, feature) => {
    const { kind, field, window, where } = aggregation;
    if (window.kind === 'lifetime') {
      const lane = laneOf(aggregation);
      const text = [
        kind === 'count' ? '' : kind === 'share' ? `true:${field}` : field,
        where ? canonicalWhere(where) : '',
        window.idleMs,
      ].join('|');
      const shared = lifetimes.at({ ...lane, idleMs: window.idleMs, text, features: [] });
      // All of it, so that a definition that grows finds it gathered.
      shared.sums = shared.extremes = shared.spread = true;
      shared.features.push(feature);
      return { kind, lane: -1 };
    }
    const leaving = edgeAt(window.delayMs + window.lengthMs);
    if (kind === 'distinct' && field !== undefined) {
      const mask = where ? 2 ** flags.place({ test: 'where', where }) : 0;
      const set = seen.at({
        name: where ? `${field}~${shortHash(canonicalWhere(where))}` : field,
        field: distinctFields.place(field),
        mask,
        windows: [],
      });
      set.windows.push({ feature, lengthMs: window.lengthMs });
      return { kind, lane: -1 };
    }
    const wanted = { ...laneOf(aggregation), delayMs: window.delayMs };
    const lane = lanes.place(wanted);
    const shared = lanes.at(wanted);
    shared.sums ||= wanted.sums;
    shared.extremes ||= wanted.extremes;
    shared.spread ||= wanted.spread;
    const entering = edgeAt(window.delayMs);
    if (!entering.enter.includes(lane)) entering.enter.push(lane);
    leaving.leave.push(feature);
    return { kind, lane };
  });
  assertAtMost(mostFeatures, view.features.length, 'features', view);
  assertAtMost(mostFlags, flags.items.length, 'different filters and shares', view);
  assertAtMost(mostColumns, columns.items.length, 'different numbers to aggregate', view);
  assertAtMost(mostDistinctFields, distinctFields.items.length, 'fields whose different values are counted', view);
  for (const set of seen.items) set.windows.sort((a, b) => a.lengthMs - b.lengthMs);

  const layout: Layout = {
    features: view.features.map(({ name }) => name),
    columns: columns.items,
    flags: flags.names(),
    lifetimes: lifetimes.names(),
    seen: seen.names(),
  };
  const sortedEdges = [...edges.values()].sort((a, b) => a.ageMs - b.ageMs);
  const longestIdleMs = Math.max(0, ...lifetimes.items.map(({ idleMs }) => idleMs));
  const spanMs = sortedEdges.at(-1)?.ageMs || longestIdleMs;
  return {
    view,
    index: place + 1,
    stem: stem(view),
    layout,
    layoutHash: shortHash(JSON.stringify(layout)),
    columns: columns.items,
    flags: flags.items,
    distinctFields: distinctFields.items,
    lanes: lanes.items,
    lifetimes: lifetimes.items,
    edges: sortedEdges,
    seen: seen.items,
    spanMs,
    keepMs: Math.max(spanMs, duplicateHorizonMs),
    features,
  };
}

function assertAtMost(most: number, found: number, what: string, view: View): void {
  if (found <= most) return;
  throw new DefinitionError(
    `view ${view.name}: has ${found} ${what}, of which one view can have ${most}; split the view`,
  );
}

/** The column an aggregation reads, from 1; 0 where it reads none, −1 where it reads the event's own time. */
function columnOf(view: View, kind: AggregationKind, field: string | undefined, columns: Registry<string>): number {
  if (kind === 'count' || kind === 'share' || field === undefined) return 0;
  return field === view.event.time ? -1 : columns.place(field) + 1;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Things in the order of their first mention, each once. */
class Registry<T> {
  readonly items: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #name: (item: T) => string;

  constructor(name: (item: T) => string) {
    this.#name = name;
  }

  place(item: T): number {
    const name = this.#name(item);
    const place = this.#places.get(name) ?? this.items.push(item) - 1;
    this.#places.set(name, place);
    return place;
  }

  /** The thing itself, or the one of the same name that was first. */
  at(item: T): T {
    return this.items[this.place(item)] as T;
  }

  names(): string[] {
    return this.items.map(this.#name);
  }
}
