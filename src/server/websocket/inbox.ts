export interface InboxOptions {
  /** Handles a message; it is under way until this settles. Never rejects. */
  readonly handle: (text: string) => Promise<void>;
  /** Whether a message goes before those that wait, if none such is under way. Asked only if it would have to wait. */
  readonly isUrgent: (text: string) => boolean;
  /** Stops and resumes reading from the socket. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** How many messages may be under way. */
  readonly width: number;
  /** With so many characters under way no other message begins, and the socket is no longer read. */
  readonly lengthAtOnce: number;
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
  #lengthUnderWay = 0;
  #hasUrgent = false;
  #paused = false;
  #scheduled = false;
  #closed = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  put(text: string): void {
    if (this.#closed) return;
    if (this.#isBusy && !this.#hasUrgent && this.#options.isUrgent(text)) this.#takeUrgent(text);
    else this.#enqueue(text);
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingLength = 0;
  }

  #enqueue(text: string): void {
    this.#waiting.push(text);
    this.#waitingLength += text.length;
    this.#take();
    const { waitingMessages, waitingLength, pause } = this.#options;
    const isTooMuch = this.#waiting.length >= waitingMessages || this.#waitingLength >= waitingLength;
    if (!this.#paused && (isTooMuch || this.#isLong)) {
      this.#paused = true;
      pause();
    }
  }

  get #isBusy(): boolean {
    return this.#waiting.length > 0 || !this.#hasRoom;
  }

  get #hasRoom(): boolean {
    return this.#underWay < this.#options.width && !this.#isLong;
  }

  /** Whether what is under way takes all that there is for it, be it a single message. */
  get #isLong(): boolean {
    return this.#lengthUnderWay >= this.#options.lengthAtOnce;
  }

  /** One at a time: what is answered at once, too, waits for a client that does not read. */
  #takeUrgent(text: string): void {
    this.#hasUrgent = true;
    void this.#options.handle(text).finally(() => {
      this.#hasUrgent = false;
    });
  }

  #take(): void {
    while (!this.#scheduled && this.#hasRoom) {
      const text = this.#waiting.shift();
      if (text === undefined) break;
      const { length } = text;
      this.#waitingLength -= length;
      this.#underWay++;
      this.#lengthUnderWay += length;
      void this.#options.handle(text).finally(() => {
        this.#underWay--;
        this.#lengthUnderWay -= length;
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
      if (this.#waitingLength > this.#options.waitingLength / 2 || this.#isLong) return;
      this.#paused = false;
      this.#options.resume();
    });
  }
}
