import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { socketOf } from './plain/socket-stand-in.ts';

/** An answer that is owed on a connection. */
export interface Debt {
  /** Tells the client not to ask again on this connection, if the answer has not begun. */
  makeLast(): void;
}

/**
 * Knows all connections of a server, and which have a request under way, so that one that shuts down closes the others at
 * once. Node counts a connection on which nothing was ever sent among the busy ones, and loses sight of one that has
 * become another protocol's.
 */
export class Connections {
  readonly #all = new Set<Socket>();
  /** The answers that each owes over HTTP. */
  readonly #owed = new Map<Socket, Set<Debt>>();
  #draining = false;

  /**
   * Must come before whoever answers.
   * @param onAnswered told when a response is over, or its client has left.
   */
  constructor(server: Server, onAnswered: (request: IncomingMessage, response: ServerResponse) => void) {
    server.on('connection', (socket: Socket) => {
      this.#all.add(socket);
      this.#owed.set(socket, new Set());
      socket.once('close', () => {
        this.#all.delete(socket);
        this.#owed.delete(socket);
      });
      if (this.#draining) socket.destroy();
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const socket = socketOf(request);
      const debt = { makeLast: () => makeLast(response) };
      this.owe(socket, debt);
      response.once('close', () => {
        onAnswered(request, response);
        this.settle(socket, debt);
      });
    });
    // Nothing has come of it, and nothing was taken, for as long as the server lets.
    server.on('timeout', (socket: Socket) => {
      const isIdle = this.#owed.get(socket)?.size === 0;
      if (isIdle || socket.writableLength > 0) socket.destroy();
    });
    // From here on it is another protocol's.
    server.on('upgrade', ({ socket }: IncomingMessage) => this.#owed.delete(socket));
  }

  /** How many are open, those of other protocols among them. */
  get count(): number {
    return this.#all.size;
  }

  /** All that are open. */
  get all(): readonly Socket[] {
    return [...this.#all];
  }

  /** Something was asked on a connection. */
  owe(socket: Socket, debt: Debt): void {
    this.#owed.get(socket)?.add(debt);
    if (this.#draining) debt.makeLast();
  }

  /** It was answered, or never will be. */
  settle(socket: Socket, debt: Debt): void {
    this.#owed.get(socket)?.delete(debt);
    if (this.#draining) this.#closeIfIdle(socket);
  }

  /** Closes what is idle, and the rest as it falls idle. */
  drain(): void {
    this.#draining = true;
    for (const [socket, owed] of this.#owed) {
      [...owed].at(-1)?.makeLast();
      this.#closeIfIdle(socket);
    }
  }

  /** Breaks all, those of other protocols too. */
  destroy(): void {
    for (const socket of this.#all) socket.destroy();
  }

  #closeIfIdle(socket: Socket): void {
    if (this.#owed.get(socket)?.size === 0) socket.destroySoon();
  }
}

function makeLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
