import { isIP } from 'node:net';
import { invalidKeyPrefixReason } from './engine/index.ts';
import { parseValkeyUrl, type ValkeyAddress } from './valkey/index.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Everything that the environment decides. */
export interface Config {
  /** `PORT`; default 4000. 0 takes any free port. */
  readonly port: number;
  /** `HOST`; default 127.0.0.1. */
  readonly host: string;
  /** `WORKERS`: how many processes share the port; default 1, which is this one. */
  readonly workers: number;
  /** `VALKEY_URL`; null: an embedded Valkey is started. */
  readonly valkey: ValkeyAddress | null;
  /** `FRESHET_DATA_DIR`: where the embedded Valkey keeps its data; default `.data`. */
  readonly dataDir: string;
  /** `FRESHET_CLOCK`: whose now counts, the store's or each entity's newest event's; default `wall`. */
  readonly clock: 'wall' | 'event';
  /** `FRESHET_KEY_PREFIX`: first part of every key; default `fs`. */
  readonly keyPrefix: string;
  /** `FRESHET_SWEEP_SECONDS`: how often all that is watched is read though nothing was heard of it; default 30; null (0): never. */
  readonly sweepMs: number | null;
  /** `FRESHET_DOCUMENTS`: which client documents are served, any or only those of schema/operations; default `any`. */
  readonly documents: 'any' | 'trusted';
  readonly guard: GuardSettings;
  /** `LOG_LEVEL`; default `info`. */
  readonly logLevel: LogLevel;
}

/** Whom the server lets in, and how much of it each may have. */
export interface GuardSettings {
  /** `FRESHET_CORS_ORIGINS`: other origins whose pages may speak to the API; default none. */
  readonly corsOrigins: readonly string[];
  /** `FRESHET_HSTS_SECONDS`: how long browsers are to come by TLS alone; default null: nothing is said of it. */
  readonly hstsSeconds: number | null;
  /** `FRESHET_TRUSTED_PROXIES`: whose word is taken for whom they forward; default nobody's. */
  readonly trustedProxies: readonly string[];
  /** `FRESHET_MAX_CONNECTIONS`; default null: what the limit of open files leaves room for. */
  readonly maxConnections: number | null;
  /** `FRESHET_CLIENT_CONNECTIONS`: how many a client may have; default null: half of all. */
  readonly clientConnections: number | null;
  /** `FRESHET_CLIENT_SUBSCRIPTIONS`: how many a client may have; default 20,000. */
  readonly clientSubscriptions: number;
  /** `FRESHET_RATE_LIMIT`: how many requests a client may send a second; default null: there is no limit. */
  readonly requestsPerSecond: number | null;
  /** `FRESHET_COST_LIMIT`: what its operations may cost a second; default null: there is no limit. */
  readonly costPerSecond: number | null;
}

/** All that is wrong with the environment, in one message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Environment = { readonly [name: string]: string | undefined };

/** Reads one variable; throws an Error that says what was expected. It is not asked when the variable is unset or empty. */
type Reader<T> = (text: string) => T;

/** Reads the variable of a name, and notes what is wrong with it. */
type Read = <T>(name: string, fallback: T, reader: Reader<T>) => T;

const mostWorkers = 64;
const most = 1_000_000;
const longestHstsSeconds = 63_072_000; // two years

const ours = [
  'FRESHET_DATA_DIR',
  'FRESHET_CLOCK',
  'FRESHET_KEY_PREFIX',
  'FRESHET_SWEEP_SECONDS',
  'FRESHET_DOCUMENTS',
  'FRESHET_CORS_ORIGINS',
  'FRESHET_HSTS_SECONDS',
  'FRESHET_TRUSTED_PROXIES',
  'FRESHET_MAX_CONNECTIONS',
  'FRESHET_CLIENT_CONNECTIONS',
  'FRESHET_CLIENT_SUBSCRIPTIONS',
  'FRESHET_RATE_LIMIT',
  'FRESHET_COST_LIMIT',
];

/**
 * Reads the configuration. A variable that is empty counts as unset.
 * @throws ConfigError with everything that is wrong, unknown `FRESHET_*` variables among it.
 */
export function readConfig(env: Environment): Config {
  const problems: string[] = [];
  const read: Read = (name, fallback, reader) => {
    const text = env[name]?.trim();
    if (!text) return fallback;
    try {
      return reader(text);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return fallback;
    }
  };
  const config: Config = {
    port: read('PORT', 4000, readPort),
    host: read('HOST', '127.0.0.1', readHost),
    workers: read('WORKERS', 1, count(1, mostWorkers)),
    valkey: read<ValkeyAddress | null>('VALKEY_URL', null, parseValkeyUrl),
    dataDir: read('FRESHET_DATA_DIR', '.data', (text) => text),
    clock: read('FRESHET_CLOCK', 'wall', oneOf(['wall', 'event'])),
    keyPrefix: read('FRESHET_KEY_PREFIX', 'fs', readKeyPrefix),
    sweepMs: read<number | null>('FRESHET_SWEEP_SECONDS', 30_000, readSweep),
    documents: read('FRESHET_DOCUMENTS', 'any', oneOf(['any', 'trusted'])),
    guard: readGuard(read),
    logLevel: read('LOG_LEVEL', 'info', oneOf(logLevels)),
  };
  for (const name of Object.keys(env)) {
    if (name.startsWith('FRESHET_') && !ours.includes(name)) {
      problems.push(`${name}: is not a setting; known are ${ours.join(', ')}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readGuard(read: Read): GuardSettings {
  return {
    corsOrigins: read<readonly string[]>('FRESHET_CORS_ORIGINS', [], readOrigins),
    hstsSeconds: read<number | null>('FRESHET_HSTS_SECONDS', null, count(0, longestHstsSeconds)),
    trustedProxies: read<readonly string[]>('FRESHET_TRUSTED_PROXIES', [], readProxies),
    maxConnections: read<number | null>('FRESHET_MAX_CONNECTIONS', null, count(1, most)),
    clientConnections: read<number | null>('FRESHET_CLIENT_CONNECTIONS', null, count(1, most)),
    clientSubscriptions: read('FRESHET_CLIENT_SUBSCRIPTIONS', 20_000, count(1, most)),
    requestsPerSecond: read<number | null>('FRESHET_RATE_LIMIT', null, count(1, most)),
    costPerSecond: read<number | null>('FRESHET_COST_LIMIT', null, count(1, most)),
  };
}

/** Whether only this machine can reach what listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new Error(`expected a port from 0 to 65535, got ${JSON.stringify(text)}`);
  }
  return Number(text);
}

function readHost(text: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  if (!/^[A-Za-z0-9.:_%-]+$/.test(host)) {
    throw new Error(`expected a host name or address without scheme or port, got ${JSON.stringify(text)}`);
  }
  return host;
}

function readKeyPrefix(text: string): string {
  const reason = invalidKeyPrefixReason(text);
  if (reason) throw new Error(`${reason}, got ${JSON.stringify(text)}`);
  return text;
}

function readSweep(text: string): number | null {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds !== 0 && !(seconds >= 1 && seconds <= 86_400)) {
    throw new Error(`expected seconds from 1 to 86400, or 0 for never, got ${JSON.stringify(text)}`);
  }
  return seconds === 0 ? null : 1_000 * seconds;
}

/** Exact ones, as browsers write them: what is written otherwise would match none. */
function readOrigins(text: string): readonly string[] {
  return listed(text).map((one) => {
    const url = URL.parse(one);
    if (!/^https?:$/.test(url?.protocol ?? '') || url?.origin !== one) {
      const example = 'https://app.example.com, with a port unless it is the usual one';
      throw new Error(`expected origins such as ${example}, separated by commas, got ${JSON.stringify(one)}`);
    }
    return one;
  });
}

function readProxies(text: string): readonly string[] {
  return listed(text).map((one) => {
    const [address = '', bits = '0', ...rest] = one.split('/');
    const mostBits = isIP(address) === 4 ? 32 : 128;
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > mostBits || rest.length > 0) {
      throw new Error(
        `expected addresses, or ranges such as 10.0.0.0/8, separated by commas, got ${JSON.stringify(one)}`,
      );
    }
    return one;
  });
}

function listed(text: string): readonly string[] {
  return text.split(',').map((one) => one.trim());
}

function count(least: number, most: number): Reader<number> {
  return (text) => {
    if (!/^(0|[1-9]\d{0,8})$/.test(text) || Number(text) < least || Number(text) > most) {
      throw new Error(`expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
    }
    return Number(text);
  };
}

function oneOf<const T extends string>(values: readonly T[]): Reader<T> {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Error(`expected one of ${values.join(', ')}, got ${JSON.stringify(text)}`);
    return found;
  };
}
