import { headerPlaces, inBook, inSet, inWindow, layoutOf, mostSingles, singleFormat } from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';
import { type CompanionNames, idAt, idsKind, seenKind, strataOf, type TableKind } from './companions.ts';
import { type Lacking, wholeKey } from './entity-copy.ts';
import type { OpenCall } from './in-place.ts';

/**
 * Tells from the head of a log what `record` will look at beyond it, so that it need not find that out by itself and begin anew. It may
 * tell too little or too much: that costs time.
 */
export class Foresight {
  readonly #names: CompanionNames;
  readonly #book: number;
  readonly #edges: readonly number[];
  /** Of each set of last-seen times: where it and its windows stand in the header, and where its value stands in a row. */
  readonly #seen: readonly { readonly at: number; readonly windows: readonly number[]; readonly valueAt: number }[];
  readonly #mostSingles: number;

  /** @param names of tables. @param singles how many compaction leaves. */
  constructor(plan: Plan, names: CompanionNames, singles: number) {
    const places = headerPlaces(plan);
    const rowBytes = singleFormat(layoutOf(plan)).bytes;
    this.#names = names;
    this.#book = places.book;
    this.#edges = places.edges;
    this.#seen = plan.seen.map(({ field }, i) => ({
      ...(places.seen[i] as (typeof places.seen)[number]),
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
    const tiles = double(this.#book + inBook.tiles);
    if (!(double(this.#book + inBook.frontier) > Number.NEGATIVE_INFINITY)) return []; // it was never compacted
    const rows = parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const isCompacted = double(this.#book) + rows > this.#mostSingles;
    const lacking: Lacking[] = [];
    const now = call.event_clock ? Math.max(double(served.asOf), newestOf(parts)) : call.millis;
    const moves = this.#edges.some((at) => double(at) < tiles && double(at + 1) <= now);
    if (moves || isCompacted) lacking.push({ what: 'range', key: log, from: head.length, bytes: wholeKey });
    const look = (key: string, buckets: number, kind: TableKind, keyAt: number): 'whole' | 'buckets' => {
      if (isCompacted || buckets <= 2 * rows) {
        if (buckets > 0) lacking.push({ what: 'range', key, from: 0, bytes: wholeKey });
        return 'whole';
      }
      const { bucketBytes } = kind;
      for (const { rows: bytes, rowCount } of parts) {
        for (let row = 0; row < rowCount; row++) {
          const at = row * (bytes.length / rowCount) + keyAt;
          const [first, second] = kind.bucketsOf(bytes, at, buckets);
          lacking.push({ what: 'range', key, from: first * bucketBytes, bytes: bucketBytes });
          if (second !== first) lacking.push({ what: 'range', key, from: second * bucketBytes, bytes: bucketBytes });
        }
      }
      return 'buckets';
    };
    look(this.#names.ids(log), double(this.#book + inBook.idsBuckets), idsKind, idAt);
    for (const [set, { at, valueAt, windows }] of this.#seen.entries()) {
      const key = this.#names.seen(log, set);
      const buckets = double(at + inSet.buckets);
      const looked = look(key, buckets, seenKind, valueAt);
      const keepsSample = windows.some((window) => double(window + inWindow.newestStratum) > Number.NEGATIVE_INFINITY);
      if (keepsSample && looked === 'buckets')
        lacking.push({ what: 'range', key, ...strataOf(buckets, windows.length) });
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
