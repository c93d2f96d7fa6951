import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows which HTTP connections have a request under way, so that a server that shuts down closes the others at once.
 * Node counts a connection on which nothing was ever sent among the busy ones.
 */
export class Connections {
  readonly #requests = new Map<Socket, number>();
  #draining = false;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#requests.set(socket, 0);
      socket.once('close', () => this.#requests.delete(socket));
      if (this.#draining) socket.destroy();
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#add(socket, 1);
      response.once('close', () => {
        this.#add(socket, -1);
        if (this.#draining) this.#closeIfIdle(socket);
      });
    });
    // From here on it is another protocol's.
    server.on('upgrade', ({ socket }: IncomingMessage) => this.#requests.delete(socket));
  }

  /** Closes what is idle, and the rest as it falls idle. */
  drain(): void {
    this.#draining = true;
    for (const socket of this.#requests.keys()) this.#closeIfIdle(socket);
  }

  #add(socket: Socket, change: 1 | -1): void {
    const requests = this.#requests.get(socket);
    if (requests !== undefined) this.#requests.set(socket, requests + change);
  }

  #closeIfIdle(socket: Socket): void {
    if (this.#requests.get(socket) === 0) socket.destroySoon();
  }
}
