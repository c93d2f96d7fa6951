import { type CommandBuffer, encodeArgument } from '../../valkey/index.ts';
import { headBytes, mostSingles } from '../layout.ts';
import { served } from '../lua-text/places.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';
import { duplicateHorizonMs, type Plan } from '../plan.ts';
import type { RowVerdict } from '../reply.ts';
import { readVector } from '../vector-batch.ts';
import { type CompanionNames, Companions, type LogAsRead } from './companions.ts';
import type { EntityCopy } from './entity-copy.ts';
import { LogImage } from './log-image.ts';
import type { Waiting } from './turns.ts';
import { mostBetween } from './writes.ts';

/** A call as `open_call` in lua/call.lua has it, as far as it is looked at here. */
export interface OpenCall {
  readonly event_clock: boolean;
  readonly millis: number;
  readonly micros: number;
}

type OnImage<T> = (call: OpenCall, s: Float64Array, cells: LogImage, beside: Companions, now: number) => T | undefined;
type Take = OnImage<number>;
type Tell = OnImage<boolean>;

/** The functions of lua-text/in-place.ts, of one view. */
export interface InPlaceFunctions {
  readonly take: Take;
  readonly tell: Tell;
}

/**
 * Records in this process's memory what comes most often: events that are as new as all others of a log at least, and do not have it compacted.
 * Nothing is made of them that is thrown away: the log is looked at where it was read to, and commands are written from there.
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
  #livesLonger = false;

  /** @param names of tables. @param singles how many compaction leaves. */
  constructor(plan: Plan, functions: InPlaceFunctions, names: CompanionNames, singles: number) {
    this.#plan = plan;
    this.#functions = functions;
    this.#mostSingles = mostSingles(plan, singles);
    this.#image = new LogImage(plan, headBytes(plan, singles));
    this.#companions = new Companions(plan, names, this.#image, duplicateHorizonMs);
    this.#fields = plan.view.features.map(({ hashField }) => encodeArgument(hashField));
  }

  /**
   * Records parts, one after the other, as long as none is for the engine's own text. What each came to that was recorded; what they
   * wrote is in the image then (see `write` and `tell`).
   */
  record(read: LogAsRead, parts: readonly Waiting[], call: OpenCall): RecordedPart[] {
    if (!this.#load(read)) return [];
    const results: RecordedPart[] = [];
    for (const { part } of parts) {
      if (this.#image.singles + part.rowCount > this.#mostSingles) break; // the log would be compacted
      const result = this.#recordPart(part, call);
      if (!result) {
        // The image has something of that part by now.
        if (results.length > 0) this.#again(read, parts.slice(0, results.length), call);
        break;
      }
      results.push(result);
    }
    return results;
  }

  #load(read: LogAsRead): boolean {
    if (!this.#image.load(read.head)) return false;
    this.#companions.load(read);
    this.#livesLonger = false;
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

  #recordPart({ id, rows, rowCount }: RecordPart, call: OpenCall): RecordedPart | null {
    const image = this.#image;
    const { doubles } = image;
    const { take, tell } = this.#functions;
    const asOf = doubles[served.asOf] as number;
    const verdicts: RowVerdict[] = [];
    const rowBytes = rows.length / rowCount;
    image.forgetNewest();
    let now = call.event_clock ? asOf : Math.max(call.millis, asOf);
    for (let row = 0; row < rowCount; row++) {
      if (image.isFull && image.singles < this.#mostSingles && image.tiles === 0) image.grow(this.#mostSingles);
      image.loadRow(rows, row * rowBytes);
      const then = take(call, doubles, image, this.#companions, now);
      if (then === undefined) return null;
      now = then;
      verdicts.push(recordedAt(doubles[served.lastEventAt] as number));
    }
    const livesLonger = tell(call, doubles, image, this.#companions, now);
    if (livesLonger === undefined) return null;
    this.#livesLonger ||= livesLonger;
    if (image.isGrown) image.rewrite(now, this.#mostSingles);
    return { vector: readVector(this.#plan.view, id, doubles, served.revision), verdicts };
  }

  /** Writes the commands that make what is stored what the last `record` came to. */
  write(commands: CommandBuffer, log: string, hash: string, call: OpenCall): void {
    const expiresAt = this.#image.doubles[served.expiresAt] as number;
    this.#writeLog(commands, log, expiresAt);
    this.#companions.write(commands);
    this.#writeHash(commands, hash, Math.floor(call.millis / 1_000));
    if (this.#livesLonger) commands.add(['PEXPIREAT', hash, expiresAt]);
  }

  #writeLog(commands: CommandBuffer, log: string, expiresAt: number): void {
    const image = this.#image;
    const { bytes } = image;
    if (image.isRewritten) {
      commands.begin(this.#livesLonger ? 5 : 4);
      commands.text('SET');
      commands.text(log);
      commands.bytes(bytes, 0, image.length);
      commands.text(this.#livesLonger ? 'PXAT' : 'KEEPTTL');
      if (this.#livesLonger) commands.number(expiresAt);
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
