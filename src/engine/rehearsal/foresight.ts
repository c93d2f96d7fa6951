import { LRUCache } from 'lru-cache';
import {
  headerPlaces,
  inBook,
  inSet,
  inWindow,
  layoutHash,
  layoutOf,
  mostSingles,
  singleFormat,
  singlesLeft,
} from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';
import { type CompanionNames, idAt, idsKind, seenKind, strataOf, type TableKind } from './companions.ts';
import { type Lacking, wholeKey } from './entity-copy.ts';

/** As many logs are remembered: for each a hundred bytes or two. */
const mostRemembered = 10_000;

/** What the head of a log that was compacted says of what lies beyond it. */
interface Outlook {
  readonly headBytes: number;
  singles: number;
  readonly asOf: EpochMs;
  /** When the first tile passes an edge; infinite if none is to. */
  readonly tilePassesAt: EpochMs;
  readonly idsBuckets: number;
  readonly sets: readonly { readonly buckets: number; readonly keepsSample: boolean }[];
}

/**
 * Tells what `record` will look at beyond a log's head, so that it need not find that out by itself and begin anew: from the head, or
 * before that is read, from what it was last. It may tell too little or too much: that costs time.
 */
export class Foresight {
  readonly #names: CompanionNames;
  readonly #layout: Buffer;
  readonly #book: number;
  readonly #edges: readonly number[];
  /** Of each set of last-seen times: where it and its windows stand in the header, and where its value stands in a row. */
  readonly #seen: readonly { readonly at: number; readonly windows: readonly number[]; readonly valueAt: number }[];
  readonly #singlesLeft: number;
  readonly #mostSingles: number;
  readonly #remembered = new LRUCache<string, Outlook>({ max: mostRemembered });

  /** @param names of tables. @param singles how many compaction leaves. */
  constructor(plan: Plan, names: CompanionNames, singles: number) {
    const places = headerPlaces(plan);
    const rowBytes = singleFormat(layoutOf(plan)).bytes;
    this.#names = names;
    this.#layout = Buffer.from(layoutHash(layoutOf(plan)), 'latin1');
    this.#book = places.book;
    this.#edges = places.edges;
    this.#seen = plan.seen.map(({ field }, i) => ({
      ...(places.seen[i] as (typeof places.seen)[number]),
      valueAt: rowBytes - 8 * (plan.distinctFields.length - field),
    }));
    this.#singlesLeft = singlesLeft(plan, singles);
    this.#mostSingles = mostSingles(plan, singles);
  }

  /** What will be looked at, if the log is still as it was when these were told of last. @param now about when that will be. */
  guess(log: string, parts: readonly RecordPart[], now: EpochMs): Lacking[] {
    const outlook = this.#remembered.get(log);
    return outlook ? this.#lacking(log, outlook, parts, now) : [];
  }

  /** What was told of it did not help. */
  forget(log: string): void {
    this.#remembered.delete(log);
  }

  /**
   * @param head of the log, as it is stored. @param parts those that are recorded one after the other. @param now when the
   * rehearsal will be; infinitely long ago where the log has a clock of its own.
   */
  of(log: string, head: Buffer, parts: readonly RecordPart[], now: EpochMs): Lacking[] {
    const outlook = this.#outlook(head);
    if (!outlook) {
      this.forget(log);
      return [];
    }
    const lacking = this.#lacking(log, outlook, parts, now);
    for (const { rowCount } of parts) {
      outlook.singles += rowCount;
      if (outlook.singles > this.#mostSingles) outlook.singles = this.#singlesLeft;
    }
    this.#remembered.set(log, outlook);
    return lacking;
  }

  /** Null of a log that was never compacted: nothing lies beyond its head. And of one of another layout, which is for the store. */
  #outlook(head: Buffer): Outlook | null {
    if (!head.subarray(0, this.#layout.length).equals(this.#layout)) return null;
    const double = (place: number) => (8 * place + 8 <= head.length ? head.readDoubleLE(8 * place) : 0);
    if (!(double(this.#book + inBook.frontier) > Number.NEGATIVE_INFINITY)) return null;
    const tiles = double(this.#book + inBook.tiles);
    let tilePassesAt = Number.POSITIVE_INFINITY;
    for (const at of this.#edges) if (double(at) < tiles) tilePassesAt = Math.min(tilePassesAt, double(at + 1));
    return {
      headBytes: head.length,
      singles: double(this.#book),
      asOf: double(served.asOf),
      tilePassesAt,
      idsBuckets: double(this.#book + inBook.idsBuckets),
      sets: this.#seen.map(({ at, windows }) => ({
        buckets: double(at + inSet.buckets),
        keepsSample: windows.some((window) => double(window + inWindow.newestStratum) > Number.NEGATIVE_INFINITY),
      })),
    };
  }

  #lacking(log: string, outlook: Outlook, parts: readonly RecordPart[], now: EpochMs): Lacking[] {
    const rows = parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const isCompacted = outlook.singles + rows > this.#mostSingles;
    const lacking: Lacking[] = [];
    const moment = now > Number.NEGATIVE_INFINITY ? now : Math.max(outlook.asOf, newestOf(parts));
    if (outlook.tilePassesAt <= moment || isCompacted)
      lacking.push({ what: 'range', key: log, from: outlook.headBytes, bytes: wholeKey });
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
    look(this.#names.ids(log), outlook.idsBuckets, idsKind, idAt);
    for (const [set, { valueAt, windows }] of this.#seen.entries()) {
      const key = this.#names.seen(log, set);
      const { buckets, keepsSample } = outlook.sets[set] as Outlook['sets'][number];
      const looked = look(key, buckets, seenKind, valueAt);
      if (keepsSample && looked === 'buckets')
        lacking.push({ what: 'range', key, ...strataOf(buckets, windows.length) });
    }
    return lacking;
  }
}

/** Whether all of one is in the other, which was foreseen by the same rules: so in the same order. */
export function isForeseen(lacking: readonly Lacking[], guessed: readonly Lacking[]): boolean {
  if (lacking.length !== guessed.length) return false;
  return lacking.every(({ key, from, bytes }, i) => {
    const guess = guessed[i] as Lacking;
    return guess.from === from && guess.bytes === bytes && guess.key === key;
  });
}

function newestOf(parts: readonly RecordPart[]): EpochMs {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { rows, rowCount } of parts) {
    for (let row = 0; row < rowCount; row++)
      newest = Math.max(newest, rows.readDoubleLE((row * rows.length) / rowCount));
  }
  return newest;
}
