import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { sha256 } from './api-key.ts';
import { Caller } from './caller.ts';
import type { AuthenticationError } from './errors.ts';
import { Grants } from './grants.ts';
import { type Grant, parseScope } from './scope.ts';
import { expired, type TokenIssuer } from './token-issuer.ts';

/** Of each some 500 bytes. */
const mostRemembered = 10_000;
/** With as long as keys are kept (see TokenIssuer), for how long one is believed that an issuer takes back. */
const defaultRememberedMs = 120_000; // 2 minutes
const longestName = 100;

export interface TokensOptions {
  readonly clockSkewSeconds: number;
  /** For how long a signature need not be looked at again; default 2 minutes. */
  readonly rememberedMs?: number | undefined;
  /** What scopes may be narrowed to: for another they grant nothing; left out: anything. */
  readonly names?: ReadonlySet<string> | undefined;
}

/** Whose tokens these are. A signature is looked at once in a while, and not for each request. */
export class Tokens {
  readonly #issuer: TokenIssuer;
  readonly #clockSkewMs: number;
  readonly #rememberedMs: number;
  readonly #names: ReadonlySet<string> | undefined;
  /** By the SHA-256 of the token. */
  readonly #remembered = new LRUCache<string, Caller>({ max: mostRemembered });
  /** Those that are being looked at. */
  readonly #underWay = new Map<string, Promise<Caller>>();
  /** For as long as a caller holds something open, its token must be looked at again. */
  readonly #tokens = new WeakMap<Caller, string>();

  constructor(issuer: TokenIssuer, { clockSkewSeconds, rememberedMs = defaultRememberedMs, names }: TokensOptions) {
    this.#issuer = issuer;
    this.#clockSkewMs = 1_000 * clockSkewSeconds;
    this.#rememberedMs = rememberedMs;
    this.#names = names;
  }

  /** Whose it is, if that is remembered. */
  recall(token: string): Caller | null {
    return this.#recall(sha256(token));
  }

  /** Whose it was when it was last looked at: it may have to be looked at again. */
  recollect(token: string): Caller | null {
    const caller = this.#remembered.get(sha256(token));
    return caller?.endedAt(Date.now()) === null ? caller : null;
  }

  /** Whether a token is worth a look: see TokenIssuer. */
  isClaimed(token: string): boolean {
    return this.#issuer.isClaimed(token);
  }

  /** @throws AuthenticationError */
  identify(token: string): Promise<Caller> {
    const ofToken = sha256(token);
    const known = this.#recall(ofToken);
    if (known) return Promise.resolve(known);
    const begun = this.#underWay.get(ofToken);
    if (begun) return begun;
    const found = this.#verify(ofToken, token).finally(() => this.#underWay.delete(ofToken));
    this.#underWay.set(ofToken, found);
    return found;
  }

  /** Looks once more at the token that a caller came with. @throws AuthenticationError where it is not good any more. */
  async lookAgain(caller: Caller): Promise<void> {
    await this.#issuer.verify(this.#tokens.get(caller) ?? '');
    caller.remember(Date.now() + this.#rememberedMs);
  }

  close(): void {
    this.#issuer.close();
  }

  #recall(ofToken: string): Caller | null {
    const caller = this.#remembered.get(ofToken);
    return caller?.isFresh ? caller : null;
  }

  async #verify(ofToken: string, token: string): Promise<Caller> {
    const payload = await this.#issuer.verify(token).catch((error: AuthenticationError) => {
      // Where its key was taken back, it is nobody's from now on.
      if (error.code === 'UNAUTHENTICATED') this.#remembered.delete(ofToken);
      throw error;
    });
    const subject = subjectIn(payload);
    const caller = new Caller({
      id: `token:${subject === null ? ofToken : sha256(JSON.stringify([payload.iss, ...subject]))}`,
      name: subject === null ? 'a token without sub' : subject[1].slice(0, longestName),
      grants: Grants.among(grantsIn(payload), this.#names),
      expiresAt: 1_000 * payload.exp + this.#clockSkewMs,
      rememberedUntil: Date.now() + this.#rememberedMs,
    });
    // By whole seconds, as the signature was looked at, it may have held a moment longer.
    if (caller.endedAt(Date.now()) !== null) throw expired();
    this.#remembered.set(ofToken, caller);
    this.#tokens.set(caller, token);
    return caller;
  }
}

/** Whom it was issued to, and by which claim: a user, or else a program; null: it does not say. */
function subjectIn(payload: JWTPayload): readonly [claim: string, name: string] | null {
  for (const claim of ['sub', 'client_id', 'azp']) {
    const name = payload[claim];
    if (typeof name === 'string' && name !== '') return [claim, name];
  }
  return null;
}

/** Of `scope`, a text (RFC 9068), or else `scp`, a text or a list. What is none of ours is for another service. */
function grantsIn({ scope, scp }: JWTPayload): readonly Grant[] {
  const given = typeof scope === 'string' ? scope : scp;
  const texts: readonly unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : [];
  return texts.flatMap((text) => {
    try {
      return typeof text === 'string' ? [parseScope(text)] : [];
    } catch {
      return [];
    }
  });
}
