import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Sender } from '../graphql/index.ts';

/**
 * Sends what is pushed to many subscriptions of one socket together: in one write to the system, where each message would be
 * one by itself, and most of what it costs.
 */
export class SocketWriter {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #onTaken: () => void;
  #texts: string[] = [];
  #senders: Sender[] = [];

  /**
   * @param stream what the socket writes to.
   * @param onTaken told whenever something was handed to the system: the client reads.
   */
  constructor(socket: WebSocket, stream: Duplex, onTaken: () => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#onTaken = onTaken;
  }

  /** Sends at once, behind what was pushed; resolves when it was taken, or never will be. */
  send(text: string): Promise<void> {
    this.#flush();
    return new Promise((resolve) => {
      if (!this.#isOpen) return resolve();
      // One that fails closes the socket, and whoever listens to that ends what it carried.
      return this.#socket.send(text, () => {
        this.#onTaken();
        resolve();
      });
    });
  }

  /** Sends with all else that is pushed before the event loop goes on; `sender` is told when it was taken, or never will be. */
  push(text: string, sender: Sender): void {
    this.#texts.push(text);
    this.#senders.push(sender);
    if (this.#texts.length === 1) setImmediate(() => this.#flush());
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #flush(): void {
    const [texts, senders] = [this.#texts, this.#senders];
    const last = texts.pop();
    if (last === undefined) return;
    [this.#texts, this.#senders] = [[], []];
    const taken = () => {
      this.#onTaken();
      for (const sender of senders) sender.taken();
    };
    if (!this.#isOpen) {
      setImmediate(taken);
      return;
    }
    this.#stream.cork();
    for (const text of texts) this.#socket.send(text);
    // Taken in order: with the last one all are.
    this.#socket.send(last, taken);
    this.#stream.uncork();
  }
}
