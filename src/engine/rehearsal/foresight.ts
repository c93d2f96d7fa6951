import { bytesText } from '../../valkey/index.ts';
import { headerPlaces, layoutOf, mostSingles, singleFormat } from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';
import type { Lacking } from './entity-copy.ts';
import type { OpenCall } from './in-place.ts';

/** Tables, as lua/tables.lua has them: so many slots a bucket; a slot has the key and five bytes of time. */
const slotsABucket = 16;
const timeBytes = 5;
const idBytes = 8;
const valueBytes = 6;
/** Where they stand in the book, counted as in lua/header.lua. */
const bookTiles = 2;
const bookIdsBuckets = 9;
/** Where a set tells how many buckets its table has. */
const seenBuckets = 2;
const idAt = 8;
/** More bytes than any key has. */
export const wholeKey = 1 << 24;

/**
 * Tells from the head of a log what `record` will look at beyond it, so that it need not find that out by itself and begin anew. It may
 * tell too little or too much: that costs time.
 */
export class Foresight {
  /** Names are made as lua/ids.lua and lua/call.lua make them. */
  readonly #prefix: string;
  readonly #stem: string;
  readonly #book: number;
  readonly #edges: readonly number[];
  /** Of each set of last-seen times: its name, where it stands in the header, and where its value stands in a row. */
  readonly #seen: readonly { readonly name: string; readonly at: number; readonly valueAt: number }[];
  readonly #mostSingles: number;

  /** @param prefix of all keys. @param singles how many compaction leaves. */
  constructor(plan: Plan, prefix: string, singles: number) {
    const places = headerPlaces(plan);
    const rowBytes = singleFormat(layoutOf(plan)).bytes;
    this.#prefix = bytesText(prefix);
    this.#stem = bytesText(plan.stem);
    this.#book = places.book;
    this.#edges = places.edges;
    this.#seen = plan.seen.map(({ name, field }, i) => ({
      name,
      at: places.seen[i]?.at as number,
      valueAt: rowBytes - 8 * (plan.distinctFields.length - field),
    }));
    this.#mostSingles = mostSingles(plan, singles);
  }

  /**
   * @param head of the log, as it is stored. @param parts those that are recorded one after the other.
   * @param call of which the rehearsal will be.
   */
  of(log: string, head: Buffer, parts: readonly RecordPart[], call: OpenCall): Lacking[] {
    const double = (place: number) => (8 * place + 8 <= head.length ? head.readDoubleLE(8 * place) : 0);
    const tiles = double(this.#book + bookTiles);
    if (tiles === 0) return [];
    const rows = parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const isCompacted = double(this.#book) + rows > this.#mostSingles;
    const isWhole = isCompacted || parts.length > 1;
    const lacking: Lacking[] = [];
    const now = call.event_clock ? Math.max(double(served.asOf), newestOf(parts)) : call.millis;
    const moves = this.#edges.some((at) => double(at) < tiles && double(at + 1) <= now);
    if (moves || isCompacted) lacking.push({ what: 'range', key: log, from: head.length, bytes: wholeKey });
    const look = (key: string, buckets: number, keyBytes: number, keyAt: number) => {
      if (buckets === 0) return;
      if (isWhole || buckets <= 2 * rows) {
        lacking.push({ what: 'range', key, from: 0, bytes: wholeKey });
        return;
      }
      const bucketBytes = slotsABucket * (keyBytes + timeBytes);
      for (const { rows: bytes, rowCount } of parts) {
        for (let row = 0; row < rowCount; row++) {
          const at = row * (bytes.length / rowCount) + keyAt;
          const [first, second] = [bytes.readUInt16LE(at) % buckets, bytes.readUInt16LE(at + 2) % buckets];
          lacking.push({ what: 'range', key, from: first * bucketBytes, bytes: bucketBytes });
          if (second !== first) lacking.push({ what: 'range', key, from: second * bucketBytes, bytes: bucketBytes });
        }
      }
    };
    const stemAt = this.#prefix.length + ':log:'.length;
    look(`${this.#prefix}:ids:${log.slice(stemAt)}`, double(this.#book + bookIdsBuckets), idBytes, idAt);
    for (const { name, at, valueAt } of this.#seen) {
      const key = `${this.#prefix}:seen:${this.#stem}${name}:${log.slice(stemAt + this.#stem.length)}`;
      look(key, double(at + seenBuckets), valueBytes, valueAt);
    }
    return lacking;
  }
}

function newestOf(parts: readonly RecordPart[]): EpochMs {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { rows, rowCount } of parts) {
    for (let row = 0; row < rowCount; row++)
      newest = Math.max(newest, rows.readDoubleLE((row * rows.length) / rowCount));
  }
  return newest;
}
