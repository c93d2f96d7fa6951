import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { Authenticator, defaultAlgorithms, type IssuerOptions } from '../../src/access/index.ts';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

/** Somebody who issues tokens, with public keys at an address of their own. */
export class TestIssuer {
  readonly issuer = 'https://issuer.example';
  readonly audience = 'freshet';
  /** How often its public keys were asked for. */
  asked = 0;
  /** Whether it answers with an error. */
  isBroken = false;
  /** What it waits for before it answers. */
  patience: Promise<void> = Promise.resolve();
  readonly #server: Server;
  readonly #keys = new Map<string, { readonly key: PrivateKey; readonly jwk: JWK; readonly alg: string }>();

  private constructor() {
    this.#server = createServer(async (_, response) => {
      this.asked += 1;
      await this.patience;
      response.writeHead(this.isBroken ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(this.jwks));
    });
  }

  static async start(algorithms: readonly string[] = ['ES256']): Promise<TestIssuer> {
    const issuer = new TestIssuer();
    for (const alg of algorithms) await issuer.addKey(alg, alg);
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve));
    return issuer;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async addKey(kid: string, alg: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    this.#keys.set(kid, { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, alg });
  }

  removeKey(kid: string): void {
    this.#keys.delete(kid);
  }

  get jwks(): { readonly keys: readonly JWK[] } {
    return { keys: [...this.#keys.values()].map(({ jwk }) => jwk) };
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`);
  }

  /** How an API is told of it. */
  get options(): IssuerOptions {
    const { issuer, audience } = this;
    return { jwks: this.url, issuer, audience, algorithms: defaultAlgorithms, clockSkewSeconds: 0 };
  }

  /** Who takes its tokens, and no keys. */
  authenticator(options: Partial<IssuerOptions> = {}): Authenticator {
    return new Authenticator({ keys: null, issuer: { ...this.options, ...options }, report: () => {} });
  }

  /** A token, good for an hour unless its claims say otherwise; undefined takes a claim out. */
  async token(claims: JWTPayload = {}, { kid = 'ES256', header = {} as object } = {}): Promise<string> {
    const { key, alg } = this.#keys.get(kid) as { readonly key: PrivateKey; readonly alg: string };
    const { issuer: iss, audience: aud } = this;
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const payload = { iss, aud, sub: 'somebody', exp, ...claims };
    return await new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(key);
  }
}

/** What comes of a token: as whom it is taken, or why it is refused. */
export async function refusalOf(of: Authenticator, token: string): Promise<string> {
  try {
    const { name } = await of.identify(`Bearer ${token}`);
    return `taken as ${name}`;
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return `${code}: ${message}`;
  }
}

/** Seconds since 1970, as tokens have it, of a moment from now. */
export function inSeconds(seconds: number): number {
  return Date.now() / 1_000 + seconds;
}
