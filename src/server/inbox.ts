export interface InboxOptions {
  /** Handles a message; it is under way until this settles. Never rejects. */
  readonly handle: (text: string) => Promise<void>;
  /** Stops and resumes reading from the socket. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** How many messages may be under way. */
  readonly width: number;
  /** How many may wait, in messages and characters, before the socket is no longer read. */
  readonly waitingMessages: number;
  readonly waitingLength: number;
}

/**
 * The messages of one socket, in order, a few at a time, so that no socket takes more than its share. It is read ahead a
 * little, because only a socket that is read shows that its client has left, and then what waits is dropped.
 */
export class Inbox {
  readonly #options: InboxOptions;
  #waiting: string[] = [];
  #waitingLength = 0;
  #underWay = 0;
  #paused = false;
  #scheduled = false;
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  put(text: string): void {
    if (this.#closed) return;
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    this.#take();
    const { waitingMessages, waitingLength, pause } = this.#options;
    if (!this.#paused && (this.#waiting.length >= waitingMessages || this.#waitingLength >= waitingLength)) {
      this.#paused = true;
      pause();
    }
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingLength = 0;
  }

  #take(): void {
    while (!this.#scheduled && this.#underWay < this.#options.width) {
      const text = this.#waiting.shift();
      if (text === undefined) break;
      this.#waitingLength -= text.length;
      this.#underWay++;
      void this.#options.handle(text).finally(() => {
        this.#underWay--;
        if (this.#waiting.length > 0 || this.#paused) this.#schedule();
      });
    }
  }

  /** Other sockets come in between. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#take();
      if (!this.#paused || this.#closed || this.#waiting.length > this.#options.waitingMessages / 2) return;
      if (this.#waitingLength > this.#options.waitingLength / 2) return;
      this.#paused = false;
      this.#options.resume();
    });
  }
}
