const firstBytes = 1 << 16;
/** Texts up to here are written character by character: to ask Node to do it takes longer. */
const shortText = 40;

/** So many digits at a time are a small integer. */
const digitsAtOnce = 8;
/** Before the point of a decimal that is written here. */
const mostBeforePoint = 1e12;
const tens = Array.from({ length: 17 }, (_, i) => 10 ** i);

function digitsOf(whole: number): number {
  let digits = 1;
  for (let limit = 10; whole >= limit; limit *= 10) digits++;
  return digits;
}

/** 00 to 99, two digits each. */
const pairs = Uint8Array.from({ length: 200 }, (_, i) => 0x30 + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

/** An argument as it is sent. @param text bytes, a character each. */
export function encodeArgument(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`$${text.length}\r\n${text}\r\n`, 'latin1'));
}

/** Small whole numbers, as they are sent. */
const shortNumbers = Array.from({ length: 1_000 }, (_, value) => encodeArgument(`${value}`));

/**
 * Commands on their way to Valkey, one behind the other in one piece of memory: as texts put together, each would be made of
 * hundreds of small ones.
 */
export class CommandBuffer {
  /** How many commands are in it. */
  count = 0;
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #at = 0;

  /** A whole command. Texts are bytes, a character each. */
  add(command: readonly (string | number)[]): void {
    this.begin(command.length);
    for (const arg of command) {
      if (typeof arg === 'string') this.text(arg);
      else this.number(arg);
    }
  }

  /** Begins a command of so many arguments, its name among them. */
  begin(args: number): void {
    this.count += 1;
    this.#makeRoom(16);
    this.#length(0x2a, args);
  }

  /** An argument: bytes, a character each. */
  text(text: string): void {
    const { length } = text;
    this.#makeRoom(length + 20);
    this.#length(0x24, length);
    const at = this.#at;
    if (length <= shortText) for (let i = 0; i < length; i++) this.#bytes[at + i] = text.charCodeAt(i);
    else this.#bytes.write(text, at, 'latin1');
    this.#at += length;
    this.#endLine();
  }

  /** An argument that is written often, as `encodeArgument` gives it. */
  encoded(argument: Uint8Array): void {
    const { length } = argument;
    this.#makeRoom(length);
    const [bytes, at] = [this.#bytes, this.#at];
    for (let i = 0; i < length; i++) bytes[at + i] = argument[i] as number;
    this.#at = at + length;
  }

  /** An argument: a number, by a decimal that reads back as the same; mostly the shortest. */
  number(value: number): void {
    const whole = Math.floor(value);
    if (whole === value && whole >= 0 && whole <= Number.MAX_SAFE_INTEGER) {
      if (whole < shortNumbers.length) this.encoded(shortNumbers[whole] as Uint8Array);
      else this.#whole(whole);
    } else if (!(whole >= 1 && whole < mostBeforePoint) || !this.#decimal(value, whole)) this.text(`${value}`);
  }

  #whole(value: number): void {
    const digits = digitsOf(value);
    this.#makeRoom(digits + 16);
    this.#length(0x24, digits);
    this.#digits(value, digits);
    this.#endLine();
  }

  /**
   * To ask Node for the shortest decimal takes several times as long. Fifteen digits tell whatever was a decimal of so many; seventeen tell any
   * number: half of what lies between two is more than these may be off. Returns false for one that rounds to a whole.
   */
  #decimal(value: number, whole: number): boolean {
    const before = digitsOf(whole);
    let after = 15 - before;
    let scale = tens[after] as number;
    const all = Math.round(value * scale);
    let fraction = all - whole * scale;
    if (all / scale !== value) {
      after = 17 - before;
      scale = tens[after] as number;
      fraction = Math.round((value - whole) * scale);
    }
    if (fraction >= scale) return false;
    this.#makeRoom(before + after + 16);
    const begin = this.#at;
    // Its length is known once it is written: most have two digits.
    this.#at += 5;
    this.#digits(whole, before);
    this.#bytes[this.#at++] = 0x2e;
    this.#digits(fraction, after);
    while (this.#bytes[this.#at - 1] === 0x30) this.#at--;
    const end = this.#at;
    const length = end - begin - 5;
    this.#at = begin;
    this.#length(0x24, length);
    if (length < 10) this.#bytes.copyWithin(begin + 4, begin + 5, end);
    this.#at += length;
    this.#endLine();
    return true;
  }

  /** A whole number as so many digits. */
  #digits(value: number, count: number): void {
    if (count <= digitsAtOnce) {
      this.#fewDigits(value, count);
      return;
    }
    const high = Math.floor(value / 1e8);
    this.#fewDigits(high, count - digitsAtOnce);
    this.#fewDigits(value - 1e8 * high, digitsAtOnce);
  }

  #fewDigits(value: number, count: number): void {
    const bytes = this.#bytes;
    let rest = value | 0;
    let at = this.#at + count;
    this.#at = at;
    for (let left = count; left > 1; left -= 2) {
      const next = (rest / 100) | 0;
      const pair = 2 * (rest - 100 * next);
      bytes[--at] = pairs[pair + 1] as number;
      bytes[--at] = pairs[pair] as number;
      rest = next;
    }
    if (count % 2 === 1) bytes[--at] = 0x30 + rest;
  }

  /** An argument: the bytes from one place to another. */
  bytes(source: Uint8Array, from: number, to: number): void {
    this.#makeRoom(to - from + 20);
    this.#length(0x24, to - from);
    this.#bytes.set(source.subarray(from, to), this.#at);
    this.#at += to - from;
    this.#endLine();
  }

  /** All that is in it, where it is: it may be written over once it is cleared. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Forgets all that is in it. */
  clear(): void {
    this.#at = 0;
    this.count = 0;
  }

  /** Forgets what was added since there were so many commands and bytes (see `length`). */
  cutBack(count: number, length: number): void {
    this.count = count;
    this.#at = length;
  }

  /** How many bytes are in it. */
  get length(): number {
    return this.#at;
  }

  /** The same, where somebody still needs what is `written`. */
  giveAway(): void {
    this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.clear();
  }

  #length(kind: number, value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = kind;
    if (value < 10) bytes[this.#at++] = 0x30 + value;
    else if (value < 100) {
      bytes[this.#at++] = 0x30 + Math.floor(value / 10);
      bytes[this.#at++] = 0x30 + (value % 10);
    } else {
      const digits = `${value}`;
      for (let i = 0; i < digits.length; i++) bytes[this.#at++] = digits.charCodeAt(i);
    }
    this.#endLine();
  }

  #endLine(): void {
    this.#bytes[this.#at++] = 0x0d;
    this.#bytes[this.#at++] = 0x0a;
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const begun = this.written;
    this.#bytes = Buffer.allocUnsafeSlow(2 * (begun.length + bytes));
    this.#bytes.set(begun);
  }
}
