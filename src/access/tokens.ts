import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { sha256 } from './api-key.ts';
import { Caller } from './caller.ts';
import { Grants } from './grants.ts';
import { type Grant, parseScope } from './scope.ts';
import { expired, type TokenIssuer } from './token-issuer.ts';

/** Of each some 500 bytes. */
const mostRemembered = 10_000;
/** A key that an issuer takes back is believed no longer than this. */
const rememberedMs = 300_000; // 5 minutes
const longestName = 100;

/** Whose tokens these are. A signature is looked at once in a while, and not for each request. */
export class Tokens {
  readonly #issuer: TokenIssuer;
  readonly #clockSkewMs: number;
  /** By the SHA-256 of the token. */
  readonly #remembered = new LRUCache<string, Caller>({ max: mostRemembered });
  /** Those that are being looked at. */
  readonly #underWay = new Map<string, Promise<Caller>>();

  constructor(issuer: TokenIssuer, clockSkewSeconds: number) {
    this.#issuer = issuer;
    this.#clockSkewMs = 1_000 * clockSkewSeconds;
  }

  /** Whose it is, if that is remembered. */
  recall(token: string): Caller | null {
    return this.#recall(sha256(token));
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

  close(): void {
    this.#issuer.close();
  }

  #recall(ofToken: string): Caller | null {
    const caller = this.#remembered.get(ofToken);
    if (caller?.isFresh) return caller;
    this.#remembered.delete(ofToken);
    return null;
  }

  async #verify(ofToken: string, token: string): Promise<Caller> {
    const payload = await this.#issuer.verify(token);
    const subject = subjectIn(payload);
    const caller = new Caller({
      id: `token:${subject === null ? ofToken : sha256(JSON.stringify([payload.iss, ...subject]))}`,
      name: subject === null ? 'a token without sub' : subject[1].slice(0, longestName),
      grants: new Grants(grantsIn(payload)),
      expiresAt: 1_000 * payload.exp + this.#clockSkewMs,
      rememberedUntil: Date.now() + rememberedMs,
    });
    // By whole seconds, as the signature was looked at, it may have held a moment longer.
    if (caller.endedAt(Date.now()) !== null) throw expired();
    this.#remembered.set(ofToken, caller);
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
