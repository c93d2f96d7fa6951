import { CloseCode } from 'graphql-ws';
import { AuthenticationError, type Caller, type Ending } from '../../access/index.ts';
import { type Entrance, endingReasons } from '../entrance.ts';
import { tooManyRequests } from '../rates/rate-limited.ts';

/** Of the WebSocket protocol: clients come back. */
const tryAgainLater = 1013;

export interface SocketCallerOptions {
  readonly entrance: Entrance;
  /** The Authorization header of the handshake. */
  readonly authorization: string | undefined;
  /**
   * Counts that somebody wants to be known.
   * @param caller null: who that is has yet to be found out.
   * @returns 0, or after how many milliseconds they may come again.
   */
  readonly count: (caller: Caller | null) => number | Promise<number>;
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
    const { entrance, authorization, count } = this.#options;
    const given = parameters?.authorization ?? parameters?.Authorization ?? authorization;
    // What is no text is no credentials.
    const credentials = typeof given === 'string' || given === undefined ? given : 'no text';
    const caller = entrance.recognise(credentials);
    const waitMs = count(caller);
    if (waitMs === 0 && caller) return this.#welcome(caller);
    return this.#admitLater(credentials, caller, waitMs);
  }

  async #admitLater(
    credentials: string | undefined,
    recognised: Caller | null,
    waiting: number | Promise<number>,
  ): Promise<boolean> {
    const { entrance, close } = this.#options;
    const waitMs = await waiting;
    if (waitMs > 0) {
      close(tryAgainLater, tooManyRequests(waitMs).message);
      return false;
    }
    try {
      return this.#welcome(recognised ?? (await entrance.identify(credentials)));
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
