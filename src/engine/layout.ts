import { createHash } from 'node:crypto';
import type { Milliseconds } from '../define/index.ts';
import type { Lane, Plan } from './plan.ts';

/** Which arrangement logs are in. */
export const layoutFormat = 5;

/**
 * How a log of a view is laid out. It is stored under the key prefix beside its hash, which every log bears at its head:
 * what an older log must tell of itself for a new library to bring it up to date.
 */
export interface Layout {
  /** Which arrangement these names are in; another one is another engine's, whose logs this one refuses. */
  readonly format: number;
  readonly features: readonly string[];
  /** Of each feature, in this order, how many values it may list; left out where none is a list. */
  readonly lists?: readonly number[];
  readonly columns: readonly string[];
  readonly flags: readonly string[];
  readonly distinctFields: readonly string[];
  readonly lanes: readonly LaneLayout[];
  readonly lifetimes: readonly string[];
  readonly seen: readonly { readonly name: string; readonly windows: number }[];
  /** Of the whole header but for the hash of its layout. */
  readonly headDoubles: number;
}

/** What a compacted cell tells of a lane. */
export interface LaneLayout {
  readonly name: string;
  /** Whether a number is gathered, and not only events: all of it, so that a definition that grows finds it gathered. */
  readonly values: boolean;
  /** Whether not every event is in it. An older layout may not have kept a number. */
  readonly partial: boolean;
  readonly trues: boolean;
  readonly newest: boolean;
  /** Left out where it is not. */
  readonly oldest?: boolean;
}

/** Doubles before the vector: revision, as_of, valid_until, last_event_at, event_seq, complete_since, expires_at. */
export const vectorAt = 7;
/** Doubles of the header that tell of the log itself (see lua/header.lua). */
const bookDoubles = 17;
export const lifetimeDoubles = 14;
/** Of a set of last-seen times, and of each window that counts them. */
const seenDoubles = 4;
const seenWindowDoubles = 7;
export const edgeDoubles = 3;

/** Places of the book, of a set of last-seen times, and of a window of one, each counted from its first: as lua/header.lua has them. */
export const inBook = {
  singles: 0,
  slots: 1,
  tiles: 2,
  frontier: 4,
  passed: 8,
  idsBuckets: 9,
  rememberedSince: 10,
  corrections: 12,
  dropped: 16,
} as const;
export const inSet = { fedAt: 0, expiresAt: 1, buckets: 2 } as const;
export const inWindow = { inside: 0, sample: 1, leavesAt: 2, cursor: 3, length: 4, newestStratum: 6 } as const;

/** Where numbers stand in the header, counted in doubles from 1, after the hash of the layout. */
export interface HeaderPlaces {
  readonly book: number;
  readonly lifetimes: readonly number[];
  readonly edges: readonly number[];
  readonly groups: readonly AggregatePlaces[];
  /** Of each window that counts values, by their sets: how many of them singles show. */
  readonly held: readonly (readonly number[])[];
  /** So far it tells all of a log that was never compacted. */
  readonly hotDoubles: number;
  readonly seen: readonly { readonly at: number; readonly windows: readonly number[] }[];
  readonly doubles: number;
}

/** Where an aggregate keeps what it gathers; 0: it does not. The second of a pair follows the first. */
export interface AggregatePlaces {
  readonly n: number;
  /** The sum, what rounding took from it, and the largest that ever was in it. */
  readonly sum: number;
  /** The least, and the most. */
  readonly least: number;
  /** The sum of squared distances from the mean, and the largest that it ever was. */
  readonly spread: number;
  readonly trues: number;
}

/** Where a set of last-seen times stands in the header of a layout, counted as in HeaderPlaces: they are its end. */
export function seenPlace({ seen, headDoubles }: Layout, place: number): number {
  const doubles = seen.slice(place).map(({ windows }) => seenDoubles + windows * seenWindowDoubles);
  return headDoubles + 1 - doubles.reduce((sum, one) => sum + one, 0);
}

/** Where a running figure that begins at `at` keeps what it gathers: everything. */
export function lifetimePlaces(at: number): AggregatePlaces {
  return { n: at, sum: at + 1, least: at + 4, spread: at + 6, trues: at + 8 };
}

/** Where it keeps the rest: its newest event and that one's value, when the last one came, and its oldest. */
export function arrivalIn(at: number) {
  return { lastAt: at + 9, last: at + 10, arrival: at + 11, oldestAt: at + 13 };
}

export function headerPlaces(plan: Plan): HeaderPlaces {
  let at = vectorAt + plan.vectorDoubles + 1;
  const take = (doubles: number) => {
    at += doubles;
    return at - doubles;
  };
  const each = (count: number, doubles: number) => Array.from({ length: count }, () => take(doubles));
  const book = take(bookDoubles);
  const lifetimes = each(plan.lifetimes.length, lifetimeDoubles);
  const edges = each(plan.edges.length, edgeDoubles);
  const groups = plan.groups.map((group) => ({
    n: take(1),
    sum: group.sums ? take(3) : 0,
    least: group.extremes ? take(2) : 0,
    spread: group.spread ? take(2) : 0,
    trues: (plan.lanes[group.lane] as Lane).trueMask !== 0 ? take(1) : 0,
  }));
  const held = plan.seen.map(({ windows }) => windows.map(() => take(1)));
  const hotDoubles = at - 1;
  const seen = plan.seen.map(({ windows }) => ({
    at: take(seenDoubles),
    windows: each(windows.length, seenWindowDoubles),
  }));
  return { book, lifetimes, edges, groups, held, hotDoubles, seen, doubles: at - 1 };
}

/** A single's marks: of its id, and of what it shows to each set of last-seen times. */
export function markBytes({ seen }: Pick<Layout, 'seen'>): number {
  return 4 * (1 + seen.length);
}

/** A cell of one event: its packing, for Lua's struct, without the byte order; also of what comes before its distinct values. */
export function singleFormat({ columns, distinctFields }: Pick<Layout, 'columns' | 'distinctFields'>) {
  const numbers = `dc8I4${'d'.repeat(columns.length)}`;
  return {
    format: numbers + 'c8'.repeat(distinctFields.length),
    numbers,
    bytes: 20 + 8 * (columns.length + distinctFields.length),
  };
}

/** Stretches of a window of which samples are kept apart (see lua/seen.lua). */
const strataPerWindow = 16;

export function stratumMs(windowMs: Milliseconds): Milliseconds {
  return Math.max(1, Math.floor(windowMs / strataPerWindow));
}

/** Before compaction there may be one in so many more singles than it leaves, as lua/store.lua has it. */
const spareSingles = 8;

/** How many singles compaction leaves, where the store's settings say `singles`. */
export function singlesLeft({ fewestSingles }: Plan, singles: number): number {
  return Math.max(singles, fewestSingles);
}

/** With more singles a log is compacted. */
export function mostSingles(plan: Plan, singles: number): number {
  const left = singlesLeft(plan, singles);
  return left + Math.floor(left / spareSingles);
}

/** The header and all singles, of a log that has as many as may be. */
function bytesBeforeTiles(plan: Plan, singles: number): number {
  const layout = layoutOf(plan);
  const slotBytes = markBytes(layout) + singleFormat(layout).bytes;
  return 8 + 8 * headerPlaces(plan).doubles + slotBytes * mostSingles(plan, singles);
}

/** Marks of about so many singles are read with the header. */
const marksReadAtOnce = 162;

/** What `record` reads of a log first: its header, and the marks of most singles. */
export function bytesReadFirst(plan: Plan): number {
  return 8 + 8 * headerPlaces(plan).doubles + markBytes(layoutOf(plan)) * marksReadAtOnce;
}

/** As much of a log as a rehearsal begins with. */
export function headBytes(plan: Plan, singles: number): number {
  return Math.max(bytesBeforeTiles(plan, singles), bytesReadFirst(plan));
}

/** A compacted cell: its packing, and where each lane's numbers stand in it, counted from 1; 0: nowhere. */
export interface TileFormat {
  /** For Lua's struct, without the byte order. */
  readonly format: string;
  readonly bytes: number;
  readonly fields: number;
  readonly lanes: readonly {
    readonly n: number;
    readonly trues: number;
    /** The sum, and what rounding took from it. */
    readonly sum: number;
    readonly least: number;
    readonly spread: number;
    /** The newest event's value. */
    readonly newest: number;
    /** When that was, in a lane that not every event is in; elsewhere it is the cell's last. */
    readonly newestAt: number;
    /** The oldest event's value, and when that was; elsewhere it is the cell's first. */
    readonly oldest: number;
    readonly oldestAt: number;
  }[];
}

const packings = { d: 8, I4: 4, i7: 7 } as const;

/** First, last, number of events, mean of their times and squared distances from it, then for each lane what it wants. Lanes of every event share their number. */
export function tileFormat(lanes: readonly LaneLayout[]): TileFormat {
  const fields: (keyof typeof packings)[] = ['i7', 'i7', 'I4', 'd', 'd'];
  const take = (...packed: (keyof typeof packings)[]) => fields.push(...packed) - packed.length + 1;
  const places = lanes.map((lane) => ({
    n: lane.partial ? take('I4') : 3,
    trues: lane.trues ? take('I4') : 0,
    sum: lane.values ? take('d', 'd') : 0,
    least: lane.values ? take('d', 'd') : 0,
    spread: lane.values ? take('d') : 0,
    newest: lane.newest ? take('d') : 0,
    newestAt: lane.newest ? (lane.partial ? take('d') : 2) : 0,
    oldest: lane.oldest ? take('d') : 0,
    oldestAt: lane.oldest ? (lane.partial ? take('d') : 1) : 0,
  }));
  const bytes = fields.reduce((sum, field) => sum + packings[field], 0);
  return { format: fields.join(''), bytes, fields: fields.length, lanes: places };
}

export function layoutOf(plan: Plan): Layout {
  const lists = plan.features.map(({ list }) => list?.most ?? 0);
  return {
    format: layoutFormat,
    features: plan.view.features.map(({ name }) => name),
    ...(lists.some((most) => most > 0) && { lists }),
    columns: plan.columns,
    flags: plan.flagNames,
    distinctFields: plan.distinctFields,
    lanes: plan.lanes.map(({ name, mask, column, newest, oldest, trueMask }) => ({
      name,
      values: column > 0,
      partial: mask !== 0 || column > 0,
      trues: trueMask !== 0,
      newest,
      ...(oldest && { oldest }),
    })),
    lifetimes: plan.lifetimes.map(({ name }) => name),
    seen: plan.seen.map(({ name, windows }) => ({ name, windows: windows.length })),
    headDoubles: headerPlaces(plan).doubles,
  };
}

/** Eight characters that stand at the head of every log of a layout. */
export function layoutHash(layout: Layout): string {
  return createHash('sha256').update(JSON.stringify(layout)).digest('hex').slice(0, 8);
}
