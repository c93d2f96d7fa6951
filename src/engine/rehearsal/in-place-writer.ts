import { type CommandBuffer, encodeArgument } from '../../valkey/index.ts';
import { served } from '../lua-text/places.ts';
import type { Plan } from '../plan.ts';
import type { EpochMs } from '../vector.ts';
import type { Companions } from './companions.ts';
import type { Write } from './entity-copy.ts';
import type { LogImage } from './log-image.ts';
import { mostBetween } from './writes.ts';

/** A log that was compacted, and what that wrote elsewhere. */
export interface Compaction {
  /** All of it, where it is to be written whole. */
  readonly text: string | undefined;
  readonly writes: readonly Write[];
}

/** Writes the commands that make what is stored what lies in an image, and beside it. */
export class InPlaceWriter {
  readonly #plan: Plan;
  readonly #image: LogImage;
  readonly #companions: Companions;
  /** As they are sent. */
  readonly #fields: readonly Uint8Array[];

  constructor(plan: Plan, image: LogImage, companions: Companions) {
    this.#plan = plan;
    this.#image = image;
    this.#companions = companions;
    this.#fields = plan.view.features.map(({ hashField }) => encodeArgument(hashField));
  }

  /** Of a log and its companions. @param expiresAt null: it lives as long as it did. */
  write(commands: CommandBuffer, log: string, expiresAt: EpochMs | null, compaction: Compaction | null): void {
    const image = this.#image;
    // What a compaction wrote into tables comes after what was emptied before it.
    this.#companions.write(commands);
    if (compaction) this.#writeCompacted(commands, log, expiresAt, compaction);
    else if (image.isRewritten) putWhole(commands, log, expiresAt, () => commands.bytes(image.bytes, 0, image.length));
    else {
      image.eachChange(mostBetween, (from, to) => this.#putRange(commands, log, from, to));
      if (expiresAt !== null) commands.add(['PEXPIREAT', log, expiresAt]);
    }
  }

  /** Of a log that is not written whole: its head, and tiles as they were written. */
  #writeCompacted(commands: CommandBuffer, log: string, expiresAt: EpochMs | null, { text, writes }: Compaction): void {
    const { length } = this.#image;
    if (text === undefined) this.#putRange(commands, log, afterLayout, length);
    else putWhole(commands, log, expiresAt, () => commands.text(text));
    for (const write of writes) {
      const [, key, at] = write;
      if (key !== log || (text === undefined && (at as number) >= length)) commands.add(write);
    }
    if (text === undefined && expiresAt !== null) commands.add(['PEXPIREAT', log, expiresAt]);
  }

  #putRange(commands: CommandBuffer, log: string, from: number, to: number): void {
    commands.begin(4);
    commands.encoded(setRange);
    commands.text(log);
    commands.number(from);
    commands.bytes(this.#image.bytes, from, to);
  }

  /** Of the served hash, as `put_hash` in lua/store.lua. @param updatedAt in seconds since 1970. */
  writeHash(commands: CommandBuffer, hash: string, expiresAt: EpochMs | null, updatedAt: number): void {
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
    if (expiresAt !== null) commands.add(['PEXPIREAT', hash, expiresAt]);
  }
}

function putWhole(commands: CommandBuffer, log: string, expiresAt: EpochMs | null, putText: () => void): void {
  commands.begin(expiresAt === null ? 4 : 5);
  commands.text('SET');
  commands.text(log);
  putText();
  commands.text(expiresAt === null ? 'KEEPTTL' : 'PXAT');
  if (expiresAt !== null) commands.number(expiresAt);
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
