import { bytesText, type CommandBuffer, encodeArgument } from '../../valkey/index.ts';
import {
  type HeaderPlaces,
  headerPlaces,
  inBook,
  inSet,
  inWindow,
  layoutOf,
  stratumMs,
  tileFormat,
} from '../layout.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';
import type { EntityCopy, Lacking } from './entity-copy.ts';
import type { LogImage } from './log-image.ts';
import { era, slotsABucket, timeBytes } from './native-tables.ts';

const idBytes = 8;
const valueBytes = 6;
/** Where a row has its id. */
export const idAt = 8;
/** As in lua/seen.lua: how many strata are told apart; how long a place in a list is; and how many places there are. */
const ring = 18;
const listedBytes = 9;
const mostListed = 256;
const hashes = 2 ** (8 * valueBytes);
const noStratum = Number.NEGATIVE_INFINITY;

/** A stretch of the tail of a log, or of a companion: where it was looked for, and what is there. */
export interface Found {
  readonly lacking: Lacking;
  readonly bytes: Buffer;
}

/** What was read of a log, or would be stored by now. */
export interface LogAsRead {
  readonly log: string;
  readonly head: Buffer;
  /** A stretch of the log, or of a companion; undefined if not all of it was read. */
  stretch(key: string, from: number, bytes: number): Buffer | undefined;
}

/** Tables that stand beside a log: their names (bytes, a character each), as lua/ids.lua and lua/call.lua make them. */
export class CompanionNames {
  readonly #prefix: string;
  readonly #stem: string;
  readonly #stemAt: number;
  readonly #sets: readonly string[];

  /** @param prefix of all keys. */
  constructor(plan: Plan, prefix: string) {
    this.#prefix = bytesText(prefix);
    this.#stem = bytesText(plan.stem);
    this.#stemAt = this.#prefix.length + ':log:'.length;
    this.#sets = plan.seen.map(({ name }) => name);
  }

  ids(log: string): string {
    return `${this.#prefix}:ids:${log.slice(this.#stemAt)}`;
  }

  seen(log: string, set: number): string {
    return `${this.#prefix}:seen:${this.#stem}${this.#sets[set]}:${log.slice(this.#stemAt + this.#stem.length)}`;
  }
}

/** A kind of tables: how long a key is, and so a bucket. */
export class TableKind {
  readonly keyBytes: number;
  readonly slotBytes: number;
  readonly bucketBytes: number;

  constructor(keyBytes: number) {
    this.keyBytes = keyBytes;
    this.slotBytes = keyBytes + timeBytes;
    this.bucketBytes = slotsABucket * this.slotBytes;
  }

  /** The two buckets of so many in which a key may stand: the key stands in a row, at some byte. */
  bucketsOf(row: Buffer, at: number, buckets: number): readonly [number, number] {
    return [row.readUInt16LE(at) % buckets, row.readUInt16LE(at + 2) % buckets];
  }
}

export const idsKind = new TableKind(idBytes);
export const seenKind = new TableKind(valueBytes);

/** Where the strata of a table with so many buckets begin, behind the lists of its windows; and how long they are. */
export function strataOf(buckets: number, windows: number) {
  const list = listedBytes * Math.min(mostListed, 4 * buckets);
  return { from: buckets * seenKind.bucketBytes + windows * list, bytes: 8 * ring * windows };
}

/** A table as far as it was read. */
class TableImage {
  readonly #kind: TableKind;
  #buckets = 0;
  #key = '';
  #read: LogAsRead | null = null;
  /** Slots that were emptied since. */
  readonly emptied: number[] = [];
  /** The time in the slot that was found last. */
  #time = 0;

  constructor(kind: TableKind) {
    this.#kind = kind;
  }

  load(buckets: number, key: string, read: LogAsRead): void {
    this.#buckets = buckets;
    this.#key = key;
    this.#read = read;
    this.emptied.length = 0;
  }

  /** The slot in which a key of a row stands; −1 if it is not there; undefined if that is not known. */
  find(row: Buffer, at: number): number | undefined {
    const [first, second] = this.#kind.bucketsOf(row, at, this.#buckets);
    const slot = this.#findIn(first, row, at);
    return slot === -1 && second !== first ? this.#findIn(second, row, at) : slot;
  }

  #findIn(bucket: number, row: Buffer, at: number): number | undefined {
    const { keyBytes, slotBytes, bucketBytes } = this.#kind;
    const bytes = this.#read?.stretch(this.#key, bucket * bucketBytes, bucketBytes);
    if (!bytes) return undefined;
    for (let slot = 0; slot < slotsABucket; slot++) {
      const from = slot * slotBytes;
      let same = 0;
      while (same < keyBytes && bytes[from + same] === row[at + same]) same++;
      if (same < keyBytes) continue;
      this.#time = bytes.readUIntLE(from + keyBytes, timeBytes);
      const number = bucket * slotsABucket + slot;
      if (this.#time !== 0 && !this.emptied.includes(number)) return number;
    }
    return -1;
  }

  /** When what was found last was: the last time before a moment. */
  timeFound(now: EpochMs): EpochMs {
    const age = (now - this.#time) % era;
    return now - (age < 0 ? age + era : age);
  }
}

/**
 * What was read of the tiles and the tables of a log, whose head lies in an image: asked, and written to, by lua-text/in-place.ts. What
 * was read stays as it was: what is emptied is put down beside it.
 */
export class Companions {
  readonly #image: LogImage;
  readonly #names: CompanionNames;
  readonly #places: HeaderPlaces;
  readonly #valuesAt: readonly number[];
  readonly #horizonMs: number;
  readonly #tileBytes: number;
  /** Of each window of each set, how long its strata are. */
  readonly #strataMs: readonly (readonly number[])[];
  readonly #ids = new TableImage(idsKind);
  readonly #seen: readonly TableImage[];
  #log = '';
  #read: LogAsRead | null = null;
  /** Of each set, until when its table is to live, if that is to be told. */
  readonly #expiresAt: (EpochMs | null)[];

  constructor(plan: Plan, names: CompanionNames, image: LogImage, horizonMs: number) {
    this.#image = image;
    this.#names = names;
    this.#places = headerPlaces(plan);
    this.#valuesAt = image.valuesAt;
    this.#horizonMs = horizonMs;
    this.#tileBytes = tileFormat(layoutOf(plan).lanes).bytes;
    this.#strataMs = plan.seen.map(({ windows }) => windows.map(({ lengthMs }) => stratumMs(lengthMs)));
    this.#seen = plan.seen.map(() => new TableImage(seenKind));
    this.#expiresAt = plan.seen.map(() => null);
  }

  /** Takes in what was read beside a log whose head the image has. */
  load(read: LogAsRead): void {
    const { doubles } = this.#image;
    const { book, seen } = this.#places;
    const { log } = read;
    this.#log = log;
    this.#read = read;
    const idsBuckets = doubles[book + inBook.idsBuckets] as number;
    if (idsBuckets > 0) this.#ids.load(idsBuckets, this.#names.ids(log), read);
    for (let set = 0; set < this.#seen.length; set++) {
      this.#expiresAt[set] = null;
      const buckets = doubles[(seen[set]?.at as number) + inSet.buckets] as number;
      (this.#seen[set] as TableImage).load(buckets, buckets > 0 ? this.#names.seen(log, set) : '', read);
    }
  }

  /** Puts what was emptied into a copy of what was read. */
  tell(copy: EntityCopy): void {
    for (let set = 0; set < this.#seen.length; set++) {
      const { emptied } = this.#seen[set] as TableImage;
      for (const slot of emptied) copy.overwrite(this.#names.seen(this.#log, set), slot * seenKind.slotBytes, noBytes);
    }
  }

  /** All tiles, bytes as characters; undefined if they were not read. */
  tiles(): string | undefined {
    const { length, tiles } = this.#image;
    return this.#read?.stretch(this.#log, length, tiles * this.#tileBytes)?.toString('latin1');
  }

  /** Whether the row's id may be that of an event that is in a tile, and is still looked for. */
  knowsId(now: EpochMs): boolean {
    const slot = this.#ids.find(this.#image.row, idAt);
    return slot === undefined || (slot >= 0 && now - this.#ids.timeFound(now) < this.#horizonMs);
  }

  /**
   * Takes the row's value out of a set's table. Returns when it was last seen there; −Infinity if it is not there, undefined if that is
   * not known.
   */
  forget(set: number, now: EpochMs): EpochMs | undefined {
    const table = this.#seen[set] as TableImage;
    const slot = table.find(this.#image.row, this.#valuesAt[set] as number);
    if (slot === undefined) return undefined;
    if (slot === -1) return Number.NEGATIVE_INFINITY;
    table.emptied.push(slot);
    return table.timeFound(now);
  }

  /**
   * Of the values that were last seen at a moment, the share that a window of a set keeps, if the row's is among them, else 0; as
   * `fraction_at` in lua/strata.lua. Undefined if that is not known.
   */
  shareAt(set: number, window: number, time: EpochMs): number | undefined {
    const { doubles } = this.#image;
    const { at, windows } = this.#places.seen[set] as HeaderPlaces['seen'][number];
    const newest = doubles[(windows[window] as number) + inWindow.newestStratum] as number;
    if (newest === noStratum) return 1;
    const stratum = Math.floor(time / (this.#strataMs[set]?.[window] as number));
    if (stratum > newest) return undefined;
    if (stratum <= newest - ring) return 0;
    const { from, bytes } = strataOf(doubles[at + inSet.buckets] as number, windows.length);
    const strata = this.#read?.stretch(this.#names.seen(this.#log, set), from, bytes);
    const share = strata?.readDoubleLE(8 * (ring * window + (stratum % ring)));
    if (share === undefined) return undefined;
    return this.#image.row.readUIntLE(this.#valuesAt[set] as number, valueBytes) < share * hashes ? share : 0;
  }

  /** A set's table is to live until then. */
  prolong(set: number, expiresAt: EpochMs): void {
    this.#expiresAt[set] = expiresAt;
  }

  /** Writes the commands that have the store do the same. */
  write(commands: CommandBuffer): void {
    for (let set = 0; set < this.#seen.length; set++) {
      const { emptied } = this.#seen[set] as TableImage;
      const expiresAt = this.#expiresAt[set] as EpochMs | null;
      if (emptied.length === 0 && expiresAt === null) continue;
      const key = this.#names.seen(this.#log, set);
      for (const slot of emptied) {
        commands.begin(4);
        commands.encoded(setRange);
        commands.text(key);
        commands.number(slot * seenKind.slotBytes);
        commands.encoded(emptySlot);
      }
      if (expiresAt !== null) commands.add(['PEXPIREAT', key, expiresAt]);
    }
  }
}

const setRange = encodeArgument('SETRANGE');
const noBytes = '\0'.repeat(seenKind.slotBytes);
const emptySlot = encodeArgument(noBytes);
