import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authenticator, type KeyEntry, newKey } from '../../../src/access/index.ts';
import { until } from '../until.ts';

/** Keys in a file that is read anew as soon as it changes. */
export class KeyRing {
  readonly authenticator: Authenticator;
  readonly #folder = mkdtempSync(join(tmpdir(), 'freshet-keys-'));
  readonly #entries = new Map<string, KeyEntry>();

  constructor() {
    this.#write();
    this.authenticator = new Authenticator({
      keys: { file: this.#file },
      issuer: null,
      report: () => {},
      fileEveryMs: 5,
    });
  }

  /** Makes a key that is known by then. @returns what its holder sends as Authorization. */
  async add(
    name: string,
    scopes: readonly string[],
    expiresInMs?: number,
  ): Promise<{ readonly authorization: string }> {
    const { secret, entry } = newKey(name, scopes);
    const expiresAt = expiresInMs === undefined ? {} : { expiresAt: new Date(Date.now() + expiresInMs).toISOString() };
    this.#entries.set(name, { ...entry, ...expiresAt });
    this.#write();
    const authorization = `Bearer ${secret}`;
    await until(() => this.authenticator.recognise(authorization));
    return { authorization };
  }

  change(name: string, scopes: readonly string[]): void {
    this.#entries.set(name, { ...(this.#entries.get(name) as KeyEntry), scopes });
    this.#write();
  }

  revoke(name: string): void {
    this.#entries.delete(name);
    this.#write();
  }

  close(): void {
    this.authenticator.close();
    rmSync(this.#folder, { recursive: true });
  }

  get #file(): string {
    return join(this.#folder, 'keys.json');
  }

  #write(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify({ keys: [...this.#entries.values()] }));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
