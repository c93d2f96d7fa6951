import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { unreachable } from './errors.ts';

const timeoutMs = 5_000; // 5 seconds
const maxAgeMs = 180_000; // 3 minutes
/** A key that is not known has the set fetched again, but no more often than this. */
const cooldownMs = 30_000; // 30 seconds
/** After it could not be had it is left alone for a while, however many tokens come. */
const failureMs = 1_000; // a second

/**
 * The public keys of an issuer at an address. Those that are known, and not too old, are there whatever comes of fetching them again:
 * anybody can name a key that nobody knows, and so have them fetched.
 */
export class RemoteKeys {
  readonly #set: ReturnType<typeof createRemoteJWKSet>;
  /** By `performance.now()`, as is the other. */
  #loadedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(address: URL) {
    this.#set = createRemoteJWKSet(address, {
      timeoutDuration: timeoutMs,
      cacheMaxAge: maxAgeMs,
      cooldownDuration: Number.POSITIVE_INFINITY, // it is fetched from here alone
    });
  }

  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    if (!this.#set.fresh) await this.#load();
    try {
      return await this.#set(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || performance.now() - this.#loadedAt < cooldownMs) throw error;
    }
    await this.#load();
    return this.#set(header, token);
  };

  /** @throws AuthenticationError */
  async #load(): Promise<void> {
    if (performance.now() - this.#failedAt < failureMs) throw unreachable();
    try {
      await this.#set.reload();
      this.#loadedAt = performance.now();
    } catch {
      this.#failedAt = performance.now();
      throw unreachable();
    }
  }
}
