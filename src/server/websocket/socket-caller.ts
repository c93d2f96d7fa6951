import { CloseCode } from 'graphql-ws';
import { AuthenticationError, Caller, type Ending } from '../../access/index.ts';
import type { Arrival } from '../arrival.ts';
import { type Entrance, endingReasons } from '../entrance.ts';
import { tooManyRequests } from '../rates/rate-limited.ts';

/** Of the WebSocket protocol: clients come back. */
const tryAgainLater = 1013;

export interface SocketCallerOptions {
  readonly entrance: Entrance;
  /** The Authorization header of the handshake. */
  readonly authorization: string | undefined;
  /** Counts that somebody wants to be known, by what they bring. */
  readonly arrive: (authorization: string | undefined) => Arrival | Promise<Arrival>;
  readonly close: (code: number, reason: string) => void;
  /** Told when the socket is closed because its caller may go on no more. */
  readonly onEnded: (caller: Caller, why: Ending) => void;
}

/** Who a socket is of: it is found out before anything is acknowledged, and the socket is closed when that ends. */
export class SocketCaller {
  readonly #options: SocketCallerOptions;
  #caller: Caller | null = null;
  #release: (() => void) | null = null;
  #hasLeft = false;

  constructor(options: SocketCallerOptions) {
    this.#options = options;
  }

  /** Null until it is known. */
  get caller(): Caller | null {
    return this.#caller;
  }

  /**
   * Finds it out by what `connection_init` says, or else by the handshake.
   * @returns whether it is known; else the socket is closed.
   */
  admit(parameters: Readonly<Record<string, unknown>> | undefined): boolean | Promise<boolean> {
    const { authorization, arrive } = this.#options;
    const given = parameters?.authorization ?? parameters?.Authorization ?? authorization;
    // What is no text is no credentials.
    const credentials = typeof given === 'string' || given === undefined ? given : 'no text';
    const arrival = arrive(credentials);
    if ('waitMs' in arrival && arrival.waitMs === 0 && arrival.found instanceof Caller) {
      return this.#welcome(arrival.found);
    }
    return this.#admitLater(credentials, arrival);
  }

  async #admitLater(credentials: string | undefined, arrival: Arrival | Promise<Arrival>): Promise<boolean> {
    const { entrance, close } = this.#options;
    const { waitMs, found } = await arrival;
    if (waitMs > 0) {
      close(tryAgainLater, tooManyRequests(waitMs).message);
      return false;
    }
    try {
      if (found instanceof AuthenticationError) throw found;
      return this.#welcome(found ?? (await entrance.identify(credentials)));
    } catch (error) {
      return this.#turnAway(error);
    }
  }

  /** The socket is closed. */
  leave(): void {
    this.#hasLeft = true;
    this.#release?.();
  }

  #welcome(caller: Caller): boolean {
    const { entrance, close, onEnded } = this.#options;
    this.#caller = caller;
    if (this.#hasLeft) return false;
    this.#release = entrance.hold(caller, (why) => {
      onEnded(caller, why);
      // Who may come back with the same key is told so: clients take the other code for the end.
      close(why === 'CHANGED' ? CloseCode.Forbidden : CloseCode.Unauthorized, endingReasons[why]);
    });
    return true;
  }

  /** For good, or until it can be found out again. */
  #turnAway(error: unknown): boolean {
    if (!(error instanceof AuthenticationError)) throw error;
    const { code, message } = error;
    this.#options.close(code === 'UNAVAILABLE' ? tryAgainLater : CloseCode.Unauthorized, message);
    return false;
  }
}
