import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Sender } from '../../graphql/index.ts';

/**
 * Of one socket, in characters: what waits beyond that is made when it can be sent, and is newer then. A client that reads takes
 * that much at once; one that does not costs no more, however many subscriptions it has.
 */
const mostUnderWay = 65_536;

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
  /** Characters that were pushed and not taken yet. */
  #underWay = 0;
  /** Who waits until there are fewer of them. */
  readonly #waiting: Sender[] = [];

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
    this.#underWay += text.length;
    if (this.#texts.length === 1) setImmediate(() => this.#flush());
  }

  get isFull(): boolean {
    return this.#underWay >= mostUnderWay;
  }

  /** Tells when so much was taken that it is no longer full, or never will be. */
  whenFree(sender: Sender): void {
    this.#waiting.push(sender);
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #flush(): void {
    const [texts, senders] = [this.#texts, this.#senders];
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    const last = texts.pop();
    if (last === undefined) return;
    [this.#texts, this.#senders] = [[], []];
    const taken = () => {
      this.#underWay -= length;
      this.#onTaken();
      // First those who have waited: who always has something new would be ahead of them for ever.
      while (this.#waiting.length > 0 && !this.isFull) this.#waiting.shift()?.goOn();
      for (const sender of senders) sender.goOn();
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
