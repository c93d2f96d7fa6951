import type { Milliseconds } from '../define/index.ts';
import type { EpochMs, PastVector, Vector } from './vector.ts';

/** What is behind an entity's values in one view, all of one moment. */
export interface Inspection extends InspectionReport {
  /** As it is stored, which past its `validUntil` is no longer what a reader gets. */
  readonly vector: Vector;
  /** Folded at the entity's now. */
  readonly current: PastVector;
  /**
   * Of one feature alone: the vectors of when something that counts leaves its window, and of when something enters, if
   * nothing else comes until then.
   */
  readonly upcoming: readonly PastVector[];
}

/** What the function `inspect` tells (see lua/inspect.lua). Null: never, or not known. */
export interface InspectionReport {
  /** Whether there is a log. */
  readonly stored: boolean;
  /** The entity's now. */
  readonly now: EpochMs;
  readonly keys: readonly InspectedKey[];
  readonly log: LogComposition;
  /** In the order of the view; of one feature alone, that one. */
  readonly features: readonly InspectedFeature[];
}

export interface InspectedKey {
  readonly kind: 'log' | 'hash' | 'seen' | 'ids' | 'corrections';
  readonly name: string;
  /** Its length in bytes, of a hash its number of fields; null: there is no such key. */
  readonly size: number | null;
  /** Bytes of memory that it takes; null where Valkey does not say. */
  readonly memory: number | null;
  /** −1: it does not expire; −2: there is no such key. */
  readonly expiresIn: Milliseconds;
}

/** What a log consists of. Slots of cells are allotted ahead; a single's bytes are with its marks. */
export interface LogComposition {
  readonly headerBytes: number;
  readonly singles: number;
  readonly singleSlots: number;
  readonly singleBytes: number;
  /** Singles that count no more, and only keep their ids known. */
  readonly retracted: number;
  readonly tiles: number;
  readonly tileSlots: number;
  readonly tileBytes: number;
  readonly eventsInTiles: number;
  /** The oldest event's time. */
  readonly oldest: EpochMs | null;
  /** The newest event that is in a tile. */
  readonly frontier: EpochMs | null;
  readonly compactedAt: EpochMs | null;
  /** The newest event that is no longer kept. */
  readonly dropped: EpochMs | null;
  /** Of events in tiles that are newer than this, ids are known while they are looked for. */
  readonly rememberedSince: EpochMs | null;
  /** How many ids made room while they were still looked for. */
  readonly forgottenIds: number;
  readonly corrections: number;
  readonly droppedCorrections: number;
}

export type InspectedFeature = InspectedWindow | InspectedDistinct | InspectedLifetime;

/** Events that move over an edge at a moment: all, and those that count for the feature (of a cut tile, an estimate). */
export interface Move {
  readonly at: EpochMs;
  readonly events: number;
  /** 0: this is as far as was looked, and none that counts moves until then. */
  readonly counted: number;
}

/** A window over cells: `(from, to]`. */
export interface InspectedWindow {
  readonly kind: 'window';
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** What leaves it next; absent: nothing. */
  readonly leaves?: Move;
  /** Behind a delay, what enters it next. */
  readonly enters?: Move;
  /** Of one feature alone: events that stand by themselves in it, and how many of them count. */
  readonly singles?: number;
  readonly singlesCounted?: number;
  /** Tiles that lie in it whole, the events of these, and how many of them count. */
  readonly tiles?: number;
  readonly eventsInTiles?: number;
  readonly tilesCounted?: number;
  readonly cuts?: readonly CutTile[];
}

/** A tile that an edge of a window cuts. */
export interface CutTile {
  readonly edge: 'older' | 'younger' | 'both';
  readonly first: EpochMs;
  readonly last: EpochMs;
  readonly events: number;
  /** How many of its events are taken to be in the window, and between what the truth lies. */
  readonly inside: number;
  readonly fewest: number;
  readonly most: number;
  /** How many of all its events count for the feature, and how many of those are taken to be inside. */
  readonly counted: number;
  readonly countedInside: number;
}

/** A distinct count, made of when each value was last seen: singles tell of the newest events, a table of those in tiles. */
export interface InspectedDistinct {
  readonly kind: 'distinct';
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Values in the window of whose last sighting a single tells. */
  readonly singles: number;
  /** The key of the table. */
  readonly key: string;
  /** It should be there, and is not: it was evicted, or deleted by hand. */
  readonly missing: boolean;
  /** 0: there is no table. */
  readonly buckets: number;
  readonly slots: number;
  /** Values that the table holds, of all times. */
  readonly stored: number;
  /** Those of them that were last seen in the window, and how many they stand for. */
  readonly inTable: number;
  readonly inside: number;
  /** Of a window that keeps a sample: which fraction of the values last seen in a stretch of time are kept. Else none. */
  readonly strata: readonly { readonly from: EpochMs; readonly fraction: number; readonly values: number }[];
  /** The newest event whose sighting is in the table, or was. */
  readonly fedAt: EpochMs | null;
  /** Values last seen at this moment or before may be missing. */
  readonly wholeSince: EpochMs | null;
  readonly leaves?: Move;
}

/** A running figure. */
export interface InspectedLifetime {
  readonly kind: 'lifetime';
  readonly events: number;
  /** When the last event came. */
  readonly arrival: EpochMs | null;
  /** The oldest of its events, by its own time. */
  readonly oldest: EpochMs | null;
  /** Whether it has been idle for so long that it forgot all. */
  readonly ended: boolean;
  /** When the last event came that it forgot. */
  readonly endedAt: EpochMs | null;
  /** When it forgets all, if no event comes. */
  readonly leaves?: Move;
}
