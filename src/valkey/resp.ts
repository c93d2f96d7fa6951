/** What Valkey answers (RESP2): a text of its own (`OK`), bytes that were stored or counted, a number, or a list of these. */
export type Reply = string | Buffer | number | null | ReplyError | readonly Reply[];

/** An answer that says what is wrong with a command. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

/** A text as its bytes in UTF-8, a character each. */
export function bytesText(text: string): string {
  return isAscii.test(text) ? text : Buffer.from(text).toString('latin1');
}

const isAscii = /^[\0-\x7f]*$/;

const nothing = Buffer.alloc(0);

/** Reads answers from what comes of them, piece by piece. */
export class ReplyParser {
  #bytes: Buffer = nothing;
  #at = 0;
  /** What came behind these bytes. */
  #later: Buffer | null = null;
  /** How much of a text was missing where the bytes ended. */
  #missing = 0;

  /** Once `next` has no more. */
  add(chunk: Buffer): void {
    const rest = this.#bytes.subarray(this.#at);
    this.#at = 0;
    if (rest.length === 0) {
      this.#bytes = chunk;
      return;
    }
    // Only what is cut is put together: all else stays where it came.
    const cut = this.#missing > 0 && this.#missing < chunk.length ? this.#missing : chunk.length;
    this.#bytes = Buffer.concat([rest, chunk.subarray(0, cut)]);
    this.#later = cut < chunk.length ? chunk.subarray(cut) : null;
  }

  /** The next answer; undefined while not all of it is there. @throws Error if that is no RESP. */
  next(): Reply | undefined {
    for (;;) {
      const begin = this.#at;
      this.#missing = 0;
      const reply = this.#read();
      if (reply !== undefined) return reply;
      this.#at = begin;
      const later = this.#later;
      if (!later) return undefined;
      const rest = this.#bytes.subarray(begin);
      this.#bytes = rest.length > 0 ? Buffer.concat([rest, later]) : later;
      this.#at = 0;
      this.#later = null;
    }
  }

  #read(): Reply | undefined {
    const bytes = this.#bytes;
    const end = endOfLine(bytes, this.#at);
    if (end < 0) return undefined;
    const kind = bytes[this.#at];
    const from = this.#at + 1;
    this.#at = end + 2;
    switch (kind) {
      case 0x24: // $
        return this.#bulk(integer(bytes, from, end));
      case 0x3a: // :
        return integer(bytes, from, end);
      case 0x2b: // +
        return bytes.toString('latin1', from, end);
      case 0x2d: // -
        return new ReplyError(bytes.toString('utf8', from, end));
      case 0x2a: // *
        return this.#list(integer(bytes, from, end));
      default:
        throw new Error('Valkey answers what is no RESP2');
    }
  }

  /** It stays where it came. */
  #bulk(length: number): Buffer | null | undefined {
    if (length < 0) return null;
    const from = this.#at;
    this.#missing = from + length + 2 - this.#bytes.length;
    if (this.#missing > 0) return undefined;
    this.#at = from + length + 2;
    return this.#bytes.subarray(from, from + length);
  }

  #list(length: number): Reply[] | null | undefined {
    if (length < 0) return null;
    const items: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.#read();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

/** Lines are short: Node takes longer to be asked. Returns where the line's end begins; −1 if that is not all there. */
function endOfLine(bytes: Buffer, from: number): number {
  const last = bytes.length - 1;
  for (let at = from; at < last; at++) if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) return at;
  return -1;
}

function integer(bytes: Buffer, from: number, end: number): number {
  let value = 0;
  const isNegative = bytes[from] === 0x2d;
  for (let i = isNegative ? from + 1 : from; i < end; i++) value = 10 * value + (bytes[i] as number) - 0x30;
  return isNegative ? -value : value;
}
