import { Redis } from 'iovalkey';

/** Where a single Valkey listens. */
export interface ValkeyAddress {
  readonly host: string;
  /** Default 6379. */
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  /** The numbered database; default 0. */
  readonly db: number;
}

/** How long things may take. The defaults fit a Valkey that is near. */
export interface ConnectionLimits {
  /** A command that has no reply by then fails, whether it was sent or still waits for a connection. */
  readonly commandTimeoutMs?: number;
  /** An attempt to connect that takes longer is given up. */
  readonly connectTimeoutMs?: number;
}

const defaultCommandTimeoutMs = 3_000; // 3 seconds
const defaultConnectTimeoutMs = 3_000; // 3 seconds
/** Attempts to reconnect go on for ever, at most this far apart. */
const longestBackoffMs = 1_000; // 1 second

const schemes: { readonly [scheme: string]: 'plain' | 'tls' | 'later' } = {
  'valkey:': 'plain',
  'redis:': 'plain',
  'valkeys:': 'tls',
  'rediss:': 'tls',
  'valkey+cluster:': 'later',
  'valkeys+cluster:': 'later',
  'valkey+sentinel:': 'later',
  'valkeys+sentinel:': 'later',
};

/**
 * Reads `valkey://[user:password@]host[:port][/db]`; `valkeys://` is TLS, `redis://` and `rediss://` mean the same.
 * @throws Error that says what was expected; it never repeats the password.
 */
export function parseValkeyUrl(text: string): ValkeyAddress {
  const scheme = /^[a-z+]+:/i.exec(text)?.[0].toLowerCase() ?? '';
  const kind = text.slice(scheme.length, scheme.length + 2) === '//' ? schemes[scheme] : undefined;
  if (kind === undefined) throw new Error('expected valkey://host:port/db, or valkeys:// for TLS');
  if (kind === 'later') {
    throw new Error(`${scheme}// is not served yet: this version speaks to a single Valkey, valkey://host:port/db`);
  }
  // URL reads user, host and port as it should only under a scheme that it knows, and each hides its own default port.
  const rest = text.slice(scheme.length);
  const url = URL.parse(`http:${rest}`);
  if (!url?.hostname) throw new Error('expected a host and a port up to 65535, as in valkey://host:6379/0');
  const port = url.port || URL.parse(`https:${rest}`)?.port || '6379';
  const db = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (db === undefined)
    throw new Error(`expected a database number after the host, got ${JSON.stringify(url.pathname)}`);
  if (url.search || url.hash) throw new Error('takes no options after the database number');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port),
    tls: kind === 'tls',
    username: url.username ? decodePart(url.username) : null,
    password: url.password ? decodePart(url.password) : null,
    db: Number(db),
  };
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('expected user and password percent-encoded; a per cent sign itself is %25');
  }
}

/** The address for people and logs: without user and password. */
export function describeAddress({ host, port, tls, db }: ValkeyAddress): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'valkeys' : 'valkey'}://${shown}:${port}/${db}`;
}

/**
 * Opens the connection for commands. Nothing on it waits for ever: a command fails after `commandTimeoutMs`, or once an
 * attempt to reconnect has failed since it was given. A command under way when the connection breaks is sent once more
 * on the next one, so what is sent must be idempotent. Attempts to reconnect go on for ever.
 */
export function connect(address: ValkeyAddress, limits: ConnectionLimits = {}): Redis {
  const commandTimeoutMs = limits.commandTimeoutMs ?? defaultCommandTimeoutMs;
  return quiet(
    new Redis({
      ...baseOptions(address, limits),
      connectionName: 'freshet',
      commandTimeout: commandTimeoutMs,
      // A server that accepts and then says nothing: drop the socket and all that waits on it.
      socketTimeout: 2 * commandTimeoutMs,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: true,
    }),
  );
}

/** Opens a connection for subscriptions. It queues nothing and forgets its channels when it breaks: see KeyspaceEvents. */
export function connectSubscriber(address: ValkeyAddress, limits: ConnectionLimits = {}): Redis {
  return quiet(
    new Redis({
      ...baseOptions(address, limits),
      connectionName: 'freshet-subscriber',
      commandTimeout: limits.commandTimeoutMs ?? defaultCommandTimeoutMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // iovalkey's own resubscription leaves its promise unhandled: a second break would end the process.
      autoResubscribe: false,
    }),
  );
}

function baseOptions({ host, port, tls, username, password, db }: ValkeyAddress, limits: ConnectionLimits) {
  return {
    host,
    port,
    db,
    family: 0, // whichever the name resolves to
    familyFallback: { enabled: false },
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: limits.connectTimeoutMs ?? defaultConnectTimeoutMs,
    maxLoadingRetryTime: longestBackoffMs,
    retryStrategy: backoffMs,
    enableAutoPipelining: false,
    keepAlive: 10_000, // 10 seconds
  };
}

/** How long to wait before the `attempt`th new attempt (from 1): 50 ms, doubling, up to a second. */
function backoffMs(attempt: number): number {
  return Math.min(50 * 2 ** (attempt - 1), longestBackoffMs);
}

/** Failures reach whoever waits for a command; without a listener the client would print each once more. */
function quiet(client: Redis): Redis {
  return client.on('error', () => {});
}
