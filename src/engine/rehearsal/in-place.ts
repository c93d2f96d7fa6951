import { type CommandBuffer, encodeArgument } from '../../valkey/index.ts';
import { headBytes, mostSingles } from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';
import { rowsAtOnce } from '../pieces.ts';
import { duplicateHorizonMs, type Plan } from '../plan.ts';
import type { RowVerdict } from '../reply.ts';
import type { EpochMs } from '../vector.ts';
import { readVector } from '../vector-batch.ts';
import { type CompanionNames, Companions, type LogAsRead } from './companions.ts';
import type { EntityCopy, Lacking, Write } from './entity-copy.ts';
import { LogImage } from './log-image.ts';
import type { Waiting } from './turns.ts';
import { mostBetween } from './writes.ts';

/** A call as `open_call` in lua/call.lua has it, as far as it is looked at here. */
export interface OpenCall {
  readonly event_clock: boolean;
  readonly millis: number;
  readonly micros: number;
  /** How many companions were found missing since it was compacted last. */
  readonly lost: number;
}

type OnImage<T> = (call: OpenCall, s: Float64Array, cells: LogImage, beside: Companions, now: number) => T | undefined;
type Take = OnImage<number>;
type Tell = OnImage<boolean>;

/** `compact_in_place`: what it asks of the store is in a copy. */
type Compact = (
  copy: EntityCopy,
  call: OpenCall,
  view: number,
  key: string,
  s: Float64Array,
  marks: string,
  singles: string,
  newest: readonly (number | undefined)[],
  newestAt: readonly (EpochMs | undefined)[],
  now: EpochMs,
) => readonly [
  log: { readonly marks: string; readonly singles: string },
  livesLonger: boolean,
  text: string | undefined,
];

/** The functions of lua-text/in-place.ts, of one view. */
export interface InPlaceFunctions {
  readonly take: Take;
  readonly tell: Tell;
  readonly compact: Compact;
}

/** What came of parts. */
export interface InPlaceResult {
  /** Of the first of them. */
  readonly recorded: readonly RecordedPart[];
  /** With the last of these, the log was compacted: those behind it go on from the copy. */
  readonly isCompacted: boolean;
  /** What must be read before anything is known; then nothing was recorded. */
  readonly lacking: readonly Lacking[];
}

/** A log that was compacted, and what that wrote elsewhere. */
interface Compaction {
  /** All of it, where it is to be written whole. */
  readonly text: string | undefined;
  readonly writes: readonly Write[];
}

/**
 * Records in this process's memory what comes most often: events that are as new as all others of a log at least. Nothing is made of them
 * that is thrown away: the log is looked at where it was read to, and commands are written from there. Where they have it compacted, the
 * engine's own text does that, on what lies here.
 */
export class InPlace {
  readonly #plan: Plan;
  readonly #functions: InPlaceFunctions;
  readonly #image: LogImage;
  readonly #companions: Companions;
  /** As they are sent. */
  readonly #fields: readonly Uint8Array[];
  /** Until the next compaction. */
  readonly #mostSingles: number;
  readonly #headBytes: number;
  #livesLonger = false;
  #compaction: Compaction | null = null;

  /** @param names of tables. @param singles how many compaction leaves. */
  constructor(plan: Plan, functions: InPlaceFunctions, names: CompanionNames, singles: number) {
    this.#plan = plan;
    this.#functions = functions;
    this.#mostSingles = mostSingles(plan, singles);
    this.#headBytes = headBytes(plan, singles);
    this.#image = new LogImage(plan, this.#headBytes, rowsAtOnce);
    this.#companions = new Companions(plan, names, this.#image, duplicateHorizonMs);
    this.#fields = plan.view.features.map(({ hashField }) => encodeArgument(hashField));
  }

  /**
   * Records parts, one after the other, as long as none is for the engine's own `record`; the last of them may have the log compacted.
   * What they wrote is in the image then (see `write` and `tell`), and what a compaction wrote in the copy too.
   * @param copyAsRead a copy of what was read, and of what was recorded since, to be begun; it is asked for by a compaction alone.
   */
  record(read: LogAsRead, parts: readonly Waiting[], call: OpenCall, copyAsRead: () => EntityCopy): InPlaceResult {
    if (!this.#load(read)) return nothingRecorded;
    const recorded: RecordedPart[] = [];
    for (const { part } of parts) {
      const isCrowded = this.#image.singles + part.rowCount > this.#mostSingles;
      const result = isCrowded ? this.#recordAndCompact(part, call, read, copyAsRead) : this.#recordPart(part, call);
      if (isLacking(result)) return { ...nothingRecorded, lacking: result };
      if (!result) {
        // The image has something of that part by now.
        if (recorded.length > 0) this.#again(read, parts.slice(0, recorded.length), call);
        break;
      }
      recorded.push(result);
      if (isCrowded) return { recorded, isCompacted: true, lacking: [] };
    }
    return { recorded, isCompacted: false, lacking: [] };
  }

  #load(read: LogAsRead): boolean {
    if (!this.#image.load(read.head)) return false;
    this.#companions.load(read);
    this.#livesLonger = false;
    this.#compaction = null;
    return true;
  }

  #again(read: LogAsRead, parts: readonly Waiting[], call: OpenCall): void {
    this.#load(read);
    for (const { part } of parts) this.#recordPart(part, call);
  }

  /** Puts what was recorded last into a copy of what was read. */
  tell(copy: EntityCopy, log: string): void {
    const image = this.#image;
    const text = image.bytes.toString('latin1', 0, image.length);
    if (image.isRewritten) copy.replace(log, text);
    else copy.overwrite(log, 0, text);
    this.#companions.tell(copy);
  }

  #recordPart(part: RecordPart, call: OpenCall): RecordedPart | null {
    const image = this.#image;
    const taken = this.#takeRows(part, call);
    if (!taken) return null;
    const { now, verdicts } = taken;
    const livesLonger = this.#functions.tell(call, image.doubles, image, this.#companions, now);
    if (livesLonger === undefined) return null;
    this.#livesLonger ||= livesLonger;
    if (image.isGrown) image.rewrite(now, this.#mostSingles);
    return { vector: readVector(this.#plan.view, part.id, image.doubles, served.revision), verdicts };
  }

  /** Null: it is for the engine's own `record`. */
  #takeRows({ rows, rowCount }: RecordPart, call: OpenCall): { now: EpochMs; verdicts: RowVerdict[] } | null {
    const image = this.#image;
    const { doubles } = image;
    const asOf = doubles[served.asOf] as number;
    const verdicts: RowVerdict[] = [];
    const rowBytes = rows.length / rowCount;
    image.forgetNewest();
    let now = call.event_clock ? asOf : Math.max(call.millis, asOf);
    for (let row = 0; row < rowCount; row++) {
      if (image.isFull && image.singles < this.#mostSingles && image.tiles === 0) image.grow(this.#mostSingles);
      image.loadRow(rows, row * rowBytes);
      const then = this.#functions.take(call, doubles, image, this.#companions, now);
      if (then === undefined) return null;
      now = then;
      verdicts.push(recordedAt(doubles[served.lastEventAt] as number));
    }
    return { now, verdicts };
  }

  /** A part after which the log has more singles than may be. Or what is lacking for that; or null, where it is for the engine's own `record`. */
  #recordAndCompact(
    part: RecordPart,
    call: OpenCall,
    read: LogAsRead,
    copyAsRead: () => EntityCopy,
  ): RecordedPart | readonly Lacking[] | null {
    const image = this.#image;
    const { doubles } = image;
    const { log } = read;
    image.widen(this.#mostSingles + part.rowCount);
    const taken = this.#takeRows(part, call);
    if (!taken) return null;
    const { now, verdicts } = taken;
    const copy = copyAsRead();
    this.#companions.tell(copy);
    const [marks, singles] = image.texts();
    const { values, times } = image.newest();
    const { index } = this.#plan;
    const compacted = orLacking(copy, () =>
      this.#functions.compact(copy, call, index, log, doubles, marks, singles, values, times, now),
    );
    if (copy.lacking.length > 0) return copy.lacking;
    const [left, livesLonger, text] = compacted;
    const { writes } = copy;
    if (text === undefined) {
      image.narrow(left.marks, left.singles);
      copy.overwrite(log, 0, image.bytes.toString('latin1', 0, image.length));
    } else {
      copy.replace(log, text);
      image.load(Buffer.from(text.slice(0, this.#headBytes), 'latin1'));
    }
    image.noteChangesSince(read.head);
    this.#livesLonger ||= livesLonger;
    this.#compaction = { text, writes };
    return { vector: readVector(this.#plan.view, part.id, doubles, served.revision), verdicts };
  }

  /** Writes the commands that make what is stored what the last `record` came to. */
  write(commands: CommandBuffer, log: string, hash: string, call: OpenCall): void {
    const expiresAt = this.#image.doubles[served.expiresAt] as number;
    if (this.#compaction) {
      this.#companions.write(commands);
      this.#writeCompacted(commands, log, expiresAt, this.#compaction);
    } else {
      this.#writeLog(commands, log, expiresAt);
      this.#companions.write(commands);
    }
    this.#writeHash(commands, hash, Math.floor(call.millis / 1_000));
    if (this.#livesLonger) commands.add(['PEXPIREAT', hash, expiresAt]);
  }

  #writeLog(commands: CommandBuffer, log: string, expiresAt: number): void {
    const image = this.#image;
    const { bytes } = image;
    if (image.isRewritten) {
      this.#writeWhole(commands, log, expiresAt, () => commands.bytes(bytes, 0, image.length));
      return;
    }
    image.eachChange(mostBetween, (from, to) => {
      commands.begin(4);
      commands.encoded(setRange);
      commands.text(log);
      commands.number(from);
      commands.bytes(bytes, from, to);
    });
    if (this.#livesLonger) commands.add(['PEXPIREAT', log, expiresAt]);
  }

  #writeWhole(commands: CommandBuffer, log: string, expiresAt: EpochMs, put: () => void): void {
    commands.begin(this.#livesLonger ? 5 : 4);
    commands.text('SET');
    commands.text(log);
    put();
    commands.text(this.#livesLonger ? 'PXAT' : 'KEEPTTL');
    if (this.#livesLonger) commands.number(expiresAt);
  }

  /** Of a log that is not written whole: its head, and tiles as they were written. */
  #writeCompacted(commands: CommandBuffer, log: string, expiresAt: EpochMs, { text, writes }: Compaction): void {
    const image = this.#image;
    if (text === undefined) {
      commands.begin(4);
      commands.encoded(setRange);
      commands.text(log);
      commands.number(afterLayout);
      commands.bytes(image.bytes, afterLayout, image.length);
    } else {
      this.#writeWhole(commands, log, expiresAt, () => commands.text(text));
    }
    for (const write of writes) {
      const [, key, at] = write;
      if (key !== log || (text === undefined && (at as number) >= image.length)) commands.add(write);
    }
    if (text === undefined && this.#livesLonger) commands.add(['PEXPIREAT', log, expiresAt]);
  }

  /** As `put_hash` in lua/store.lua. */
  #writeHash(commands: CommandBuffer, hash: string, updatedAt: number): void {
    const image = this.#image;
    const fields = this.#fields;
    const { doubles } = image;
    const gone: string[] = [];
    let count = toldAlways.length + 1;
    for (let f = 0; f < fields.length; f++) {
      if (!image.hasChanged(f)) continue;
      if (Number.isNaN(image.featureAt(f))) gone.push(this.#plan.view.features[f]?.hashField as string);
      else count += 1;
    }
    const hasEnd = doubles[served.validUntil] !== Number.POSITIVE_INFINITY;
    if (hasEnd) count += 1;
    else gone.push('_valid_until');
    commands.begin(2 + 2 * count);
    commands.encoded(hSet);
    commands.text(hash);
    for (let f = 0; f < fields.length; f++) {
      if (!image.hasChanged(f) || Number.isNaN(image.featureAt(f))) continue;
      commands.encoded(fields[f] as Uint8Array);
      commands.number(image.featureAt(f));
    }
    for (const { field, place } of toldAlways) {
      commands.encoded(field);
      commands.number(doubles[place] as number);
    }
    if (hasEnd) {
      commands.encoded(validUntilField);
      commands.number(doubles[served.validUntil] as number);
    }
    commands.encoded(updatedAtField);
    commands.number(updatedAt);
    if (gone.length > 0) commands.add(['HDEL', hash, ...gone]);
  }
}

const nothingRecorded: InPlaceResult = { recorded: [], isCompacted: false, lacking: [] };

function isLacking(result: RecordedPart | readonly Lacking[] | null): result is readonly Lacking[] {
  return Array.isArray(result);
}

/** What goes wrong for want of something need not be told. */
function orLacking<T>(copy: EntityCopy, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (copy.lacking.length > 0) return [] as T;
    throw error;
  }
}

/** What a log begins with never changes. */
const afterLayout = 8;
const setRange = encodeArgument('SETRANGE');
const hSet = encodeArgument('HSET');
/** What the served hash tells of the vector, and where it stands in the header. */
const toldAlways = [
  { field: encodeArgument('_as_of'), place: served.asOf },
  { field: encodeArgument('_revision'), place: served.revision },
  { field: encodeArgument('_event_seq'), place: served.eventSeq },
  { field: encodeArgument('_last_event_at'), place: served.lastEventAt },
];
const validUntilField = encodeArgument('_valid_until');
const updatedAtField = encodeArgument('_updated_at');

function recordedAt(time: number): RowVerdict {
  return {
    status: 'RECORDED',
    timeDiffers: false,
    wasRetracted: false,
    columnsThatDiffer: 0,
    flagsThatDiffer: 0,
    time,
  };
}
