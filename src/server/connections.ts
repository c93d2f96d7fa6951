import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows all connections of a server, and which have a request under way, so that one that shuts down closes the others at
 * once. Node counts a connection on which nothing was ever sent among the busy ones, and loses sight of one that has
 * become another protocol's.
 */
export class Connections {
  readonly #all = new Set<Socket>();
  /** The answers that each owes over HTTP. */
  readonly #owed = new Map<Socket, Set<ServerResponse>>();
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
      const { socket } = request;
      const owed = this.#owed.get(socket)?.add(response);
      if (this.#draining) makeLast(response);
      response.once('close', () => {
        owed?.delete(response);
        onAnswered(request, response);
        if (this.#draining) this.#closeIfIdle(socket);
      });
    });
    // From here on it is another protocol's.
    server.on('upgrade', ({ socket }: IncomingMessage) => this.#owed.delete(socket));
  }

  /** Closes what is idle, and the rest as it falls idle. */
  drain(): void {
    this.#draining = true;
    for (const [socket, owed] of this.#owed) {
      const newest = [...owed].at(-1);
      if (newest) makeLast(newest);
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

/** Tells the client not to ask again on this connection, if its answer has not begun. */
function makeLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
