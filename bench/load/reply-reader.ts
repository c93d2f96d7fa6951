const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');
const nothing = Buffer.alloc(0);

/** The body of a reply, and its status. The body is only good until the next bytes come. */
export type OnReply = (status: number, body: Buffer) => void;

/** Cuts what comes over one connection into replies, by their content-length or their chunks, and looks at nothing else. */
export class ReplyReader {
  readonly #onReply: OnReply;
  /** Bytes of a reply that is not whole yet. */
  #held: Buffer = nothing;
  /** As many bytes as a whole reply has, where that is known: until then there is no use in looking. */
  #needed = 0;

  constructor(onReply: OnReply) {
    this.#onReply = onReply;
  }

  /** @throws Error on what is no reply. */
  take(bytes: Buffer): void {
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = nothing;
    while (rest.length > 0) {
      const length = rest.length >= this.#needed ? this.#cut(rest) : 0;
      if (length === 0) {
        this.#held = rest;
        return;
      }
      this.#needed = 0;
      rest = rest.subarray(length);
    }
  }

  /** Tells of the reply at the beginning; how long it is, or 0 while it is not whole. */
  #cut(bytes: Buffer): number {
    const bodyAt = bytes.indexOf(headEnd) + headEnd.length;
    if (bodyAt < headEnd.length) return 0;
    const status = Number(bytes.toString('latin1', 9, 12));
    const head = bytes.toString('latin1', 0, bodyAt);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      const end = bodyAt + Number(length);
      this.#needed = end;
      if (bytes.length < end) return 0;
      this.#onReply(status, bytes.subarray(bodyAt, end));
      return end;
    }
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`a reply of unknown length: ${head}`);
    return this.#cutChunks(status, bytes, bodyAt);
  }

  #cutChunks(status: number, bytes: Buffer, bodyAt: number): number {
    const chunks: Buffer[] = [];
    for (let at = bodyAt; ; ) {
      const sizeEnd = bytes.indexOf(lineEnd, at);
      if (sizeEnd < 0) return 0;
      const size = Number.parseInt(bytes.toString('latin1', at, sizeEnd), 16);
      const end = sizeEnd + lineEnd.length + size + lineEnd.length;
      if (bytes.length < end) return 0;
      if (size === 0) {
        this.#onReply(status, Buffer.concat(chunks));
        return end;
      }
      chunks.push(bytes.subarray(sizeEnd + lineEnd.length, end - lineEnd.length));
      at = end;
    }
  }
}
