import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { AccessConfigError, AuthenticationError, unreachable } from './errors.ts';
import { FollowedFile } from './followed-file.ts';
import { RemoteKeys } from './remote-keys.ts';

/** Who issues tokens, and which of theirs are taken. */
export interface IssuerOptions {
  /** Where its public keys are: an address, or the path of a file. */
  readonly jwks: URL | string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** How far its clock may be from ours. */
  readonly clockSkewSeconds: number;
}

/** What is left out of these proves nothing to a third party, or nothing at all. */
export const signatureAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;
export const defaultAlgorithms = ['RS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** Looks at tokens of one issuer. */
export class TokenIssuer {
  readonly #options: IssuerOptions;
  readonly #verifyOptions: JWTVerifyOptions;
  readonly #file: FollowedFile | null;
  #keys: JWTVerifyGetKey;

  /**
   * @param onChange told of each later version of a file, or why it was not taken.
   * @throws Error, if a file of keys cannot be used.
   */
  constructor(options: IssuerOptions, onChange: (problem: unknown) => void, fileEveryMs?: number) {
    const { jwks, issuer, audience, algorithms, clockSkewSeconds } = options;
    this.#options = options;
    this.#verifyOptions = {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: clockSkewSeconds,
      requiredClaims: ['exp'],
    };
    if (jwks instanceof URL) {
      this.#file = null;
      this.#keys = new RemoteKeys(jwks).keyFor;
    } else {
      this.#keys = noKeys;
      const take = (text: string) => {
        this.#keys = keysIn(text, jwks);
      };
      this.#file = new FollowedFile({ path: jwks, take, onChange, everyMs: fileEveryMs });
    }
  }

  /**
   * What a token says, if it is one of this issuer's for us, and not over yet.
   * @throws AuthenticationError
   */
  async verify(token: string): Promise<JWTPayload & { readonly exp: number }> {
    try {
      return await this.#verifyBy(this.#keyFor, token);
    } catch (error) {
      throw verdict(error);
    }
  }

  /** Whether a token claims to be this issuer's and not to be over yet. Nothing of it is proved: what is not so is not worth a look. */
  isClaimed(token: string): boolean {
    const { issuer, algorithms, clockSkewSeconds } = this.#options;
    try {
      const { alg = '' } = decodeProtectedHeader(token);
      const { iss, exp = 0 } = decodeJwt(token);
      return algorithms.includes(alg) && iss === issuer && exp > Date.now() / 1_000 - clockSkewSeconds;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#file?.close();
  }

  readonly #keyFor: JWTVerifyGetKey = async (header, token) => {
    try {
      return await this.#keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw unreachable();
    }
  };

  async #verifyBy(key: JWTVerifyGetKey, token: string): Promise<JWTPayload & { readonly exp: number }> {
    try {
      const { payload } = await jwtVerify(token, key, this.#verifyOptions);
      return payload as typeof payload & { readonly exp: number };
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // Neither says which key it is: whichever fits is the one.
      for await (const one of error) {
        const payload = await this.#verifyBy(() => one, token).catch(unlessOfAnotherKey);
        if (payload) return payload;
      }
      throw error;
    }
  }
}

function unlessOfAnotherKey(error: unknown): null {
  if (error instanceof errors.JWSSignatureVerificationFailed) return null;
  throw error;
}

function verdict(error: unknown): AuthenticationError {
  if (error instanceof AuthenticationError) return error;
  if (error instanceof errors.JWTExpired) return expired();
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its ${error.claim} is not as it should be`);
  if (error instanceof errors.JOSEAlgNotAllowed) return refused('it is signed by an algorithm that is not taken here');
  return refused('it is not signed by a key of the issuer');
}

function keysIn(text: string, where: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
  } catch {
    throw new AccessConfigError(where, ['is no JSON Web Key Set: expected {"keys": [...]} with public keys']);
  }
}

const noKeys: JWTVerifyGetKey = () => Promise.reject(unreachable());

export function expired(): AuthenticationError {
  return new AuthenticationError('UNAUTHENTICATED', 'The token has expired');
}

function refused(why: string): AuthenticationError {
  return new AuthenticationError('UNAUTHENTICATED', `The token is not taken: ${why}`);
}
