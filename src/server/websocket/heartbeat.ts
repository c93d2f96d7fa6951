import type { WebSocket } from 'ws';

/** How often a silent client is asked whether it is still there; one that does not answer before the next is dropped. */
const heartbeatMs = 12_000; // 12 seconds
/** Our own: what was sent waits for a client that does not read. */
const tooSlow = { code: 4413, reason: 'Too slow: nothing of what was sent was taken for 12 seconds' } as const;
/** How long a client that is too slow has to take what was sent, and with it the reason why the socket is closed. */
const graceMs = 5_000; // 5 seconds

/** Drops a client that is gone without a word, and closes the socket of one that takes nothing of what it asked for. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  readonly #onTooSlow: () => void;
  #heard = true;
  #grace: NodeJS.Timeout | null = null;

  /** @param onTooSlow told of a client that takes nothing of what it asked for. */
  constructor(socket: WebSocket, onTooSlow: () => void) {
    this.#onTooSlow = onTooSlow;
    socket.on('pong', () => this.hear());
    // Pongs come after all that was sent before them.
    socket.on('message', () => this.hear());
    this.#timer = setInterval(() => {
      // What it says waits unread, for we are the slow ones: it has taken all that it was told.
      if (socket.isPaused && socket.bufferedAmount === 0) return;
      if (!this.#heard) return this.#letGo(socket);
      this.#heard = false;
      socket.ping();
    }, heartbeatMs);
  }

  /** It has said something, or taken something that it was told. */
  hear(): void {
    this.#heard = true;
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#grace) clearTimeout(this.#grace);
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
