import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Vector } from '../../engine/index.ts';
import { older, type Sender } from '../../graphql/index.ts';
import { tracer } from '../../measure/index.ts';

/**
 * Of one socket, in characters: what waits beyond that is made when it can be sent, and is newer then. A client that reads takes
 * that much at once; one that does not costs no more, however many subscriptions it has.
 */
const mostUnderWay = 65_536;
/** What is longer goes out so many bytes at a time, each once the one before was taken: a slow client is seen to take it. */
const pieceBytes = 65_536;

/** Told how many messages were pushed, how many of them tell of an event, and the vector of the oldest one. */
type PushListener = (messages: number, telling: number, oldest: Vector | null) => void;

/**
 * Sends what is pushed to many subscriptions of one socket together: in one write to the system, where each message would be
 * one by itself, and most of what it costs.
 */
export class SocketWriter {
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #onTaken: () => void;
  readonly #onPushed: PushListener;
  #texts: string[] = [];
  #senders: Sender[] = [];
  /** How many of them tell of an event, and the vector of the oldest one. */
  #telling = 0;
  #oldest: Vector | null = null;
  /** Characters that were pushed and not taken yet. */
  #underWay = 0;
  /** Who waits until there are fewer of them. */
  readonly #waiting = new Set<Sender>();
  /** Who of them was told last that there are, until it pushes: how much that will be, nobody knows. */
  #released: Sender | null = null;
  #releasing = false;
  /** Whether a message goes out in pieces, and what is to be written behind it. */
  #inPieces = false;
  readonly #behind: (() => void)[] = [];

  /**
   * @param stream what the socket writes to.
   * @param onTaken told whenever something was handed to the system: the client reads.
   * @param onPushed told of what was pushed together once it was handed to the system.
   */
  constructor(socket: WebSocket, stream: Duplex, onTaken: () => void, onPushed: PushListener = nothing) {
    this.#socket = socket;
    this.#stream = stream;
    this.#onTaken = onTaken;
    this.#onPushed = onPushed;
  }

  /** Sends at once, behind what was pushed; resolves when it was taken, or never will be. */
  send(text: string): Promise<void> {
    this.#flush();
    return new Promise((resolve) => this.#inTurn(() => this.#write(text, resolve)));
  }

  /** Sends with all else that is pushed before the event loop goes on; `sender` is told when it was taken, or never will be. */
  push(text: string, sender: Sender, event: Vector | null = null): void {
    this.#texts.push(text);
    this.#senders.push(sender);
    if (event !== null) {
      this.#telling += 1;
      this.#oldest = older(this.#oldest, event);
    }
    this.#underWay += text.length;
    if (this.#texts.length === 1) setImmediate(() => this.#flush());
    if (this.#released !== sender) return;
    this.#released = null;
    this.#release();
  }

  get isFull(): boolean {
    return this.#underWay >= mostUnderWay;
  }

  /** Tells when so much was taken that it is no longer full, or never will be. */
  whenFree(sender: Sender): void {
    this.#waiting.add(sender);
    if (this.#released === sender) this.#released = null;
  }

  /** It has nothing to push: nobody waits for it, and it waits no more. */
  forget(sender: Sender): void {
    this.#waiting.delete(sender);
    if (this.#released !== sender) return;
    this.#released = null;
    this.#release();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #flush(): void {
    const [texts, senders, telling, oldest] = [this.#texts, this.#senders, this.#telling, this.#oldest];
    if (texts.length === 0) return;
    [this.#texts, this.#senders, this.#telling, this.#oldest] = [[], [], 0, null];
    const span = tracer.current?.current() ? tracer.current.begin('websocket.write') : null;
    span?.set('freshet.messages', texts.length);
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    const taken = () => {
      this.#underWay -= length;
      span?.end();
      if (this.#isOpen) this.#onPushed(texts.length, telling, oldest);
      // First those who have waited: who always has something new would be ahead of them for ever.
      this.#release();
      for (const sender of senders) sender.goOn();
    };
    const last = texts.length - 1;
    if (texts.some((text) => text.length > pieceBytes)) {
      for (const [i, text] of texts.entries()) this.#inTurn(() => this.#write(text, i === last ? taken : nothing));
    } else this.#inTurn(() => this.#writeTogether(texts, taken));
  }

  /** Lets those go on who have waited, as far as there is room, each when the one before it has pushed. */
  #release(): void {
    if (this.#releasing) return; // by one that has pushed at once
    this.#releasing = true;
    for (const sender of this.#waiting) {
      if (this.isFull || this.#released) break;
      this.#waiting.delete(sender);
      this.#released = sender;
      sender.goOn();
    }
    this.#releasing = false;
  }

  /** Does it at once, or behind the message that goes out in pieces. */
  #inTurn(write: () => void): void {
    if (this.#inPieces) this.#behind.push(write);
    else write();
  }

  #writeTogether(texts: readonly string[], taken: () => void): void {
    const last = texts.length - 1;
    this.#stream.cork();
    if (this.#isOpen) for (let i = 0; i < last; i++) this.#socket.send(texts[i] as string);
    // Taken in order: with the last one all are.
    this.#write(texts[last] as string, taken);
    this.#stream.uncork();
  }

  /** @param taken called, later, once the client has taken it, or never will. */
  #write(text: string, taken: () => void): void {
    if (!this.#isOpen) setImmediate(taken);
    else if (text.length > pieceBytes) this.#writePiece(Buffer.from(text), taken);
    else {
      // One that fails closes the socket, and whoever listens to that ends what it carried.
      this.#socket.send(text, () => {
        this.#onTaken();
        taken();
      });
    }
  }

  #writePiece(bytes: Buffer, taken: () => void): void {
    this.#inPieces = true;
    const rest = bytes.subarray(pieceBytes);
    this.#socket.send(bytes.subarray(0, pieceBytes), { binary: false, fin: rest.length === 0 }, () => {
      this.#onTaken();
      if (rest.length > 0 && this.#isOpen) return this.#writePiece(rest, taken);
      this.#inPieces = false;
      taken();
      while (!this.#inPieces && this.#behind.length > 0) this.#behind.shift()?.();
      return undefined;
    });
  }
}

function nothing(): void {}
