import type { CommandBuffer } from '../../valkey/index.ts';
import { headBytes, mostSingles } from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';
import { rowsAtOnce } from '../pieces.ts';
import { duplicateHorizonMs, type Plan } from '../plan.ts';
import type { RowVerdict } from '../reply.ts';
import type { EpochMs } from '../vector.ts';
import { readVector } from '../vector-batch.ts';
import { type CompanionNames, Companions, type LogAsRead } from './companions.ts';
import type { EntityCopy, Lacking } from './entity-copy.ts';
import { type Compaction, InPlaceWriter } from './in-place-writer.ts';
import { LogImage } from './log-image.ts';
import type { Waiting } from './turns.ts';

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
  readonly #writer: InPlaceWriter;
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
    this.#writer = new InPlaceWriter(plan, this.#image, this.#companions);
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
    if (text === undefined && image.isRewritten) throw new Error('a log that has tiles now had no room for any');
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
    const expiresAt = this.#livesLonger ? (this.#image.doubles[served.expiresAt] as EpochMs) : null;
    this.#writer.write(commands, log, expiresAt, this.#compaction);
    this.#writer.writeHash(commands, hash, expiresAt, Math.floor(call.millis / 1_000));
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
