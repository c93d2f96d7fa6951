import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Span } from '../../measure/index.ts';
import type { SentBody } from '../http/sent-body.ts';

/** What was found out of a request, and done for it, before Node's HTTP server had it. */
export interface Begun {
  readonly requestId: string;
  /** By `performance.now()`. */
  readonly begunAt: number;
  /** Null: the body is no text, or was not looked at. */
  readonly sent: SentBody | null;
  /** Null: it is not traced. */
  readonly span: Span | null;
  /** After how many milliseconds it may come again, since its client asks too often; 0: it does not; null: that is yet to be counted. */
  readonly waitMs: number | null;
}

/** Stands in for a socket towards Node's HTTP server, for one request that came on it. */
export class SocketStandIn extends Duplex {
  readonly socket: Socket;
  readonly begun: Begun;
  readonly #onAnswered: () => void;
  #isAnswered = false;

  /**
   * @param request all of it.
   * @param onAnswered told when all of the response was handed to the socket, or the socket was destroyed.
   */
  constructor(socket: Socket, begun: Begun, request: Buffer, onAnswered: () => void) {
    super();
    this.socket = socket;
    this.begun = begun;
    this.#onAnswered = onAnswered;
    this.push(request);
  }

  /** The response is over: what becomes of the socket is no more this one's affair, unless it was cut short. */
  readonly answered = (): void => {
    this.#isAnswered = !this.socket.destroyed;
    this.destroy();
    this.#onAnswered();
  };

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const last = chunks.length - 1;
    this.socket.cork();
    for (const [i, { chunk }] of chunks.entries()) this.socket.write(chunk, i === last ? done : undefined);
    this.socket.uncork();
  }

  override _final(done: () => void): void {
    this.socket.destroySoon();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isAnswered) this.socket.destroy();
    done(error);
  }
}

/** The connection on which a request came. */
export function socketOf({ socket }: IncomingMessage): Socket {
  return socket instanceof SocketStandIn ? socket.socket : socket;
}

/** What was begun of a request before Node had it; null: nothing. */
export function begunOf({ socket }: IncomingMessage): Begun | null {
  return socket instanceof SocketStandIn ? socket.begun : null;
}
