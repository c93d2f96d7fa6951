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

/** What Valkey tells of itself. */
export interface StoreFacts {
  readonly version: string;
  readonly role: 'primary' | 'replica';
  readonly memoryBytes: number;
  /** 0: there is no limit. */
  readonly memoryLimitBytes: number;
  readonly evictionPolicy: string;
  /** Keys that were evicted since it started. */
  readonly evictedKeys: number;
  /** Connections of clients. */
  readonly clients: number;
}

/** What a look at Valkey has shown. */
export interface StoreLook extends Pick<Health, 'problems' | 'warnings'> {
  /** Null: it did not answer, or not in time. */
  readonly facts: StoreFacts | null;
  /** How long it took to answer, or not to. */
  readonly tookMs: number;
}

const patienceMs = 500; // half a second: whoever asks has a patience of its own

/** Asks Valkey how it is; bounded in time. */
export async function lookAtValkey(valkey: Redis): Promise<StoreLook> {
  const begunAt = performance.now();
  const seen = await ask(valkey);
  return { ...seen, tookMs: performance.now() - begunAt };
}

async function ask(valkey: Redis): Promise<Omit<StoreLook, 'tookMs'>> {
  if (valkey.status !== 'ready') return { problems: ['there is no connection to Valkey'], warnings: [], facts: null };
  try {
    const sections = ['server', 'clients', 'memory', 'stats', 'replication'];
    const facts = factsIn(readInfo(await within(patienceMs, valkey.info(...sections))));
    const { role, evictionPolicy } = facts;
    return {
      problems: role === 'replica' ? ['Valkey is a replica here and takes no writes'] : [],
      warnings: evictionPolicy === 'noeviction' ? [] : [evictionWarning(evictionPolicy)],
      facts,
    };
  } catch (error) {
    const problem = unavailableReason(error) ?? `Valkey answers ${String(error)}`;
    return { problems: [problem], warnings: [], facts: null };
  }
}

function factsIn(info: ReadonlyMap<string, string>): StoreFacts {
  const number = (name: string) => Number(info.get(name) ?? 0);
  return {
    version: info.get('valkey_version') ?? info.get('redis_version') ?? 'unknown',
    role: info.get('role') === 'slave' ? 'replica' : 'primary',
    memoryBytes: number('used_memory'),
    memoryLimitBytes: number('maxmemory'),
    evictionPolicy: info.get('maxmemory_policy') ?? 'noeviction',
    evictedKeys: number('evicted_keys'),
    clients: number('connected_clients'),
  };
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
