/** Bytes that come in pieces, however small: to keep each piece would take some hundred times as much. */
export class Gathered {
  #bytes: Buffer = empty;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The piece is kept where it is the only one, as most are. */
  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (this.#length === 0) this.#bytes = piece;
    else {
      if (length > this.#bytes.length) this.#widen(Math.max(length, 2 * this.#length));
      piece.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** All of it, of which nothing is kept. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = empty;
    this.#length = 0;
  }

  #widen(capacity: number): void {
    const wider = Buffer.allocUnsafeSlow(capacity);
    this.#bytes.copy(wider, 0, 0, this.#length);
    this.#bytes = wider;
  }
}

const empty = Buffer.alloc(0);
