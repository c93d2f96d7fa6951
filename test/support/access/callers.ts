import { Authenticator, type NewKey, newKey } from '../../../src/access/index.ts';
import { inSeconds, TestIssuer } from '../token-issuer.ts';

/** Views by name, each with the ids of it that a caller may see, or change. */
type Reach = readonly (readonly [view: string, ids: RegExp])[];

/** Somebody who asks, and what they may do, spelt out for this deployment. */
export interface Kind {
  /** By what they ask: a key or a token with these scopes, or nothing that is good for anything. */
  readonly by: 'key' | 'token' | 'nothing' | 'nonsense' | 'an expired key' | 'an expired token';
  readonly scopes: readonly string[];
  readonly reads: Reach;
  readonly writes: Reach;
  readonly isAdmin?: true;
}

const all: Reach = [
  ['user_risk_profile', /^/],
  ['merchant_activity', /^/],
];
const nobody = { scopes: ['admin'], reads: [], writes: [] };

export const kinds = {
  none: { by: 'nothing', ...nobody },
  broken: { by: 'nonsense', ...nobody },
  'an expired key': { by: 'an expired key', ...nobody },
  'an expired token': { by: 'an expired token', ...nobody },
  'without our scopes': { by: 'token', scopes: ['openid'], reads: [], writes: [] },
  read: { by: 'key', scopes: ['features:read'], reads: all, writes: [] },
  write: { by: 'token', scopes: ['events:write'], reads: [], writes: all },
  'read and write': { by: 'token', scopes: ['features:read', 'events:write'], reads: all, writes: all },
  admin: { by: 'key', scopes: ['admin'], reads: all, writes: all, isAdmin: true },
  'narrowed to an entity': {
    by: 'key',
    scopes: ['features:read:User', 'events:write:User'],
    reads: [['user_risk_profile', /^/]],
    writes: [['user_risk_profile', /^/]],
  },
  'narrowed to a view': {
    by: 'token',
    scopes: ['features:read:merchant_activity', 'events:write:merchant_activity', 'events:write:User:acme-*'],
    reads: [['merchant_activity', /^/]],
    writes: [
      ['merchant_activity', /^/],
      ['user_risk_profile', /^acme-/],
    ],
  },
  'narrowed to ids': {
    by: 'key',
    scopes: ['features:read', 'events:write'].flatMap((action) => [
      `${action}:User:acme-*`,
      `${action}:Merchant:acme-*`,
    ]),
    reads: [
      ['user_risk_profile', /^acme-/],
      ['merchant_activity', /^acme-/],
    ],
    writes: [
      ['user_risk_profile', /^acme-/],
      ['merchant_activity', /^acme-/],
    ],
  },
  'narrowed to what nobody has': {
    by: 'key',
    scopes: ['features:read:Device', 'events:write:Device'],
    reads: [],
    writes: [],
  },
} as const satisfies { readonly [name: string]: Kind };

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

/** Whether a caller may see, or change, a view of an id. */
export function reaches(reach: Reach, view: string, id: string): boolean {
  return reach.some(([name, ids]) => name === view && ids.test(id));
}

/** One caller of each kind, and who knows them. */
export class Callers {
  readonly authenticator: Authenticator;
  readonly #issuer: TestIssuer;
  readonly #headers: ReadonlyMap<string, string | undefined>;

  private constructor(authenticator: Authenticator, issuer: TestIssuer, headers: Map<string, string | undefined>) {
    this.authenticator = authenticator;
    this.#issuer = issuer;
    this.#headers = headers;
  }

  static async start(): Promise<Callers> {
    const issuer = await TestIssuer.start();
    const keys: NewKey[] = [];
    const headers = new Map<string, string | undefined>();
    for (const [name, { by, scopes }] of Object.entries(kinds)) {
      const made = newKey(name, scopes);
      const claims = { sub: name, scope: scopes.join(' ') };
      const header: { readonly [B in Kind['by']]: () => string | Promise<string> | undefined } = {
        nothing: () => undefined,
        nonsense: () => 'nonsense',
        key: () => {
          keys.push(made);
          return made.secret;
        },
        token: () => issuer.token(claims),
        'an expired key': () => {
          keys.push({ ...made, entry: { ...made.entry, expiresAt: '2026-01-01T00:00:00Z' } });
          return made.secret;
        },
        'an expired token': () => issuer.token({ ...claims, exp: inSeconds(-10) }),
      };
      const credentials = await header[by]();
      headers.set(name, credentials === undefined ? undefined : `Bearer ${credentials}`);
    }
    const text = JSON.stringify({ keys: keys.map(({ entry }) => entry) });
    const authenticator = new Authenticator({ keys: { text }, issuer: issuer.options, report: () => {} });
    return new Callers(authenticator, issuer, headers);
  }

  /** What a caller of this kind sends as Authorization. */
  authorization(name: KindName): string | undefined {
    return this.#headers.get(name);
  }

  headers(name: KindName): { readonly authorization?: string } {
    const authorization = this.authorization(name);
    return authorization === undefined ? {} : { authorization };
  }

  async stop(): Promise<void> {
    this.authenticator.close();
    await this.#issuer.stop();
  }
}
