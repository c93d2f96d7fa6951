import {
  type HeaderPlaces,
  headerPlaces,
  inBook,
  layoutHash,
  layoutOf,
  markBytes,
  singleFormat,
  vectorAt,
} from '../layout.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';

/** Bytes before the header's doubles. */
const layoutBytes = 8;
/** Where an id, and flags, begin in a single, in words of four bytes. */
const idWord = 2;
const flagsWord = 4;
/** What the mark of a value says whose first four bytes say nothing. */
const markOfNothing = 0x01_00_00_00;

/**
 * A log in this process's memory, on which events are taken in as lua-text/in-place.ts says; and a row beside it, as it came to be
 * recorded. One is used again and again. What stands where, lua/call.lua says.
 */
export class LogImage {
  /** The log's memory: the first double of its header has the number 1. */
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #layout: Buffer;
  readonly #places: HeaderPlaces;
  readonly #markWords: number;
  readonly #singleWords: number;
  readonly #headerBytes: number;
  /** Of each set of last-seen times, where its value begins in a single, in words. */
  readonly #valueWords: readonly number[];
  /** The row that is to be recorded next: a single. */
  readonly row: Buffer;
  readonly #rowWords: Uint32Array;
  /** A double, of which the halves lie elsewhere. */
  readonly #double = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#double.buffer);
  /** Of each feature, the value of the newest event that was noted, and when that was. */
  readonly #newest: number[];
  readonly #newestAt: EpochMs[];
  readonly #widestMs: number;
  readonly #keepMs: number;
  /** For how many singles it has room when it is not widened. */
  #narrowSlots = 0;
  #singlesWord = 0;
  /** How many singles it had when it was loaded, or written anew. */
  #had = 0;
  /** Whether it is to be written whole; and whether it has room that it must not keep. */
  isRewritten = false;
  isGrown = false;
  /** Where marks were taken out, in words. */
  #erased: number[] = [];
  /** Of each feature, whether its value changed. */
  readonly #isChanged: boolean[];

  /** @param headBytes how much of a log is taken in. @param mostBeyond so many singles more than these bytes have room for it may hold at times. */
  constructor(plan: Plan, headBytes: number, mostBeyond: number) {
    const slotBytes = markBytes(layoutOf(plan)) + singleFormat(layoutOf(plan)).bytes;
    const memory = new ArrayBuffer(8 * Math.ceil((headBytes + mostBeyond * slotBytes) / 8));
    this.doubles = new Float64Array(memory);
    this.#words = new Uint32Array(memory);
    this.bytes = Buffer.from(memory);
    const layout = layoutOf(plan);
    this.#layout = Buffer.from(layoutHash(layout), 'latin1');
    this.#places = headerPlaces(plan);
    this.#markWords = markBytes(layout) / 4;
    const { bytes: singleBytes } = singleFormat(layout);
    this.#singleWords = singleBytes / 4;
    this.#headerBytes = layoutBytes + 8 * this.#places.doubles;
    this.#valueWords = plan.seen.map(({ field }) => (singleBytes - 8 * (plan.distinctFields.length - field)) / 4);
    this.#widestMs = plan.grid.at(-1)?.sizeMs as number;
    this.#keepMs = plan.keepMs;
    this.row = Buffer.alloc(singleBytes);
    this.#rowWords = new Uint32Array(this.row.buffer, this.row.byteOffset, this.#singleWords);
    this.#newest = plan.features.map(() => Number.NaN);
    this.#newestAt = plan.features.map(() => Number.NEGATIVE_INFINITY);
    this.#isChanged = plan.features.map(() => false);
  }

  /** Takes in a log as it is stored. Returns false if it is none of this layout, or not whole. */
  load(log: Buffer): boolean {
    const { length } = log;
    if (length < this.#headerBytes || length > this.bytes.length || log.compare(this.#layout, 0, 8, 0, 8) !== 0)
      return false;
    this.bytes.set(log);
    const slots = this.doubles[this.#places.book + 1] as number;
    this.#singlesWord = this.#headerBytes / 4 + this.#markWords * slots;
    this.#had = this.doubles[this.#places.book] as number;
    this.#erased.length = 0;
    this.isRewritten = this.isGrown = false;
    for (let f = 0; f < this.#isChanged.length; f++) this.#isChanged[f] = false;
    return length >= 4 * (this.#singlesWord + this.#singleWords * slots);
  }

  /** Whether another single has no room. */
  get isFull(): boolean {
    return this.singles >= (this.doubles[this.#places.book + 1] as number);
  }

  get singles(): number {
    return this.doubles[this.#places.book] as number;
  }

  /** Makes room for so many singles; until `rewrite`, the log is none that could be stored. */
  grow(slots: number): void {
    this.isRewritten = this.isGrown = true;
    this.#layOut(slots, 0);
  }

  /** Makes room for so many singles until they are compacted (see `narrow`); until then, the log is none that could be stored. */
  widen(slots: number): void {
    this.#narrowSlots = this.doubles[this.#places.book + 1] as number;
    this.#layOut(slots, 0);
  }

  /** The marks of all singles, and these, bytes as characters; and from now on the header has the log's own room again. */
  texts(): readonly [marks: string, singles: string] {
    const { bytes, singles } = this;
    const markBytes = 4 * this.#markWords * singles;
    const at = 4 * this.#singlesWord;
    this.doubles[this.#places.book + 1] = this.#narrowSlots;
    return [
      bytes.toString('latin1', this.#headerBytes, this.#headerBytes + markBytes),
      bytes.toString('latin1', at, at + 4 * this.#singleWords * singles),
    ];
  }

  /** The log has but these by now, and the header says so. */
  narrow(marks: string, singles: string): void {
    const { bytes } = this;
    this.#singlesWord = this.#headerBytes / 4 + this.#markWords * this.#narrowSlots;
    const at = 4 * this.#singlesWord;
    bytes.fill(0, this.#headerBytes, this.length);
    bytes.write(marks, this.#headerBytes, 'latin1');
    bytes.write(singles, at, 'latin1');
  }

  /** What was noted of the newest events, of features counted from 1. */
  newest(): { readonly values: (number | undefined)[]; readonly times: (EpochMs | undefined)[] } {
    const isNoted = (time: EpochMs) => time > Number.NEGATIVE_INFINITY;
    const times = this.#newestAt.map((time) => (isNoted(time) ? time : undefined));
    const values = this.#newest.map((value, f) => (times[f] === undefined ? undefined : value));
    return { values: [undefined, ...values], times: [undefined, ...times] };
  }

  /** As `trim` and `rewritten` in lua/store.lua. @param mostSingles until the next compaction. */
  rewrite(now: number, mostSingles: number): void {
    const { doubles } = this;
    const { book, edges } = this.#places;
    const gone = this.#countGone(now);
    if (gone > 0) {
      doubles[book + inBook.dropped] = this.timeOf(gone - 1);
      for (const edge of edges) doubles[edge] = (doubles[edge] as number) - gone;
    }
    const singles = this.singles - gone;
    this.#layOut(Math.max(singles, Math.min(mostSingles, singles + Math.max(4, Math.floor(singles / 4)))), gone);
    this.#had = singles;
    this.isGrown = false;
  }

  /** How many singles no window can hold any more, now or at a moment that can be looked back at, and no retry can repeat. */
  #countGone(now: number): number {
    const { book, edges } = this.#places;
    let last = this.doubles[book] as number;
    for (const edge of edges) last = Math.min(last, this.doubles[edge] as number);
    let gone = 0;
    while (gone < last && Math.floor(this.timeOf(gone) / this.#widestMs + 1) * this.#widestMs <= now - this.#keepMs)
      gone++;
    return gone;
  }

  /** Lays the log out for so many singles, without so many of the oldest. */
  #layOut(slots: number, gone: number): void {
    const [words, step, stride] = [this.#words, this.#markWords, this.#singleWords];
    const { book } = this.#places;
    const singles = this.singles - gone;
    const marks = this.#headerBytes / 4;
    const to = marks + step * slots;
    // Marks first: singles may move to where they were.
    if (gone > 0) words.copyWithin(marks, marks + step * gone, marks + step * (gone + singles));
    words.copyWithin(to, this.#singlesWord + stride * gone, this.#singlesWord + stride * (gone + singles));
    words.fill(0, marks + step * singles, to);
    words.fill(0, to + stride * singles, to + stride * slots);
    this.#singlesWord = to;
    this.doubles[book] = singles;
    this.doubles[book + 1] = slots;
  }

  /** Of each set of last-seen times, where its value begins in a row, in bytes. */
  get valuesAt(): readonly number[] {
    return this.#valueWords.map((words) => 4 * words);
  }

  /** How many tiles it has: none, if it was never compacted. */
  get tiles(): number {
    return this.doubles[this.#places.book + inBook.tiles] as number;
  }

  /** Whether it ever was: it may have tables then, though all tiles are gone. */
  get #wasCompacted(): boolean {
    return (this.doubles[this.#places.book + inBook.frontier] as number) > Number.NEGATIVE_INFINITY;
  }

  /** How many bytes it takes, without its tiles. */
  get length(): number {
    return 4 * (this.#singlesWord + this.#singleWords * (this.doubles[this.#places.book + 1] as number));
  }

  /** Takes in the row that is to be recorded next. */
  loadRow(rows: Buffer, at: number): void {
    rows.copy(this.row, 0, at, at + 4 * this.#singleWords);
  }

  /** Begins what several rows say of newest values. */
  forgetNewest(): void {
    this.#newestAt.fill(Number.NEGATIVE_INFINITY);
  }

  rowTime(): number {
    return this.#doubleOf(this.#rowWords, 0);
  }

  rowFlags(): number {
    return this.#rowWords[flagsWord] as number;
  }

  rowColumn(column: number): number {
    return this.#doubleOf(this.#rowWords, flagsWord + 1 + 2 * column);
  }

  timeOf(single: number): number {
    return this.#doubleOf(this.#words, this.#singlesWord + this.#singleWords * single);
  }

  flagsOf(single: number): number {
    return this.#words[this.#singlesWord + this.#singleWords * single + flagsWord] as number;
  }

  columnOf(single: number, column: number): number {
    return this.#doubleOf(this.#words, this.#singlesWord + this.#singleWords * single + flagsWord + 1 + 2 * column);
  }

  /** Whether the row's id may be that of one of so many singles. */
  knowsId(count: number): boolean {
    const [words, step, mark] = [this.#words, this.#markWords, this.#rowWords[idWord]];
    let at = this.#headerBytes / 4;
    for (const end = at + step * count; at < end; at += step) if (words[at] === mark) return true;
    return false;
  }

  /** Where the row stands among the last singles, those of its own moment: they go by their ids. */
  placeAt(time: EpochMs): number {
    let place = this.singles;
    while (place > 0 && this.timeOf(place - 1) === time && !this.#followsId(place - 1)) place--;
    return place;
  }

  /** Whether the row's id comes after that of a single. */
  #followsId(single: number): boolean {
    const at = this.#singlesWord + this.#singleWords * single + idWord;
    const [low, high] = [this.#words[at] as number, this.#words[at + 1] as number];
    const [rowLow, rowHigh] = [this.#rowWords[idWord] as number, this.#rowWords[idWord + 1] as number];
    return rowHigh > high || (rowHigh === high && rowLow > low);
  }

  /** The row becomes the single of this number, before those that have stood there. It shows no value yet. */
  put(single: number, time: EpochMs, flags: number): void {
    const [words, row, { singles }] = [this.#words, this.#rowWords, this];
    const [step, stride] = [this.#markWords, this.#singleWords];
    const at = this.#singlesWord + stride * single;
    const mark = this.#headerBytes / 4 + step * single;
    if (single < singles) {
      words.copyWithin(at + stride, at, at + stride * (singles - single));
      words.copyWithin(mark + step, mark, mark + step * (singles - single));
      if (single < this.#had) {
        this.#had = single;
        this.#erased = this.#erased.filter((word) => word < mark);
      }
    }
    for (let i = 0; i < stride; i++) words[at + i] = row[i] as number;
    this.#double[0] = time;
    words[at] = this.#halves[0] as number;
    words[at + 1] = this.#halves[1] as number;
    words[at + flagsWord] = flags;
    words[mark] = row[idWord] as number;
    for (let i = 1; i < step; i++) words[mark + i] = 0;
    this.doubles[this.#places.book] = singles + 1;
  }

  /** Whether a single has a value for a set of last-seen times. */
  hasValue(set: number, single: number): boolean {
    const at = this.#singlesWord + this.#singleWords * single + (this.#valueWords[set] as number);
    return this.#words[at] !== 0 || this.#words[at + 1] !== 0;
  }

  /** Whether a single is the last that shows its value to a set. */
  shows(single: number, set: number): boolean {
    return this.#words[this.#headerBytes / 4 + this.#markWords * single + 1 + set] !== 0;
  }

  /**
   * A single is now the last that shows its value, unless one after it does. Returns the one that did before; −1 for one after it,
   * undefined for none.
   */
  show(set: number, single: number): number | undefined {
    const [words, step] = [this.#words, this.#markWords];
    const value = this.#singlesWord + (this.#valueWords[set] as number);
    const own = value + this.#singleWords * single;
    const [low, high] = [words[own] as number, words[own + 1] as number];
    const mark = low === 0 ? markOfNothing : low;
    const marks = this.#headerBytes / 4 + 1 + set;
    const has = (i: number) => {
      const at = value + this.#singleWords * i;
      return words[marks + step * i] === mark && words[at] === low && words[at + 1] === high;
    };
    for (let i = this.singles - 1; i > single; i--) if (has(i)) return -1;
    words[marks + step * single] = mark;
    for (let i = 0; i < single; i++) {
      if (words[marks + step * i] !== mark || !has(i)) continue;
      words[marks + step * i] = 0;
      if (i < this.#had) this.#erased.push(marks + step * i);
      return i;
    }
    return undefined;
  }

  /** Of several at one moment, the greatest is told. */
  noteNewest(feature: number, value: number, time: EpochMs): void {
    if (time === this.#newestAt[feature] && value <= (this.#newest[feature] as number)) return;
    this.#newest[feature] = value;
    this.#newestAt[feature] = time;
  }

  /** The value that was noted last, if its event is newer than a moment. */
  newestOf(feature: number, after: EpochMs): number | undefined {
    return (this.#newestAt[feature] as number) > after ? this.#newest[feature] : undefined;
  }

  /** Notes which features have other values by now than in a log. */
  noteChangesSince(log: Buffer): void {
    for (let f = 0; f < this.#isChanged.length; f++) {
      if (!Object.is(this.featureAt(f), log.readDoubleLE(8 * (vectorAt + 1 + f)))) this.noteChange(f);
    }
  }

  noteChange(feature: number): void {
    this.#isChanged[feature] = true;
  }

  hasChanged(feature: number): boolean {
    return this.#isChanged[feature] as boolean;
  }

  /** The value of a feature. */
  featureAt(feature: number): number {
    return this.doubles[vectorAt + 1 + feature] as number;
  }

  /** Tells of each stretch that is not as it was loaded, in order; those that are near each other are one. */
  eachChange(mostBetween: number, tell: (from: number, to: number) => void): void {
    const has = this.doubles[this.#places.book] as number;
    const marks = this.#headerBytes + 4 * this.#markWords * this.#had;
    const singles = 4 * (this.#singlesWord + this.#singleWords * this.#had);
    let from = layoutBytes;
    let to = layoutBytes + 8 * (this.#wasCompacted ? this.#places.doubles : this.#places.hotDoubles);
    const next = (begin: number, end: number) => {
      if (begin - to > mostBetween) {
        tell(from, to);
        from = begin;
      }
      to = end;
    };
    if (this.#erased.length > 1) this.#erased.sort((a, b) => a - b);
    for (const word of this.#erased) next(4 * word, 4 * word + 4);
    next(marks, marks + 4 * this.#markWords * (has - this.#had));
    next(singles, singles + 4 * this.#singleWords * (has - this.#had));
    tell(from, to);
  }

  #doubleOf(words: Uint32Array, at: number): number {
    this.#halves[0] = words[at] as number;
    this.#halves[1] = words[at + 1] as number;
    return this.#double[0] as number;
  }
}
