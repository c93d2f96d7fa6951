import type { ServerResponse } from 'node:http';

/** How often it is looked whether the client takes anything; one that took nothing since the last time is dropped. */
const beatMs = 12_000; // 12 seconds
/** So much is written at a time, for what is taken only in part to count. */
const pieceBytes = 64 * 1024;

/** What keeps proxies from closing a silent connection, and makes browsers accept one on which nothing was said yet. */
export const keepAliveComment = ':\n\n';

export interface EventWriterOptions {
  /** Told of a client that takes nothing of what it asked for, when its connection is broken. */
  readonly onTooSlow: () => void;
  /** Whether a comment is written when nothing else was, as an event stream may hold; default: no. */
  readonly keepAlive?: boolean;
}

/**
 * Writes a response that lasts, no faster than its client takes it. Whoever writes waits until what it wrote was taken, so
 * a client that reads nothing costs what one message takes, and after 12 to 24 seconds its connection.
 */
export class EventWriter {
  readonly #response: ServerResponse;
  readonly #onTooSlow: () => void;
  readonly #keepAlive: boolean;
  readonly #timer: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();
  /** Settles the piece that was written and not taken yet. */
  #release: (() => void) | null = null;
  #taken = false;

  constructor(response: ServerResponse, { onTooSlow, keepAlive = false }: EventWriterOptions) {
    this.#response = response;
    this.#onTooSlow = onTooSlow;
    this.#keepAlive = keepAlive;
    this.#timer = setInterval(() => this.#beat(), beatMs);
    response.once('close', () => this.#stop());
    if (response.destroyed) this.#stop();
  }

  /**
   * Writes what `make` makes when its turn comes, nothing if that is null. Resolves once it was taken, or never will be.
   * @throws what `make` throws; later writes go on.
   */
  write(make: () => string | Uint8Array | null): Promise<void> {
    const written = this.#last.then(async () => {
      if (this.#isOver) return;
      const data = make();
      if (data !== null) await this.#push(typeof data === 'string' ? Buffer.from(data) : data);
    });
    this.#last = written.catch(() => {});
    return written;
  }

  get #isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  async #push(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isOver; at += pieceBytes) {
      this.#taken = true; // so far it has taken all
      await new Promise<void>((resolve) => {
        this.#release = resolve;
        this.#response.write(bytes.subarray(at, at + pieceBytes), () => resolve());
      });
      this.#release = null;
    }
  }

  #beat(): void {
    if (this.#release === null) {
      if (this.#keepAlive) void this.write(() => keepAliveComment);
      return;
    }
    if (this.#taken) {
      this.#taken = false;
      return;
    }
    this.#onTooSlow();
    // Of a response that waits behind another one, to destroy it would do nothing yet.
    this.#response.req.socket.destroy();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#release?.();
  }
}
