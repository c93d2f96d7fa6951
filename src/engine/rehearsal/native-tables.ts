/**
 * What lua/tables.lua does, for rehearsals, in JavaScript of its own: of what a rehearsal that compacts a log takes, most would be
 * Lua's way of taking buckets apart. `luaTables` gives its names to the engine's text.
 */

import { mostBetween } from './writes.ts';

/** As in lua/tables.lua: so many slots a bucket; a slot has the key, and so many bytes of time, modulo an era. */
export const slotsABucket = 16;
export const timeBytes = 5;
export const era = 2 ** 40;

/** The second value of a function is what is `found` after it was called. */
export const luaTables = `
local SLOTS_A_BUCKET = ${slotsABucket}
local ERA = 2 ^ 40
local table_kind, new_table, expect_keys = tables.kind, tables.new, tables.expect
local put_in, take_out, slots_in, take_room = tables.put_in, tables.take_out, tables.slots_in, tables.take_room
local time_in, all_buckets = tables.time_in, tables.all_buckets
local function buckets_of(one, key)
  return tables.first_bucket(one, key), tables.second_bucket(one, key)
end
local function number_of(one, key)
  return tables.number_of(one, key), tables.found(one)
end
local function oldest_beside(one, key, now)
  return tables.oldest_beside(one, key, now), tables.found(one)
end
local function write_tables(log)
  for _, one in pairs(log.tables) do tables.write(one) end
end
`;

interface TableKind {
  readonly key_bytes: number;
  readonly slot_bytes: number;
  readonly bucket_bytes: number;
  /** For Lua's struct: all slots of a bucket, key and time by turns. */
  readonly format: string;
}

/** A bucket as it was read, and the times that its slots have now; null while nobody asked for all of them. */
interface Bucket {
  /** Where it begins in these bytes. */
  readonly at: number;
  readonly bytes: Buffer;
  readonly isThere: boolean;
  times: number[] | null;
  /** Slots that are free; null while nobody asked. */
  rooms: number[] | null;
}

type Call = (args: readonly unknown[]) => unknown;
/** What GETRANGE gives, as bytes. */
type Look = (key: string, from: number, bytes: number) => Buffer;
type Unpack = (format: string, text: string) => unknown[];

/** A table of so many buckets under a name, as one call sees it. Names are those that the engine's text uses. */
class Table {
  readonly name: string;
  readonly kind: TableKind;
  readonly buckets: number;
  /** All of it, if that is known; whether it is not there. */
  #whole: Buffer | undefined;
  missing: boolean | undefined;
  /** Of slots that keys were put into, the keys, by the numbers of the slots. */
  keys: { [number: number]: string | undefined } = {};
  readonly read = new Map<number, Bucket>();
  /** Slots that were changed. */
  readonly changed = new Set<number>();
  readonly numbers = new Map<string, number>();
  found: number | undefined;

  constructor(name: string, kind: TableKind, buckets: number) {
    this.name = name;
    this.kind = kind;
    this.buckets = buckets;
  }

  get whole(): Buffer | undefined {
    return this.#whole;
  }

  /** The engine's text says what a new table is. */
  set whole(whole: Buffer | string) {
    this.#whole = typeof whole === 'string' ? Buffer.from(whole, 'latin1') : whole;
  }

  forget(): void {
    this.#whole = undefined;
    this.keys = {};
    this.read.clear();
    this.changed.clear();
    this.numbers.clear();
  }
}

const firstBucket = (one: Table, key: string) => (key.charCodeAt(0) + 256 * key.charCodeAt(1)) % one.buckets;
const secondBucket = (one: Table, key: string) => (key.charCodeAt(2) + 256 * key.charCodeAt(3)) % one.buckets;

function timeAt(bytes: Buffer, at: number): number {
  const low = (bytes[at] as number) + 256 * (bytes[at + 1] as number) + 65_536 * (bytes[at + 2] as number);
  return low + 16_777_216 * ((bytes[at + 3] as number) + 256 * (bytes[at + 4] as number));
}

function isKeyAt(bytes: Buffer, at: number, key: string): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key.charCodeAt(i)) return false;
  return true;
}

function timeText(time: number): string {
  const high = Math.floor(time / 16_777_216);
  return String.fromCharCode(time & 255, (time >>> 8) & 255, (time >>> 16) & 255, high & 255, high >>> 8);
}

/** What `redis.call` does, and what is looked at without it. @param unpack Lua's `struct.unpack` into a table. */
export function nativeTables(call: Call, look: Look, unpack: Unpack) {
  const readAll = (one: Table) => look(one.name, 0, one.buckets * one.kind.bucket_bytes);

  function bucketOf(one: Table, number: number): Bucket {
    const known = one.read.get(number);
    if (known) return known;
    const { bucket_bytes: bytesABucket } = one.kind;
    const from = number * bytesABucket;
    const { whole } = one;
    const [bytes, at] = whole ? [whole, from] : [look(one.name, from, bytesABucket), 0];
    const isThere = bytes.length > at;
    const bucket = { at, bytes, isThere, times: null, rooms: null };
    one.read.set(number, bucket);
    one.missing = !isThere;
    return bucket;
  }

  function timesOf(one: Table, bucket: Bucket): number[] {
    if (bucket.times) return bucket.times;
    const { key_bytes: keyBytes, slot_bytes: slotBytes } = one.kind;
    const { bytes } = bucket;
    const times: number[] = [];
    let at = bucket.at + keyBytes;
    for (let slot = 0; slot < slotsABucket; slot++, at += slotBytes) times.push(bucket.isThere ? timeAt(bytes, at) : 0);
    bucket.times = times;
    return times;
  }

  /** The slot in which a key stood when the bucket was read, and still stands. */
  function slotIn(one: Table, number: number, key: string): number | undefined {
    const { at: begin, bytes, isThere } = bucketOf(one, number);
    if (!isThere) return undefined;
    const { key_bytes: keyBytes, slot_bytes: slotBytes } = one.kind;
    const first = key.charCodeAt(0);
    for (let slot = 0, at = begin; slot < slotsABucket; slot++, at += slotBytes) {
      if (bytes[at] !== first || !isKeyAt(bytes, at, key)) continue;
      const its = slotsABucket * number + slot;
      const time = timeAt(bytes, at + keyBytes);
      if (time === 0 || one.changed.has(its)) continue;
      one.found = time;
      return its;
    }
    return undefined;
  }

  function numberOf(one: Table, key: string): number | undefined {
    const put = one.numbers.size > 0 ? one.numbers.get(key) : undefined;
    if (put !== undefined) {
      one.found = timeIn(one, put);
      return put;
    }
    one.found = undefined;
    const [first, second] = [firstBucket(one, key), secondBucket(one, key)];
    return slotIn(one, first, key) ?? (second === first ? undefined : slotIn(one, second, key));
  }

  function timeIn(one: Table, number: number): number | undefined {
    const bucket = bucketOf(one, Math.floor(number / slotsABucket));
    return bucket.isThere ? timesOf(one, bucket)[number % slotsABucket] : undefined;
  }

  function note(one: Table, number: number, time: number): Bucket {
    const bucket = bucketOf(one, Math.floor(number / slotsABucket));
    timesOf(one, bucket)[number % slotsABucket] = time;
    one.changed.add(number);
    return bucket;
  }

  function roomsIn(one: Table, number: number, now: number, horizon: number): number[] {
    const bucket = bucketOf(one, number);
    if (bucket.rooms) return bucket.rooms;
    const times = timesOf(one, bucket);
    const thisEra = now % era;
    const rooms: number[] = [];
    for (let slot = 0; slot < slotsABucket; slot++) {
      const time = times[slot] as number;
      const age = thisEra - time;
      if (time === 0 || (age < 0 ? age + era : age) >= horizon) rooms.push(slotsABucket * number + slot);
    }
    bucket.rooms = rooms;
    return rooms;
  }

  /** As the engine's text takes a bucket: from place 1 on, keys as numbers and times by turns. */
  function slotsIn(one: Table, number: number): unknown[] {
    const bucket = bucketOf(one, number);
    const { at, bytes } = bucket;
    const text = bytes.toString('latin1', at, at + one.kind.bucket_bytes);
    const [slots, times] = [unpack(one.kind.format, text), timesOf(one, bucket)];
    for (let slot = 0; slot < slotsABucket; slot++) slots[2 * slot + 2] = times[slot];
    return slots;
  }

  /** Slots that are near each other are one command, where what stands between them is known. */
  function write(one: Table): void {
    if (one.changed.size === 0) return;
    const { slot_bytes: slotBytes } = one.kind;
    const { whole } = one;
    let from = 0;
    let text = '';
    for (const number of [...one.changed].sort((a, b) => a - b)) {
      const time = timeIn(one, number) as number;
      const bytes = time === 0 ? '\0'.repeat(slotBytes) : `${one.keys[number]}${timeText(time)}`;
      const at = number * slotBytes;
      const end = from + text.length;
      if (text !== '' && (at === end || (whole && at - end <= mostBetween))) {
        text += at > end ? `${whole?.toString('latin1', end, at)}${bytes}` : bytes;
        continue;
      }
      if (text !== '') call(['SETRANGE', one.name, from, text]);
      [from, text] = [at, bytes];
    }
    call(['SETRANGE', one.name, from, text]);
    one.forget();
  }

  return {
    kind: (keyBytes: number): TableKind => {
      const slotBytes = keyBytes + timeBytes;
      const format = `<${`I${keyBytes}I${timeBytes}`.repeat(slotsABucket)}`;
      return { key_bytes: keyBytes, slot_bytes: slotBytes, bucket_bytes: slotsABucket * slotBytes, format };
    },
    new: (name: string, kind: TableKind, buckets: number) => new Table(name, kind, buckets),
    first_bucket: firstBucket,
    second_bucket: secondBucket,
    expect: (one: Table, count: number) => {
      if (one.whole === undefined && one.buckets <= 2 * count && one.read.size === 0) one.whole = readAll(one);
    },
    number_of: numberOf,
    found: ({ found }: Table) => found,
    time_in: timeIn,
    slots_in: slotsIn,
    put_in: (one: Table, number: number, key: string, time: number) => {
      const before = one.keys[number];
      if (before !== undefined) one.numbers.delete(before);
      one.keys[number] = key;
      one.numbers.set(key, number);
      note(one, number, time % era);
    },
    take_out: (one: Table, number: number, key: string) => {
      one.numbers.delete(key);
      delete one.keys[number];
      note(one, number, 0).rooms = null;
    },
    take_room: (one: Table, key: string, now: number, horizon: number) => {
      const [first, second] = [firstBucket(one, key), secondBucket(one, key)];
      let rooms = roomsIn(one, first, now, horizon);
      if (rooms.length < slotsABucket / 4) {
        const others = roomsIn(one, second, now, horizon);
        if (others.length > rooms.length) rooms = others;
      }
      return rooms.pop();
    },
    oldest_beside: (one: Table, key: string, now: number) => {
      const thisEra = now % era;
      let number: number | undefined;
      one.found = -1;
      for (const bucket of new Set([firstBucket(one, key), secondBucket(one, key)])) {
        for (const [slot, time] of timesOf(one, bucketOf(one, bucket)).entries()) {
          const age = time > thisEra ? thisEra - time + era : thisEra - time;
          if (age > one.found) [number, one.found] = [slotsABucket * bucket + slot, age];
        }
      }
      return number;
    },
    write,
    all_buckets: (one: Table) => {
      write(one);
      return readAll(one).toString('latin1');
    },
  };
}
