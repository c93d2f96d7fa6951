import type { IncomingMessage } from 'node:http';
import {
  type AccessCounts,
  AuthenticationError,
  type Authenticator,
  anyone,
  type Caller,
  type Ending,
} from '../access/index.ts';
import { inTime } from '../valkey/index.ts';
import type { ApiResponse } from './http/api-response.ts';
import { send } from './http/http-response.ts';
import { acceptedTypes, contentTypes } from './http/result-types.ts';

const unavailableSeconds = 1;
/** For how long whoever need not be known is waited for. */
const patienceMs = 500; // half a second

const nobodyAsked = { counts: { unauthenticated: 0, unavailable: 0, ended: 0 }, sessions: 0 };

/** Where it is found out who asks, whatever protocol it is by. */
export class Entrance {
  readonly #authenticator: Authenticator | null;

  /** @param authenticator null: nobody is asked who they are, and anyone may do all. */
  constructor(authenticator: Authenticator | null) {
    this.#authenticator = authenticator;
  }

  /** Who was not told apart, and who had to leave. */
  get access(): { readonly counts: Readonly<AccessCounts>; readonly sessions: number } {
    return this.#authenticator ?? nobodyAsked;
  }

  /** Who asks, if that can be told at once; null if it takes longer, or nobody can tell. */
  recognise(authorization: string | undefined): Caller | null {
    return this.#authenticator === null ? anyone : this.#authenticator.recognise(authorization);
  }

  /** Who asks. @throws AuthenticationError */
  identify(authorization: string | undefined): Promise<Caller> {
    return this.#authenticator === null ? Promise.resolve(anyone) : this.#authenticator.identify(authorization);
  }

  /** Who asks, where an answer must not wait for that; null: nobody can tell, or not in time. */
  async identifySoon(authorization: string): Promise<Caller | null> {
    try {
      return await inTime(patienceMs, this.identify(authorization));
    } catch {
      return null;
    }
  }

  /** Who asks by HTTP; null: they were told that nobody can tell. */
  async admit({ headers }: IncomingMessage, response: ApiResponse): Promise<Caller | null> {
    try {
      const caller = this.recognise(headers.authorization) ?? (await this.identify(headers.authorization));
      response.caller = caller;
      return caller;
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      turnAway(response, error, headers.accept);
      return null;
    }
  }

  /**
   * Has whatever stays open told at the moment at which its caller may go on no more.
   * @returns how it is told no more; null: that moment never comes.
   */
  hold(caller: Caller, onOver: (why: Ending) => void): (() => void) | null {
    return this.#authenticator === null ? null : this.#authenticator.hold(caller, onOver);
  }
}

/** Why something that stayed open is over, in words for its client. */
export const endingReasons: { readonly [E in Ending]: string } = {
  EXPIRED: 'The key or token has expired: come back with another',
  REVOKED: 'The key was taken back',
  CHANGED: 'What the key allows has changed: come back',
};

/** By a status that says so whatever the media type: it is not known yet who asks, so this is no answer of GraphQL. */
function turnAway(response: ApiResponse, { code, message }: AuthenticationError, accept: string | undefined): void {
  const type = contentTypes[acceptedTypes(accept)[0] ?? ''] ?? 'application/json; charset=utf-8';
  if (code === 'UNAVAILABLE') response.setHeader('retry-after', unavailableSeconds);
  else response.setHeader('www-authenticate', 'Bearer');
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  send(response, code === 'UNAVAILABLE' ? 503 : 401, type, body);
}
