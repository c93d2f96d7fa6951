import type { IncomingMessage } from 'node:http';
import {
  type AccessCounts,
  AuthenticationError,
  type Authenticator,
  anyone,
  type Caller,
  type Ending,
} from '../access/index.ts';
import type { Found } from './arrival.ts';
import type { ApiResponse } from './http/api-response.ts';
import { send } from './http/http-response.ts';
import { acceptedTypes, contentTypes } from './http/result-types.ts';

const unavailableSeconds = 1;

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

  /** Who it was that asked, when their token was last looked at; null: it was not, or it is over. */
  recollect(authorization: string | undefined): Caller | null {
    return this.#authenticator?.recollect(authorization) ?? null;
  }

  /** Whether somebody brings a token that only its signature can tell from a valid one. */
  isClaimed(authorization: string | undefined): boolean {
    return this.#authenticator?.isClaimed(authorization) ?? false;
  }

  /** Who asks. @throws AuthenticationError */
  identify(authorization: string | undefined): Promise<Caller> {
    return this.#authenticator === null ? Promise.resolve(anyone) : this.#authenticator.identify(authorization);
  }

  /**
   * Who asks by HTTP; null: they were told that nobody can tell.
   * @param found who that is, or why nobody can tell, if it is known already.
   */
  async admit(found: Found, { headers }: IncomingMessage, response: ApiResponse): Promise<Caller | null> {
    try {
      if (found instanceof AuthenticationError) throw found;
      // It may have ended while it was counted.
      const known = found?.isFresh ? found : this.recognise(headers.authorization);
      const caller = known ?? (await this.identify(headers.authorization));
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
