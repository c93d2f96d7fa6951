import { hash, randomBytes } from 'node:crypto';

/** By which a secret is recognised as one of ours, in whatever it was left lying about. */
export const keyPrefix = 'fsk_';

const secretBytes = 32;

/** An API key as it is configured: what is secret is not in it. */
export interface KeyEntry {
  /** Told in logs. */
  readonly name: string;
  /** Of the whole secret, in hexadecimal digits. */
  readonly sha256: string;
  readonly scopes: readonly string[];
  /** An RFC 3339 date and time; left out: never. */
  readonly expiresAt?: string;
}

/** A key that was just made: the one time that its secret is known. */
export interface NewKey {
  readonly secret: string;
  readonly entry: KeyEntry;
}

/** Makes a key of 256 random bits. */
export function newKey(name: string, scopes: readonly string[]): NewKey {
  const secret = `${keyPrefix}${randomBytes(secretBytes).toString('base64url')}`;
  return { secret, entry: { name, sha256: sha256(secret), scopes } };
}

/** In hexadecimal digits. */
export function sha256(text: string): string {
  return hash('sha256', text);
}
