import type { WebSocket } from 'ws';

/** How often a silent client is asked whether it is still there; one that does not answer before the next is dropped. */
const heartbeatMs = 12_000; // 12 seconds

/** Drops a client that is gone without a word, or takes nothing of what it asked for. */
export class Heartbeat {
  readonly #timer: NodeJS.Timeout;
  #heard = true;

  constructor(socket: WebSocket) {
    socket.on('pong', () => this.hear());
    // Pongs come after all that was sent before them.
    socket.on('message', () => this.hear());
    this.#timer = setInterval(() => {
      // What it says waits unread, for we are the slow ones: it has taken all that it was told.
      if (socket.isPaused && socket.bufferedAmount === 0) return;
      if (!this.#heard) return socket.terminate();
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
  }
}
