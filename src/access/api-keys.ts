import { timingSafeEqual } from 'node:crypto';
import { type KeyEntry, sha256 } from './api-key.ts';
import { Caller, type Ending } from './caller.ts';
import { Grants } from './grants.ts';

interface Held {
  readonly entry: KeyEntry;
  readonly hash: Buffer;
  readonly caller: Caller;
}

/** The keys that are known now. */
export class ApiKeys {
  readonly #onEnded: (caller: Caller, why: Ending) => void;
  readonly #names: ReadonlySet<string> | undefined;
  #keys: readonly Held[] = [];

  /**
   * @param onEnded told of each caller whose key is no longer as it was.
   * @param names what scopes may be narrowed to; left out: anything.
   */
  constructor(onEnded: (caller: Caller, why: Ending) => void, names?: ReadonlySet<string>) {
    this.#onEnded = onEnded;
    this.#names = names;
  }

  /** Whose secret this is; null: nobody's. An expired key is found, too. */
  find(secret: string): Caller | null {
    const hash = Buffer.from(sha256(secret), 'hex');
    let found: Caller | null = null;
    // All are looked at, and each for as long: how long it takes tells nothing.
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hash)) found = key.caller;
    return found;
  }

  /** Has these and no others from now on. A key that is as it was stays the same caller. */
  replace(entries: readonly KeyEntry[]): void {
    const before = new Map(this.#keys.map((key) => [key.entry.sha256, key]));
    this.#keys = entries.map((entry) => {
      const known = before.get(entry.sha256);
      return known && isSame(known.entry, entry) ? known : held(entry, this.#names);
    });
    const still = new Set(this.#keys.map(({ caller }) => caller));
    const hashes = new Set(entries.map((entry) => entry.sha256));
    for (const { entry, caller } of before.values()) {
      if (!still.has(caller)) this.#onEnded(caller, hashes.has(entry.sha256) ? 'CHANGED' : 'REVOKED');
    }
  }
}

function held(entry: KeyEntry, names: ReadonlySet<string> | undefined): Held {
  const { name, scopes, expiresAt } = entry;
  const expires = expiresAt === undefined ? null : Date.parse(expiresAt);
  const caller = new Caller({ id: `key:${name}`, name, grants: Grants.of(scopes, names), expiresAt: expires });
  return { entry, hash: Buffer.from(entry.sha256, 'hex'), caller };
}

function isSame(one: KeyEntry, other: KeyEntry): boolean {
  return (
    one.name === other.name &&
    one.expiresAt === other.expiresAt &&
    JSON.stringify([...one.scopes].sort()) === JSON.stringify([...other.scopes].sort())
  );
}
