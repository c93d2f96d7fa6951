import type { WebSocket } from 'ws';

/** How often a silent client is asked whether it is still there; one that does not answer before the next is dropped. */
const heartbeatMs = 12_000; // 12 seconds
/** Our own: what was sent waits for a client that does not read. */
const tooSlow = { code: 4413, reason: 'Too slow: nothing of what was sent was taken for 12 seconds' } as const;
/** How long a client that is too slow has to take what was sent, and with it the reason why the socket is closed. */
const graceMs = 5_000; // 5 seconds

/**
 * Drops a client that is gone without a word, and closes the socket of one that takes nothing of what it asked for, however much
 * it says.
 */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  readonly #onTooSlow: () => void;
  /** Since the last beat: whether it has said something, and has taken something. */
  #spoke = true;
  #took = true;
  /** Whether something waited for it at the last beat. */
  #owed = false;
  #grace: NodeJS.Timeout | null = null;

  /** @param onTooSlow told of a client that takes nothing of what it asked for. */
  constructor(socket: WebSocket, onTooSlow: () => void) {
    this.#onTooSlow = onTooSlow;
    // Pongs come after all that was sent before them.
    socket.on('pong', () => {
      this.#spoke = true;
      this.#took = true;
    });
    socket.on('message', () => {
      this.#spoke = true;
    });
    this.#timer = setInterval(() => this.#beat(socket), heartbeatMs);
  }

  /** It has taken something that it was told. */
  take(): void {
    this.#took = true;
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#grace) clearTimeout(this.#grace);
  }

  #beat(socket: WebSocket): void {
    const isOwed = socket.bufferedAmount > 0;
    // What it says waits unread, for we are the slow ones: it has taken all that it was told.
    if (socket.isPaused && !isOwed) return;
    if (!this.#took && ((isOwed && this.#owed) || !this.#spoke)) {
      this.#letGo(socket);
      return;
    }
    this.#owed = isOwed;
    this.#spoke = false;
    this.#took = false;
    socket.ping();
  }

  #letGo(socket: WebSocket): void {
    clearInterval(this.#timer);
    if (socket.bufferedAmount === 0) {
      socket.terminate();
      return;
    }
    this.#onTooSlow();
    socket.close(tooSlow.code, tooSlow.reason);
    this.#grace = setTimeout(() => socket.terminate(), graceMs);
  }
}
