import { Redis, type RedisOptions } from 'iovalkey';
import type { SentinelAddress, SingleAddress } from './address.ts';
import { Demotion } from './demotion.ts';
import { defaultPatienceMs } from './patience.ts';
import { QuietSentinels } from './quiet-sentinels.ts';

/** Where one server is to be found that takes commands and writes. */
export type ServerAddress = SingleAddress | SentinelAddress;

/** How long things may take. The defaults fit a Valkey that is near. */
export interface ConnectionLimits {
  /** A command that has no reply by then fails, whether it was sent or still waits for a connection. */
  readonly commandTimeoutMs?: number;
  /** An attempt to connect that takes longer is given up. */
  readonly connectTimeoutMs?: number;
}

const defaultConnectTimeoutMs = 3_000; // 3 seconds
/** Attempts to reconnect go on for ever, at most this far apart. */
const longestBackoffMs = 1_000; // 1 second

/**
 * Opens the connection for commands. Nothing on it waits for ever: a command fails after `commandTimeoutMs`, or once an
 * attempt to reconnect has failed since it was given. A command under way when the connection breaks is sent once more
 * on the next one, so what is sent must be idempotent. Attempts to reconnect go on for ever. Where the server turns out to
 * take no writes, this one and all beside it connect anew: see `Demotion`.
 */
export function connect(address: ServerAddress, limits: ConnectionLimits = {}): Redis {
  const commandTimeoutMs = limits.commandTimeoutMs ?? defaultPatienceMs;
  const client: Redis = quiet(
    new Redis({
      ...baseOptions(address, limits),
      connectionName: 'freshet',
      commandTimeout: commandTimeoutMs,
      // A server that accepts and then says nothing: drop the socket and all that waits on it.
      socketTimeout: 2 * commandTimeoutMs,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: true,
      reconnectOnError: (error) => {
        Demotion.beside(client).notice(error);
        return false; // this one has been told
      },
    }),
  );
  Demotion.beside(client).follow(() => reconnect(client));
  return client;
}

/** Leaves the server, and finds out anew where it is. */
export function reconnect(client: Redis): void {
  if (client.status === 'ready') client.disconnect(true);
}

/**
 * Ends a connection for good: all that waits fails, and whoever stands beside it hears `end`. While it waits for its next attempt to
 * reconnect, iovalkey has no socket whose close would bring that about, as it has none before the first.
 */
export function leave(client: Redis): void {
  if (client.status === 'reconnecting') client.status = 'wait';
  client.disconnect();
}

/** Opens a connection for subscriptions. It queues nothing and forgets its channels when it breaks: see KeyspaceEvents. */
export function connectSubscriber(address: ServerAddress, limits: ConnectionLimits = {}): Redis {
  return quiet(
    new Redis({
      ...baseOptions(address, limits),
      connectionName: 'freshet-subscriber',
      commandTimeout: limits.commandTimeoutMs ?? defaultPatienceMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // iovalkey's own resubscription leaves its promise unhandled: a second break would end the process.
      autoResubscribe: false,
    }),
  );
}

function baseOptions(address: ServerAddress, limits: ConnectionLimits) {
  const { db, tls, username, password } = address;
  return {
    ...(address.kind === 'single' ? { host: address.host, port: address.port } : bySentinel(address)),
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

/** Asked anew at each attempt to connect, so that the next one after a failover finds the new primary. */
function bySentinel({ sentinels, name, tls, sentinelUsername, sentinelPassword }: SentinelAddress) {
  return {
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    name,
    role: 'master' as const,
    Connector: QuietSentinels as NonNullable<RedisOptions['Connector']>,
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    // A primary that is cut off from the others still answers us: sentinels say that it is one no more.
    failoverDetector: true,
    sentinelRetryStrategy: backoffMs, // without it, the client gives up for good
    sentinelCommandTimeout: defaultConnectTimeoutMs,
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
