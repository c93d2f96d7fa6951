import type { Redis } from 'iovalkey';
import { unavailableReason } from '../valkey/index.ts';

/** What `/readyz` says. */
export interface Health {
  /** Whether requests can be served now. */
  readonly ready: boolean;
  /** What is in the way. */
  readonly problems: readonly string[];
  /** What an operator should change, though requests are served. */
  readonly warnings: readonly string[];
}

const patienceMs = 500; // half a second: whoever asks has a patience of its own

/** Asks Valkey how it is; bounded in time. */
export async function valkeyHealth(valkey: Redis): Promise<Pick<Health, 'problems' | 'warnings'>> {
  if (valkey.status !== 'ready') return { problems: ['there is no connection to Valkey'], warnings: [] };
  try {
    const facts = readInfo(await within(patienceMs, valkey.info('memory', 'replication')));
    const policy = facts.get('maxmemory_policy') ?? 'noeviction';
    return {
      problems: facts.get('role') === 'slave' ? ['Valkey is a replica here and takes no writes'] : [],
      warnings: policy === 'noeviction' ? [] : [evictionWarning(policy)],
    };
  } catch (error) {
    return { problems: [unavailableReason(error) ?? `Valkey answers ${String(error)}`], warnings: [] };
  }
}

function evictionWarning(policy: string): string {
  return `maxmemory-policy is ${policy}: under memory pressure Valkey would drop logs, and features with them, without a word; set it to noeviction`;
}

function readInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').map((line) => [line.split(':', 1)[0] as string, line.slice(line.indexOf(':') + 1)]),
  );
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Command timed out')), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
