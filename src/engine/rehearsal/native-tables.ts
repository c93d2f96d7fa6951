/**
 * What lua/tables.lua does, for rehearsals, in JavaScript of its own: of what a rehearsal that compacts a log takes, most would be
 * Lua's way of taking buckets apart. `luaTables` gives its names to the engine's text.
 */

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
  readonly text: string;
  times: Float64Array | null;
  /** Slots that are free; null while nobody asked. */
  rooms: number[] | null;
}

type Call = (args: readonly unknown[]) => unknown;
type Unpack = (format: string, text: string) => unknown[];

/** A table of so many buckets under a name, as one call sees it. Names are those that the engine's text uses. */
class Table {
  readonly name: string;
  readonly kind: TableKind;
  readonly buckets: number;
  /** All of it, if that was read; whether it is not there. */
  whole: string | undefined;
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

  forget(): void {
    this.whole = undefined;
    this.keys = {};
    this.read.clear();
    this.changed.clear();
    this.numbers.clear();
  }
}

const firstBucket = (one: Table, key: string) => (key.charCodeAt(0) + 256 * key.charCodeAt(1)) % one.buckets;
const secondBucket = (one: Table, key: string) => (key.charCodeAt(2) + 256 * key.charCodeAt(3)) % one.buckets;

function timeAt(text: string, at: number): number {
  const low = text.charCodeAt(at) + 256 * text.charCodeAt(at + 1) + 65_536 * text.charCodeAt(at + 2);
  return low + 16_777_216 * (text.charCodeAt(at + 3) + 256 * text.charCodeAt(at + 4));
}

function timeText(time: number): string {
  const high = Math.floor(time / 16_777_216);
  return String.fromCharCode(time & 255, (time >>> 8) & 255, (time >>> 16) & 255, high & 255, high >>> 8);
}

/** @param call what `redis.call` does. @param unpack Lua's `struct.unpack` into a table. */
export function nativeTables(call: Call, unpack: Unpack) {
  function readAll(one: Table): string {
    return call(['GETRANGE', one.name, 0, one.buckets * one.kind.bucket_bytes - 1]) as string;
  }

  function bucketOf(one: Table, number: number): Bucket {
    const known = one.read.get(number);
    if (known) return known;
    const { bucket_bytes: bytes } = one.kind;
    const from = number * bytes;
    const text =
      one.whole?.slice(from, from + bytes) ?? (call(['GETRANGE', one.name, from, from + bytes - 1]) as string);
    const bucket = { text, times: null, rooms: null };
    one.read.set(number, bucket);
    one.missing = text === '';
    return bucket;
  }

  function timesOf(one: Table, bucket: Bucket): Float64Array {
    if (bucket.times) return bucket.times;
    const { key_bytes: keyBytes, slot_bytes: slotBytes } = one.kind;
    const { text } = bucket;
    const times = new Float64Array(slotsABucket);
    if (text !== '') for (let i = 0; i < slotsABucket; i++) times[i] = timeAt(text, i * slotBytes + keyBytes);
    bucket.times = times;
    return times;
  }

  /** The slot in which a key stood when the bucket was read, and still stands. */
  function slotIn(one: Table, number: number, key: string): number | undefined {
    const { text } = bucketOf(one, number);
    const { key_bytes: keyBytes, slot_bytes: slotBytes } = one.kind;
    for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
      if (at % slotBytes !== 0) continue;
      const its = slotsABucket * number + at / slotBytes;
      const time = timeAt(text, at + keyBytes);
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
    return bucket.text === '' ? undefined : timesOf(one, bucket)[number % slotsABucket];
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
    const [slots, times] = [unpack(one.kind.format, bucket.text), timesOf(one, bucket)];
    for (let slot = 0; slot < slotsABucket; slot++) slots[2 * slot + 2] = times[slot];
    return slots;
  }

  function write(one: Table): void {
    if (one.changed.size === 0) return;
    const { slot_bytes: slotBytes } = one.kind;
    for (const number of one.changed) {
      const time = timeIn(one, number) as number;
      const bytes = time === 0 ? '\0'.repeat(slotBytes) : `${one.keys[number]}${timeText(time)}`;
      call(['SETRANGE', one.name, number * slotBytes, bytes]);
    }
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
      return readAll(one);
    },
  };
}
