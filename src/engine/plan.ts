import { createHash } from 'node:crypto';
import type { Aggregation, AggregationKind, Milliseconds, View, Where } from '../define/index.ts';
import { canonicalWhere, DefinitionError } from '../define/index.ts';
import type { FlagTest } from './flag.ts';
import { type GridLevel, gridOf } from './grid.ts';
import { stem } from './keys.ts';
import { type LabelPlan, planLabel } from './label-plan.ts';
import { type ListPlace, vectorPlaces } from './served.ts';

/** Ids are remembered at least this long, so that a retry is recognised; DESIGN calls it the horizon. */
export const duplicateHorizonMs: Milliseconds = 86_400_000;

/** Flags of a cell are bits of one 32-bit word, of which the engine keeps the last three for itself. */
export const mostFlags = 29;
/** Which of these an event has are bits of one 32-bit word. */
const mostDistinctFields = 32;
/** So is which of these a repeated event has otherwise. */
const mostColumns = 32;
/** A header must fit what one call of Lua can unpack: 8,000 numbers. */
const mostFeatures = 255;
const mostListed = 2_000;

/** What of the events is looked at: those that pass a filter and have a field. Every cell tells of each lane. */
export interface Lane {
  /** The same in every definition that has it. */
  readonly name: string;
  /** Flag bits of which one must be set; 0: every event. */
  readonly mask: number;
  /** From 1; 0: events alone; −1: the event's own time. */
  readonly column: number;
  /** Flag bit of the boolean whose share is wanted; 0: none. */
  readonly trueMask: number;
  /** Whether some feature wants the newest event's value. */
  readonly newest: boolean;
  /** Whether some feature wants the oldest event's. */
  readonly oldest: boolean;
}

/** A running figure that goes by arrival, kept in the log's header. */
export interface LifetimeLane {
  readonly name: string;
  readonly lane: number;
  readonly idleMs: Milliseconds;
  /** Indexes of features, from 0. */
  readonly features: readonly number[];
}

/** The running aggregates of a lane between two edges: what a window holds now. */
export interface Group {
  readonly lane: number;
  readonly delayMs: Milliseconds;
  readonly endMs: Milliseconds;
  readonly sums: boolean;
  readonly extremes: boolean;
  readonly spread: boolean;
}

/** An age at which cells enter or leave windows. */
export interface Edge {
  readonly ageMs: Milliseconds;
  /** Indexes of groups that cells of this age enter. */
  readonly enter: readonly number[];
  /** Indexes of groups that they leave. */
  readonly leave: readonly number[];
  /** Indexes of features that are looked for in the cells themselves, when one crosses here. */
  readonly scans: readonly number[];
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

/** Per feature: its aggregation, and what it is read from. */
export interface PlannedFeature {
  readonly kind: AggregationKind;
  /** Index of a group, from 0; −1 where it is read from none. */
  readonly group: number;
  /** Of one that is looked for in the cells: its lane, and between which ages. */
  readonly scan: { readonly lane: number; readonly delayMs: Milliseconds; readonly endMs: Milliseconds } | null;
  /** Of a list: where its values stand in the vector. */
  readonly list: ListPlace | null;
  /** Of a rate: how long its window is. */
  readonly seconds: number;
}

/** A view as flat numbers: what the function library folds by, and what an event is encoded by. */
export interface Plan {
  readonly view: View;
  /** Its place among the views of its library, from 1. */
  readonly index: number;
  readonly stem: string;
  /** Fields of the event kept as a double in each cell. */
  readonly columns: readonly string[];
  readonly flags: readonly FlagTest[];
  readonly flagNames: readonly string[];
  readonly distinctFields: readonly string[];
  readonly lanes: readonly Lane[];
  readonly groups: readonly Group[];
  readonly lifetimes: readonly LifetimeLane[];
  /** What depends on the event's label; null: nothing. */
  readonly label: LabelPlan | null;
  readonly edges: readonly Edge[];
  readonly grid: readonly GridLevel[];
  readonly seen: readonly SeenSet[];
  /** An event at least this old is too late: no window holds it. */
  readonly spanMs: Milliseconds;
  /** Cells are kept this long: the span and the view's history, or the horizon of duplicates where that is longer. */
  readonly keepMs: Milliseconds;
  readonly features: readonly PlannedFeature[];
  /** How many doubles a vector has. */
  readonly vectorDoubles: number;
  /** Compaction leaves at least so many of the newest events as they are: as many as the longest list holds. */
  readonly fewestSingles: number;
}

/** Flattens a view. `place`: where it stands among the views of its library, from 0. */
export function planView(view: View, place = 0): Plan {
  const columns = new Registry<string>((name) => name);
  const flags = new Registry<FlagTest>((flag) =>
    flag.test === 'where' ? `where:${canonicalWhere(flag.where)}` : `${flag.test}:${flag.field}`,
  );
  const distinctFields = new Registry<string>((name) => name);
  const lanes = new Registry<Writable<Lane>>((lane) => lane.name);
  const groups = new Registry<Writable<Group>>(({ lane, delayMs, endMs }) => [lane, delayMs, endMs].join());
  const lifetimes = new Registry<LifetimeLane & { features: number[] }>(({ name }) => name);
  const seen = new Registry<SeenSet & { windows: { feature: number; lengthMs: Milliseconds }[] }>((set) => set.name);
  const edges = new Map<Milliseconds, { ageMs: Milliseconds; enter: number[]; leave: number[]; scans: number[] }>();
  const edgeAt = (ageMs: Milliseconds) => {
    const edge = edges.get(ageMs) ?? { ageMs, enter: [], leave: [], scans: [] };
    edges.set(ageMs, edge);
    return edge;
  };
  const maskOf = (where: Where | undefined) => (where ? 2 ** flags.place({ test: 'where', where }) : 0);

  /** The lane of an aggregation, which henceforth gathers what this one wants too. */
  const laneOf = (aggregation: Aggregation): number => {
    const { kind, where } = aggregation;
    const field = kind === 'timeSinceLast' ? view.event.time : aggregation.field;
    const column = columnOf(view, kind, field, columns);
    const wanted = {
      name: [kind === 'share' ? `true:${field}` : column === 0 ? '' : field, where ? canonicalWhere(where) : ''].join(
        '|',
      ),
      mask: maskOf(where),
      column,
      trueMask: kind === 'share' && field !== undefined ? 2 ** flags.place({ test: 'true', field }) : 0,
      newest: false,
      oldest: false,
    };
    lanes.at(wanted).newest ||= kind === 'last' || kind === 'timeSinceLast';
    lanes.at(wanted).oldest ||= kind === 'first';
    return lanes.place(wanted);
  };

  const places = vectorPlaces(view);
  const features = view.features.map(({ aggregation }, feature): PlannedFeature => {
    const { kind, field, window, where } = aggregation;
    if (window.kind === 'lifetime') {
      const lane = laneOf(aggregation);
      const { name } = lanes.items[lane] as Lane;
      lifetimes
        .at({ name: `${name}|${window.idleMs}`, lane, idleMs: window.idleMs, features: [] })
        .features.push(feature);
      return { ...readFromNothing, kind };
    }
    const { delayMs } = window;
    const endMs = delayMs + window.lengthMs;
    const leaving = edgeAt(endMs);
    if (kind === 'distinct' && field !== undefined) {
      const set = seen.at({
        name: where ? `${field}~${shortHash(canonicalWhere(where))}` : field,
        field: distinctFields.place(field),
        mask: maskOf(where),
        windows: [],
      });
      set.windows.push({ feature, lengthMs: window.lengthMs });
      return { ...readFromNothing, kind };
    }
    const lane = laneOf(aggregation);
    if (kind === 'first' || kind === 'last' || kind === 'lastN' || kind === 'timeSinceLast') {
      leaving.scans.push(feature);
      if (delayMs > 0) edgeAt(delayMs).scans.push(feature);
      return { ...readFromNothing, kind, scan: { lane, delayMs, endMs }, list: places.lists[feature] ?? null };
    }
    const wanted = { lane, delayMs, endMs, sums: false, extremes: false, spread: false };
    const group = groups.place(wanted);
    const shared = groups.at(wanted);
    shared.spread ||= kind === 'stddev';
    shared.sums ||= shared.spread || kind === 'sum' || kind === 'avg';
    shared.extremes ||= kind === 'min' || kind === 'max';
    if (!leaving.leave.includes(group)) leaving.leave.push(group);
    const entering = delayMs > 0 ? edgeAt(delayMs).enter : [];
    if (!entering.includes(group)) entering.push(group);
    return { ...readFromNothing, kind, group, seconds: kind === 'rate' ? window.lengthMs / 1_000 : 0 };
  });
  const label = planLabel(view, columns.items, [...flags.items], (flag) => 2 ** flags.place(flag));
  assertAtMost(mostFeatures, view.features.length, 'features', view);
  assertAtMost(mostListed, places.count - view.features.length, 'values in lists', view);
  assertAtMost(mostFlags, flags.items.length, 'different filters and shares', view);
  assertAtMost(mostColumns, columns.items.length, 'different numbers to aggregate', view);
  assertAtMost(mostDistinctFields, distinctFields.items.length, 'fields whose different values are counted', view);
  for (const set of seen.items) set.windows.sort((a, b) => a.lengthMs - b.lengthMs);

  const sortedEdges = [...edges.values()].sort((a, b) => a.ageMs - b.ageMs);
  const longestIdleMs = Math.max(0, ...lifetimes.items.map(({ idleMs }) => idleMs));
  const spanMs = sortedEdges.at(-1)?.ageMs ?? longestIdleMs;
  const windows = view.features.flatMap(({ aggregation: { kind, window } }) =>
    kind !== 'distinct' && window.kind === 'sliding' ? [window] : [],
  );
  return {
    view,
    index: place + 1,
    stem: stem(view),
    columns: columns.items,
    flags: flags.items,
    flagNames: flags.names(),
    distinctFields: distinctFields.items,
    lanes: lanes.items,
    groups: groups.items,
    lifetimes: lifetimes.items,
    label,
    edges: sortedEdges,
    grid: gridOf(windows.length > 0 ? windows : [{ lengthMs: spanMs, delayMs: 0 }]),
    seen: seen.items,
    spanMs,
    keepMs: Math.max(spanMs + view.historyMs, duplicateHorizonMs),
    features,
    vectorDoubles: places.count,
    fewestSingles: Math.max(1, ...places.lists.map((list) => list?.most ?? 1)),
  };
}

const readFromNothing = { group: -1, scan: null, list: null, seconds: 0 };

function assertAtMost(most: number, found: number, what: string, view: View): void {
  if (found <= most) return;
  throw new DefinitionError(
    `view ${view.name}: has ${found} ${what}, of which one view can have ${most}; split the view`,
  );
}

/** The column an aggregation reads, from 1; 0 where it reads none, −1 where it reads the event's own time. */
function columnOf(view: View, kind: AggregationKind, field: string | undefined, columns: Registry<string>): number {
  if (kind === 'count' || kind === 'rate' || kind === 'share' || field === undefined) return 0;
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
