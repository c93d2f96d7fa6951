/** More bytes than any key has. */
export const wholeKey = 1 << 24;

/** What a rehearsal wants to know of a key, and was not read yet. */
export interface Lacking {
  readonly what: 'range' | 'existence' | 'length';
  readonly key: string;
  /** Of a range. */
  readonly from: number;
  readonly bytes: number;
}

/** What was asked of a key but a range of it, and what the store answered. */
export interface Fact {
  readonly lacking: Lacking;
  readonly answer: number;
}

/** Thrown where a rehearsal cannot go on: something of the log is lacking, or what is asked is for the store to do. */
class Impasse {}

/** A command that writes, and what it was given: texts are bytes, a character each. */
export type Write = readonly [command: string, key: string, ...args: (string | number)[]];

/** How often a rehearsal may ask: it may go astray where it guesses. */
const mostCalls = 50_000;

/**
 * What was read of an entity's keys at one moment. Commands of a rehearsal find here what the store would answer, and what they
 * write is put down. Of the log, all that is looked at must have been read. What was not read of a companion is taken for zeros, so
 * that as much as may be is found lacking at once: of what comes of that, nothing is used.
 */
export class EntityCopy {
  readonly log: string;
  readonly #keys = new Map<string, KeyCopy>();
  readonly #written = new Map<string, KeyCopy>();
  #micros = 0;
  #calls = 0;
  lacking: Lacking[] = [];
  writes: Write[] = [];

  constructor(log: string) {
    this.log = log;
  }

  /** Begins another call, after what was written before. @param micros the store's time, in microseconds since 1970. */
  begin(micros: number): void {
    this.#micros = micros;
    this.#calls = 0;
    this.lacking = [];
    this.writes = [];
  }

  /** Takes what was read of a key: a range of so many bytes, of which there may be fewer. */
  tell(key: string, from: number, bytes: number, read: Buffer): void {
    this.#known(key).add({ from, read, isEnd: read.length < bytes });
  }

  tellExistence(key: string, isThere: boolean): void {
    this.#known(key).isThere = isThere;
  }

  tellFact({ lacking: { what, key }, answer }: Fact): void {
    if (what === 'length') this.#known(key).length = answer;
    else this.tellExistence(key, answer === 1);
  }

  /** So many bytes of a key as they would be, had all been written, or as many as there are; null where not all of that is known. */
  read(key: string, from: number, bytes: number): string | null {
    return this.#copyOf(key).read(from, bytes);
  }

  /** The same, as bytes. */
  readBytes(key: string, from: number, bytes: number): Buffer | null {
    return this.#copyOf(key).readBytes(from, bytes);
  }

  /** What GETRANGE gives, as bytes. */
  look(key: string, from: number, bytes: number): Buffer {
    const read = this.readBytes(key, from, bytes);
    if (read) return read;
    this.#lackRange(key, from, bytes);
    return Buffer.alloc(bytes);
  }

  /** Something else was written to a key that was read, or it was put in the place of all that. */
  overwrite(key: string, at: number, bytes: string): void {
    this.#copyOf(key).write(at, bytes);
  }

  replace(key: string, bytes: string): void {
    this.#copyOf(key).replace(bytes);
  }

  call(args: readonly unknown[]): unknown {
    if (++this.#calls > mostCalls) throw new Impasse();
    const [command, key = ''] = args as [string, string?];
    if (command === 'TIME') return [undefined, Math.floor(this.#micros / 1e6), this.#micros % 1e6];
    const copy = this.#copyOf(key);
    switch (command) {
      case 'GETRANGE':
        return this.#readOrLack(copy, key, args[2] as number, (args[3] as number) - (args[2] as number) + 1);
      case 'EXISTS':
        if (copy.isThere === null) this.#lack({ what: 'existence', key, from: 0, bytes: 0 });
        return copy.isThere === false ? 0 : 1;
      case 'STRLEN':
        if (copy.length === null) this.#lack({ what: 'length', key, from: 0, bytes: 0 });
        return copy.length ?? 0;
      case 'SETRANGE':
        // Part of a companion that is gone would be taken for the whole: it must be there, and watched.
        if (!copy.isKnown) this.#lack({ what: 'existence', key, from: 0, bytes: 0 });
        copy.write(args[2] as number, args[3] as string);
        break;
      case 'SET':
        copy.replace(args[2] as string);
        break;
      case 'HSET':
      case 'HDEL':
      case 'PEXPIREAT':
        break;
      default:
        throw new Impasse(); // it is for the store to do
    }
    this.writes.push(args as unknown as Write);
    return 0;
  }

  #known(key: string): KeyCopy {
    const known = this.#keys.get(key) ?? new KeyCopy();
    this.#keys.set(key, known);
    return known;
  }

  #copyOf(key: string): KeyCopy {
    const copy = this.#written.get(key) ?? this.#known(key).clone();
    this.#written.set(key, copy);
    return copy;
  }

  #readOrLack(copy: KeyCopy, key: string, from: number, bytes: number): string {
    const text = copy.read(from, bytes);
    if (text !== null) return text;
    this.#lackRange(key, from, bytes);
    return '\0'.repeat(bytes);
  }

  #lackRange(key: string, from: number, bytes: number): void {
    this.#lack({ what: 'range', key, from, bytes });
    if (key === this.log) throw new Impasse();
  }

  #lack(lacking: Lacking): void {
    this.lacking.push(lacking);
  }
}

/** What was read of a key from one place on. */
interface Stretch {
  readonly from: number;
  readonly read: Buffer;
  /** Whether the key ends with it. */
  readonly isEnd: boolean;
}

/** What is written over that. */
interface Patch {
  readonly at: number;
  readonly bytes: string;
}

/** What is known of one key. */
class KeyCopy {
  #stretches: readonly Stretch[] = [];
  readonly #patches: Patch[] = [];
  length: number | null = null;
  #isThere: boolean | null = null;

  /** Null where that is not known: something that was read of it must have been there. */
  get isThere(): boolean | null {
    return this.#isThere ?? (this.#stretches.some(({ read }) => read.length > 0) || null);
  }

  set isThere(isThere: boolean) {
    this.#isThere = isThere;
  }

  /** As it was read, to be written over. */
  clone(): KeyCopy {
    const copy = new KeyCopy();
    copy.#stretches = this.#stretches;
    copy.length = this.length;
    copy.#isThere = this.#isThere;
    return copy;
  }

  /** Whether anything was read of it. */
  get isKnown(): boolean {
    return this.#isThere !== null || this.length !== null || this.#stretches.length > 0;
  }

  add(stretch: Stretch): void {
    this.#stretches = [...this.#stretches, stretch];
  }

  /** So many bytes, or as many as there are; null where that is not known. */
  read(from: number, bytes: number): string | null {
    const over = this.#patchesOver(from, bytes);
    const last = over?.at(-1);
    if (last && last.at <= from && last.at + last.bytes.length >= from + bytes) {
      return last.bytes.substring(from - last.at, from - last.at + bytes);
    }
    return this.#over(from, bytes, over)?.toString('latin1') ?? null;
  }

  /** The same. What comes of it may be what was read itself. */
  readBytes(from: number, bytes: number): Buffer | null {
    return this.#over(from, bytes, this.#patchesOver(from, bytes));
  }

  write(at: number, bytes: string): void {
    this.#patches.push({ at, bytes });
  }

  replace(text: string): void {
    this.#stretches = [{ from: 0, read: Buffer.from(text, 'latin1'), isEnd: true }];
    this.#patches.length = 0;
    this.length = text.length;
    this.isThere = true;
  }

  /** Null: there are none. */
  #patchesOver(from: number, bytes: number): readonly Patch[] | null {
    if (this.#patches.length === 0) return null;
    const over = this.#patches.filter(({ at, bytes: { length } }) => at < from + bytes && at + length > from);
    return over.length > 0 ? over : null;
  }

  /** What is not known is known where one of the patches covers it. */
  #over(from: number, bytes: number, patches: readonly Patch[] | null): Buffer | null {
    const read = this.#asRead(from, bytes);
    if (!patches) return read;
    const whole = Buffer.alloc(bytes);
    let end = read?.length ?? 0;
    let isKnown = read !== null;
    if (read) whole.set(read);
    for (const { at, bytes: over } of patches) {
      const inside = at < from ? over.substring(from - at) : over;
      const begin = Math.max(0, at - from);
      isKnown ||= begin === 0 && inside.length >= bytes;
      end = Math.max(end, begin + Math.min(inside.length, bytes - begin));
      whole.write(inside, begin, 'latin1');
    }
    return isKnown ? whole.subarray(0, end) : null;
  }

  #asRead(from: number, bytes: number): Buffer | null {
    for (const { from: begin, read, isEnd } of this.#stretches) {
      if (from < begin) continue;
      if (from + bytes <= begin + read.length || isEnd) return read.subarray(from - begin, from - begin + bytes);
    }
    return null;
  }
}
