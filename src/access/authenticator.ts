import { type KeyEntry, keyPrefix } from './api-key.ts';
import { ApiKeys } from './api-keys.ts';
import type { Caller } from './caller.ts';
import { AuthenticationError } from './errors.ts';
import { FollowedFile } from './followed-file.ts';
import { parseKeyList } from './key-list.ts';
import { parseScope } from './scope.ts';
import { type OnOver, Sessions } from './sessions.ts';
import { type IssuerOptions, TokenIssuer } from './token-issuer.ts';
import { Tokens } from './tokens.ts';

/** Whom an API knows. */
export interface AccessOptions {
  /** API keys: the path of a file, or the same JSON as a text; null: there are none. */
  readonly keys: { readonly file: string } | { readonly text: string } | null;
  /** Who issues tokens; null: nobody. */
  readonly issuer: IssuerOptions | null;
}

export interface AuthenticatorOptions extends AccessOptions {
  /** Told of a file that was taken anew, or of why it was not: it stays as it was. */
  readonly report: (file: string, problem: unknown) => void;
  /**
   * The names of entities and views; a scope for another grants nothing, and of a key's it is told. Default: any name will do.
   */
  readonly served?: { readonly names: ReadonlySet<string>; readonly onStranger: (key: string, name: string) => void };
  /** How often files are looked at; default: every second. */
  readonly fileEveryMs?: number;
  /** For how long a token need not be looked at again; default 2 minutes. */
  readonly tokenMs?: number;
}

/** How often callers were told apart, and what became of the others. */
export interface AccessCounts {
  unauthenticated: number;
  unavailable: number;
  /** Sockets and streams that were ended because their caller was. */
  ended: number;
}

/** One scheme and one token, as RFC 6750 has it. */
const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Tells from credentials who asks. */
export class Authenticator {
  readonly counts: AccessCounts = { unauthenticated: 0, unavailable: 0, ended: 0 };
  readonly #sessions = new Sessions((caller) => this.#tokens?.lookAgain(caller));
  readonly #keys: ApiKeys;
  readonly #keyFile: FollowedFile | null = null;
  readonly #tokens: Tokens | null;

  /** @throws AccessConfigError, or what reading a file throws. */
  constructor({ keys, issuer, report, served, fileEveryMs, tokenMs }: AuthenticatorOptions) {
    const names = served?.names;
    this.#keys = new ApiKeys((caller, why) => this.#sessions.end(caller, why), names);
    const take = (text: string, where: string) => {
      const entries = parseKeyList(text, where);
      this.#keys.replace(entries);
      if (served) tellStrangers(entries, served);
    };
    if (keys && 'file' in keys) {
      this.#keyFile = new FollowedFile({
        path: keys.file,
        take: (text) => take(text, keys.file),
        onChange: (problem) => report(keys.file, problem),
        everyMs: fileEveryMs,
      });
    } else if (keys) take(keys.text, 'the list of keys');
    const onChange = (problem: unknown) => report(String(issuer?.jwks), problem);
    const options = { clockSkewSeconds: issuer?.clockSkewSeconds ?? 0, rememberedMs: tokenMs, names };
    this.#tokens = issuer && new Tokens(new TokenIssuer(issuer, onChange, fileEveryMs), options);
  }

  /** Whose an Authorization header is, if that can be told at once: a key's, or a remembered token's. */
  recognise(authorization: string | undefined): Caller | null {
    const credentials = credentialsIn(authorization);
    if (credentials === null) return null;
    const caller = credentials.startsWith(keyPrefix)
      ? this.#keys.find(credentials)
      : (this.#tokens?.recall(credentials) ?? null);
    return caller?.isFresh ? caller : null;
  }

  /** Whose token an Authorization header was when it was last looked at; null: it was not, or it is over. */
  recollect(authorization: string | undefined): Caller | null {
    const credentials = credentialsIn(authorization);
    return credentials === null ? null : (this.#tokens?.recollect(credentials) ?? null);
  }

  /** Whether an Authorization header is a token of whose signature alone it depends whether it is one of the issuer's. */
  isClaimed(authorization: string | undefined): boolean {
    const credentials = credentialsIn(authorization);
    return credentials !== null && (this.#tokens?.isClaimed(credentials) ?? false);
  }

  /** Whose an Authorization header is. @throws AuthenticationError */
  async identify(authorization: string | undefined): Promise<Caller> {
    try {
      return await this.#identify(authorization);
    } catch (error) {
      if (error instanceof AuthenticationError) {
        this.counts[error.code === 'UNAVAILABLE' ? 'unavailable' : 'unauthenticated'] += 1;
      }
      throw error;
    }
  }

  /**
   * Has a socket or a stream told at the moment at which its caller may go on no more.
   * @returns how it is told no more.
   */
  hold(caller: Caller, onOver: OnOver): () => void {
    return this.#sessions.hold(caller, (why) => {
      this.counts.ended += 1;
      onOver(why);
    });
  }

  /** How many sockets and streams would be told. */
  get sessions(): number {
    return this.#sessions.size;
  }

  close(): void {
    this.#sessions.close();
    this.#keyFile?.close();
    this.#tokens?.close();
  }

  async #identify(authorization: string | undefined): Promise<Caller> {
    if (authorization === undefined || authorization === '') {
      throw refused('Send a key or a token, as Authorization: Bearer KEY');
    }
    const credentials = credentialsIn(authorization);
    if (credentials === null) throw refused('Authorization must be Bearer and one key or token');
    if (credentials.startsWith(keyPrefix)) {
      const caller = this.#keys.find(credentials);
      if (!caller) throw refused('There is no such key');
      if (!caller.isFresh) throw refused('The key has expired');
      return caller;
    }
    if (!this.#tokens) throw refused('There is no such key');
    return this.#tokens.identify(credentials);
  }
}

/** A scope for what is not there allows nothing, and is mostly a slip of the pen. */
function tellStrangers(
  entries: readonly KeyEntry[],
  { names, onStranger }: NonNullable<AuthenticatorOptions['served']>,
): void {
  for (const { name, scopes } of entries) {
    for (const { target } of scopes.map(parseScope)) {
      if (target !== null && !names.has(target)) onStranger(name, target);
    }
  }
}

function credentialsIn(authorization: string | undefined): string | null {
  return authorization === undefined ? null : (bearer.exec(authorization)?.[1] ?? null);
}

function refused(message: string): AuthenticationError {
  return new AuthenticationError('UNAUTHENTICATED', message);
}
