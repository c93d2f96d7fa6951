import { randomBytes } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { exitCodeOf, onEndSignal } from '../src/signals.ts';
import { connect, parseValkeyUrl, startEmbeddedValkey } from '../src/valkey/index.ts';

/** Calls over millions of events take their time. */
const commandTimeoutMs = 120_000; // 2 minutes

/** A Valkey to measure on, and a key prefix of one's own there. */
export interface BenchServer {
  readonly valkey: Redis;
  /** Where others reach the same Valkey. */
  readonly url: string;
  /** Such as `an embedded Valkey 8.0.1`. */
  readonly what: string;
  /** A prefix that nobody has used. */
  prefix(): string;
  /** Removes all keys under the prefixes that were given out. */
  clear(): Promise<void>;
}

/** @throws Error if the URL is of a cluster: what is measured is one server. */
export function serverAddress(url: string) {
  const address = parseValkeyUrl(url);
  if (address.kind !== 'single') throw new Error(`${url} is not the address of one server`);
  return address;
}

/** Lends a throwaway embedded Valkey, or the one at `url`, of which only the keys that were made are removed. */
export async function withServer<T>(url: string | null, use: (server: BenchServer) => Promise<T>): Promise<T> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const embedded = url === null ? await startEmbeddedValkey({ persistent: false, report: say }) : null;
  onEndSignal({
    first: (signal) => void Promise.resolve(embedded?.stop()).finally(() => process.exit(exitCodeOf(signal))),
    again: (signal) => process.exit(exitCodeOf(signal)),
  });
  try {
    const address = url ?? embedded?.url ?? '';
    const valkey = connect(serverAddress(address), { commandTimeoutMs });
    const prefixes: string[] = [];
    const server: BenchServer = {
      valkey,
      url: address,
      what: embedded ? `an embedded ${embedded.version}` : 'the Valkey of --valkey',
      prefix() {
        const prefix = `bench:${randomBytes(4).toString('hex')}`;
        prefixes.push(prefix);
        return prefix;
      },
      async clear() {
        for (const prefix of prefixes.splice(0)) {
          const keys = await keysUnder(valkey, `${prefix}:*`);
          for (let at = 0; at < keys.length; at += 1_000) await valkey.unlink(...keys.slice(at, at + 1_000));
        }
      },
    };
    try {
      return await use(server);
    } finally {
      await server.clear();
      valkey.disconnect();
    }
  } finally {
    await embedded?.stop();
  }
}

/** Names of the keys that match a pattern. */
export async function keysUnder(valkey: Redis, match: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const keys of valkey.scanStream({ match, count: 1_000 })) for (const key of keys) found.add(key);
  return [...found];
}
