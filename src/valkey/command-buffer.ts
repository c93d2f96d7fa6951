const firstBytes = 1 << 16;
/** Texts up to here are written character by character: to ask Node to do it takes longer. */
const shortText = 40;

/** An argument as it is sent. @param text bytes, a character each. */
export function encodeArgument(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`$${text.length}\r\n${text}\r\n`, 'latin1'));
}

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

  /** An argument: a number, by the shortest decimal that reads back as the same. */
  number(value: number): void {
    // Most are whole, or hundredths; of what has fewer than 16 digits there is no shorter decimal.
    const hundredths = Math.round(100 * value);
    if (!(hundredths >= 1_000 && hundredths < 1e15 && hundredths / 100 === value)) {
      this.text(`${value}`);
      return;
    }
    const whole = Math.floor(hundredths / 100);
    const fraction = hundredths - 100 * whole;
    const isTenths = fraction % 10 === 0;
    let digits = 2;
    for (let limit = 100; whole >= limit; limit *= 10) digits++;
    this.#makeRoom(digits + 16);
    this.#length(0x24, fraction === 0 ? digits : digits + (isTenths ? 2 : 3));
    this.#wholeDigits(whole, digits);
    if (fraction > 0) {
      this.#bytes[this.#at++] = 0x2e;
      if (isTenths) this.#digits(fraction / 10, 1);
      else this.#digits(fraction, 2);
    }
    this.#endLine();
  }

  /** So many digits at a time are a small integer. */
  #wholeDigits(value: number, count: number): void {
    if (count <= 8) {
      this.#digits(value, count);
      return;
    }
    const high = Math.floor(value / 1e8);
    this.#digits(high, count - 8);
    this.#digits(value - 1e8 * high, 8);
  }

  #digits(value: number, count: number): void {
    const [bytes, from] = [this.#bytes, this.#at];
    let rest = value;
    for (let at = from + count - 1; at >= from; at--) {
      const next = (rest / 10) | 0;
      bytes[at] = 0x30 + rest - 10 * next;
      rest = next;
    }
    this.#at = from + count;
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
