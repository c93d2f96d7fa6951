import { isIP } from 'node:net';
import {
  type AccessOptions,
  defaultAlgorithms,
  type IssuerOptions,
  isLoopback,
  parseKeyList,
  signatureAlgorithms,
} from './access/index.ts';
import { invalidKeyPrefixReason } from './engine/index.ts';
import { type Acknowledgement, inMemory, parseValkeyUrl, type ValkeyAddress } from './valkey/index.ts';

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
  /** `FRESHET_ACK`: what must have become of an event before it is acknowledged; default `memory`. */
  readonly acknowledge: Acknowledgement;
  /** `FRESHET_DOCUMENTS`: which client documents are served, any or only those of schema/operations; default `any`. */
  readonly documents: 'any' | 'trusted';
  /** Who may ask: from `FRESHET_API_KEYS`, `FRESHET_API_KEYS_FILE` and `FRESHET_JWT_…`; null: anyone may do all. */
  readonly access: AccessOptions | null;
  /** `FRESHET_INTROSPECTION`: whether GraphiQL and introspection are served; default: unless `NODE_ENV` is `production`. */
  readonly introspection: boolean;
  readonly guard: GuardSettings;
  /** `LOG_LEVEL`; default `info`. */
  readonly logLevel: LogLevel;
  /** Whether traces are recorded: `OTEL_EXPORTER_OTLP_ENDPOINT`, or that of traces alone, is set, and nothing forbids it. How, OpenTelemetry reads. */
  readonly traces: boolean;
}

/** Whom the server lets in, and how much of it each may have. */
export interface GuardSettings {
  /** `FRESHET_CORS_ORIGINS`: other origins whose pages may speak to the API; default none. */
  readonly corsOrigins: readonly string[];
  /** `FRESHET_HOSTS`: by which names it may be asked besides those of this machine; default null: any that are safe. */
  readonly hosts: readonly string[] | null;
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

/** Reads one variable; where it is unset, or wrong, which is noted, it is the fallback. */
type Read = <T>(name: string, fallback: T, reader: Reader<T>) => T;

const mostWorkers = 64;
const most = 1_000_000;
const longestHstsSeconds = 63_072_000; // two years

const ours = [
  ...['FRESHET_DATA_DIR', 'FRESHET_CLOCK', 'FRESHET_KEY_PREFIX', 'FRESHET_SWEEP_SECONDS'],
  ...['FRESHET_ACK', 'FRESHET_DOCUMENTS'],
  ...['FRESHET_AUTH', 'FRESHET_API_KEYS', 'FRESHET_API_KEYS_FILE', 'FRESHET_INTROSPECTION'],
  ...['FRESHET_JWT_JWKS', 'FRESHET_JWT_ISSUER', 'FRESHET_JWT_AUDIENCE'],
  ...['FRESHET_JWT_ALGORITHMS', 'FRESHET_JWT_CLOCK_SKEW_SECONDS'],
  ...['FRESHET_CORS_ORIGINS', 'FRESHET_HOSTS', 'FRESHET_HSTS_SECONDS', 'FRESHET_TRUSTED_PROXIES'],
  ...['FRESHET_MAX_CONNECTIONS', 'FRESHET_CLIENT_CONNECTIONS', 'FRESHET_CLIENT_SUBSCRIPTIONS'],
  ...['FRESHET_RATE_LIMIT', 'FRESHET_COST_LIMIT'],
];

const longestClockSkewSeconds = 300; // 5 minutes

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
  const isOpen = read('FRESHET_AUTH', null, oneOf(['none'])) !== null;
  const access = readAccess(read, problems, isOpen);
  const isProduction = env.NODE_ENV?.trim() === 'production';
  const config: Config = {
    port: read('PORT', 4000, readPort),
    host: read('HOST', '127.0.0.1', readHost),
    workers: read('WORKERS', 1, count(1, mostWorkers)),
    valkey: read<ValkeyAddress | null>('VALKEY_URL', null, parseValkeyUrl),
    dataDir: read('FRESHET_DATA_DIR', '.data', (text) => text),
    clock: read('FRESHET_CLOCK', 'wall', oneOf(['wall', 'event'])),
    keyPrefix: read('FRESHET_KEY_PREFIX', 'fs', readKeyPrefix),
    sweepMs: read<number | null>('FRESHET_SWEEP_SECONDS', 30_000, readSweep),
    acknowledge: read('FRESHET_ACK', inMemory, readAcknowledgement),
    documents: read('FRESHET_DOCUMENTS', 'any', oneOf(['any', 'trusted'])),
    access,
    introspection: read('FRESHET_INTROSPECTION', isProduction ? 'off' : 'on', oneOf(['on', 'off'])) === 'on',
    guard: readGuard(read),
    logLevel: read('LOG_LEVEL', 'info', oneOf(logLevels)),
    traces: readTraces(read),
  };
  if (config.valkey === null && config.acknowledge.kind === 'replica') {
    problems.push(
      'FRESHET_ACK: an embedded Valkey has no replicas to confirm anything; name one that has with VALKEY_URL',
    );
  }
  if (!isLoopback(config.host) && access === null && !isOpen) {
    problems.push(
      `HOST: ${config.host} can be reached by others, and nobody would be asked who they are: give FRESHET_API_KEYS_FILE, FRESHET_API_KEYS or FRESHET_JWT_JWKS, or say FRESHET_AUTH=none to let anyone do anything`,
    );
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('FRESHET_') && !ours.includes(name)) {
      problems.push(`${name}: is not a setting; known are ${ours.join(', ')}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** Who may ask; null: nobody is asked who they are. @param isOpen whether it was said that this is meant. */
function readAccess(read: Read, problems: string[], isOpen: boolean): AccessOptions | null {
  const file = read('FRESHET_API_KEYS_FILE', null, (text) => ({ file: text }));
  const text = read('FRESHET_API_KEYS', null, readKeys);
  const issuer = readIssuer(read, problems);
  if (file && text) problems.push('FRESHET_API_KEYS: is given beside FRESHET_API_KEYS_FILE; keep one of them');
  const keys = file ?? text;
  if (!keys && !issuer) return null;
  if (isOpen) {
    problems.push('FRESHET_AUTH: is none, and yet there are API keys, or tokens: leave out the one or the others');
  }
  return { keys, issuer };
}

function readKeys(text: string): { readonly text: string } {
  parseKeyList(text, 'the list');
  return { text };
}

function readIssuer(read: Read, problems: string[]): IssuerOptions | null {
  const jwks = read<URL | string | null>('FRESHET_JWT_JWKS', null, readJwks);
  const issuer = read('FRESHET_JWT_ISSUER', '', (text) => text);
  const audience = read('FRESHET_JWT_AUDIENCE', '', (text) => text);
  const algorithms = read('FRESHET_JWT_ALGORITHMS', defaultAlgorithms, readAlgorithms);
  const clockSkewSeconds = read('FRESHET_JWT_CLOCK_SKEW_SECONDS', 0, readClockSkew);
  const others = { FRESHET_JWT_ISSUER: issuer, FRESHET_JWT_AUDIENCE: audience };
  for (const [name, value] of Object.entries(others)) {
    if (jwks && !value) problems.push(`${name}: is required beside FRESHET_JWT_JWKS: else tokens for others would do`);
    if (!jwks && value) problems.push(`${name}: FRESHET_JWT_JWKS is missing: it says where the issuer's keys are`);
  }
  return jwks === null ? null : { jwks, issuer, audience, algorithms, clockSkewSeconds };
}

/** What comes over a wire that anyone may tap could be anyone's keys. */
function readJwks(text: string): URL | string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')))) {
    return url;
  }
  throw new Error(`expected https://, http:// to this machine, or the path of a file, got ${JSON.stringify(text)}`);
}

function readAlgorithms(text: string): readonly string[] {
  return text.split(/[\s,]+/).map(oneOf(signatureAlgorithms));
}

function readClockSkew(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= longestClockSkewSeconds)) {
    throw new Error(`expected whole seconds from 0 to ${longestClockSkewSeconds}, got ${JSON.stringify(text)}`);
  }
  return seconds;
}

function readGuard(read: Read): GuardSettings {
  return {
    corsOrigins: read<readonly string[]>('FRESHET_CORS_ORIGINS', [], readOrigins),
    hosts: read<readonly string[] | null>('FRESHET_HOSTS', null, readHosts),
    hstsSeconds: read<number | null>('FRESHET_HSTS_SECONDS', null, count(0, longestHstsSeconds)),
    trustedProxies: read<readonly string[]>('FRESHET_TRUSTED_PROXIES', [], readProxies),
    maxConnections: read<number | null>('FRESHET_MAX_CONNECTIONS', null, count(1, most)),
    clientConnections: read<number | null>('FRESHET_CLIENT_CONNECTIONS', null, count(1, most)),
    clientSubscriptions: read('FRESHET_CLIENT_SUBSCRIPTIONS', 20_000, count(1, most)),
    requestsPerSecond: read<number | null>('FRESHET_RATE_LIMIT', null, count(1, most)),
    costPerSecond: read<number | null>('FRESHET_COST_LIMIT', null, count(1, most)),
  };
}

/** What OpenTelemetry would only mutter about is said here. */
function readTraces(read: Read): boolean {
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT', false, isHttpUrl);
  const own = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', false, isHttpUrl);
  const exporter = read('OTEL_TRACES_EXPORTER', 'otlp', oneOf(['otlp', 'none']));
  const isDisabled = read('OTEL_SDK_DISABLED', false, (text) => text.toLowerCase() === 'true');
  if (!(endpoint || own) || exporter === 'none' || isDisabled) return false;
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL']) {
    read(name, 'http/json', oneOf(['http/json', 'http/protobuf'])); // whoever takes the one by HTTP takes the other
  }
  return true;
}

function isHttpUrl(text: string): boolean {
  const { protocol } = URL.parse(text) ?? {};
  if (protocol === 'http:' || protocol === 'https:') return true;
  throw new Error('expected the address of an OTLP collector, such as http://127.0.0.1:4318');
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

function readAcknowledgement(text: string): Acknowledgement {
  if (text === 'memory' || text === 'fsync') return { kind: text };
  const replicas = /^replica(?::([1-9]))?$/.exec(text);
  if (replicas) return { kind: 'replica', replicas: Number(replicas[1] ?? 1) };
  throw new Error(`expected memory, fsync, replica or replica:n with n from 1 to 9, got ${JSON.stringify(text)}`);
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

function readHosts(text: string): readonly string[] {
  return listed(text).map((one) => {
    if (!/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(one)) {
      const example = 'freshet.example.com, without scheme or port';
      throw new Error(`expected names such as ${example}, separated by commas, got ${JSON.stringify(one)}`);
    }
    return one.toLowerCase();
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
