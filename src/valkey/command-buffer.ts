const firstBytes = 1 << 16;
/** Texts up to here are written character by character: to ask Node to do it takes longer. */
const shortText = 40;

/**
 * Commands on their way to Valkey, one behind the other in one piece of memory: as texts put together, each would be made of
 * hundreds of small ones.
 */
export class CommandBuffer {
  /** How many commands are in it. */
  count = 0;
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #from = 0;
  #at = 0;

  /** A whole command. Texts are bytes, a character each. */
  add(command: readonly (string | number)[]): void {
    this.begin(command.length);
    for (const arg of command) this.text(typeof arg === 'string' ? arg : `${arg}`);
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

  /** An argument: the bytes from one place to another. */
  bytes(source: Uint8Array, from: number, to: number): void {
    this.#makeRoom(to - from + 20);
    this.#length(0x24, to - from);
    this.#bytes.set(source.subarray(from, to), this.#at);
    this.#at += to - from;
    this.#endLine();
  }

  /** All that is in it, which it gives away: it begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#from, this.#at);
    this.#from = this.#at;
    this.count = 0;
    return taken;
  }

  /** Forgets all that is in it. */
  clear(): void {
    this.#at = this.#from;
    this.count = 0;
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
    const begun = this.#bytes.subarray(this.#from, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(firstBytes, 2 * (begun.length + bytes)));
    this.#bytes.set(begun);
    this.#from = 0;
    this.#at = begun.length;
  }
}
