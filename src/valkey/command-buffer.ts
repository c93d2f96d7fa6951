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
    // Most are whole and, as times are, of up to so many digits.
    if (!(value >= 10 && value < 1e15 && Math.floor(value) === value)) {
      this.text(`${value}`);
      return;
    }
    this.#makeRoom(24);
    const [bytes, from] = [this.#bytes, this.#at];
    let digits = 2;
    for (let limit = 100; value >= limit; limit *= 10) digits++;
    bytes[from] = 0x24;
    let at = from + 1;
    if (digits >= 10) bytes[at++] = 0x31;
    bytes[at++] = 0x30 + (digits % 10);
    bytes[at++] = 0x0d;
    bytes[at++] = 0x0a;
    this.#at = at + digits;
    // So many digits at a time are a small integer.
    const high = Math.floor(value / 1e8);
    let end = this.#digits(value - 1e8 * high, this.#at, high > 0 ? 8 : digits);
    if (high > 0) end = this.#digits(high, end, digits - 8);
    this.#endLine();
  }

  /** Writes so many digits so that they end before a place; returns where they begin. */
  #digits(value: number, end: number, count: number): number {
    let rest = value;
    for (let at = end - 1; at >= end - count; at--) {
      const next = (rest / 10) | 0;
      this.#bytes[at] = 0x30 + rest - 10 * next;
      rest = next;
    }
    return end - count;
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
