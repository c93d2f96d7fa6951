import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketOf } from '../plain/socket-stand-in.ts';
import { heldRetrySeconds } from '../rates/rate-limited.ts';
import type { ClientAddresses } from './client-addresses.ts';
import { roomForConnections } from './file-limit.ts';
import type { GuardOptions } from './guard-options.ts';
import type { Refusals } from './refusals.ts';
import { Tally } from './tally.ts';

/** How long whoever is refused has to hear it: what closes at once is reset, and its answer lost with it. */
const lingerMs = 1_000;
/** More than so many of them are closed without a word. */
const mostLingering = 100;

/** How many connections there are, in all and of each client. */
export class ConnectionLimits {
  readonly #most: number;
  readonly #ofClients: Tally;
  readonly #addresses: ClientAddresses;
  readonly #refusals: Refusals;
  #open = 0;
  #lingering = 0;

  constructor(
    { maxConnections, clientConnections }: GuardOptions,
    { addresses, refusals }: { readonly addresses: ClientAddresses; readonly refusals: Refusals },
  ) {
    this.#most = maxConnections ?? roomForConnections();
    this.#ofClients = new Tally(clientConnections ?? Math.ceil(this.#most / 2));
    this.#addresses = addresses;
    this.#refusals = refusals;
  }

  /** Counts a new connection, or says why it is refused, and closes it. A proxy may have as many as there are. */
  admit(socket: Socket): boolean {
    if (this.#open >= this.#most) {
      this.#refusals.connections += 1;
      this.#refuse(socket, '503 Service Unavailable', `More than ${this.#most} connections: try again later`);
      return false;
    }
    if (!this.#addresses.isProxy(socket) && !this.#holdFor(this.#addresses.of(socket, undefined), socket)) {
      this.#refuse(socket, '429 Too Many Requests', this.tooMany);
      return false;
    }
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
    });
    return true;
  }

  /**
   * Counts what stays open, a WebSocket or a response, where its connection was not counted for its client, since a proxy keeps that for
   * others as well. What another worker hands over has been counted there.
   * @returns whether it may stay open.
   */
  admitStream(request: IncomingMessage, stream: Duplex | ServerResponse): boolean {
    const socket = socketOf(request);
    if (!this.#addresses.isProxy(socket) || this.#addresses.isWorker(socket) || stream.closed) return true;
    return this.#holdFor(this.#addresses.ofRequest(request), stream);
  }

  /** To a client that has too many. */
  get tooMany(): string {
    return `More than ${this.#ofClients.most} connections of one client: close some, or ask for more by each`;
  }

  #holdFor(client: string, held: Duplex | ServerResponse): boolean {
    if (!this.#ofClients.take(client)) {
      this.#refusals.clientConnections += 1;
      return false;
    }
    held.once('close', () => this.#ofClients.giveBack(client));
    return true;
  }

  #refuse(socket: Socket, status: keyof typeof codes, message: string): void {
    socket.on('error', () => {});
    if (this.#lingering >= mostLingering) {
      socket.destroy();
      return;
    }
    this.#lingering += 1;
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => {
      this.#lingering -= 1;
      clearTimeout(timer);
    });
    // What it says is taken, and not looked at.
    socket.resume();
    socket.end(refusalText(status, message));
  }
}

const codes = { '429 Too Many Requests': 'RATE_LIMITED', '503 Service Unavailable': 'UNAVAILABLE' } as const;

/** A response as it stands on the wire, to whoever is not asked for a request. */
export function refusalText(status: keyof typeof codes, message: string): string {
  const body = `${JSON.stringify({ errors: [{ message, extensions: { code: codes[status] } }] })}\n`;
  const head = [
    'Connection: close',
    `Retry-After: ${heldRetrySeconds}`,
    'Content-Type: application/json; charset=utf-8',
  ];
  return [`HTTP/1.1 ${status}`, ...head, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}
