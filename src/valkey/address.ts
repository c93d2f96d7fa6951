/** How whoever connects says who they are, and whether by TLS. */
interface Access {
  readonly tls: boolean;
  readonly username: string | null;
  readonly password: string | null;
}

/** Where something listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A single Valkey. */
export interface SingleAddress extends Access, Endpoint {
  readonly kind: 'single';
  /** The numbered database; default 0. */
  readonly db: number;
}

/** The one of several that sentinels say is the primary. */
export interface SentinelAddress extends Access {
  readonly kind: 'sentinel';
  readonly sentinels: readonly Endpoint[];
  /** By which the sentinels know it. */
  readonly name: string;
  readonly db: number;
  /** Who we are to the sentinels, if they ask. */
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
}

/** A cluster, by some of its nodes: any of them tells of the others. */
export interface ClusterAddress extends Access {
  readonly kind: 'cluster';
  readonly seeds: readonly Endpoint[];
}

export type ValkeyAddress = SingleAddress | SentinelAddress | ClusterAddress;

const form =
  /^(?<scheme>valkeys?|rediss?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^@/?#]*)@)?(?<hosts>[^/?#]*)(?<path>\/[^?#]*)?(?<options>\?[^#]*)?(?<rest>#.*)?$/i;

const defaultPort = 6379;
const defaultSentinelPort = 26379;

/**
 * Reads `valkey://[user:password@]host[:port][/db]`, `valkey+cluster://[user:password@]host[:port],…`, or
 * `valkey+sentinel://[user:password@]host[:port],…/name[/db][?sentinelUser=…&sentinelPassword=…]`; `valkeys` is TLS, `redis` and `rediss`
 * mean the same.
 * @throws Error that says what was expected; it never repeats the password.
 */
export function parseValkeyUrl(text: string): ValkeyAddress {
  const parts = form.exec(text)?.groups;
  if (!parts) {
    throw new Error(
      'expected valkey://host:port/db, valkey+cluster://host:port,host:port or valkey+sentinel://host:port,host:port/name, or valkeys for TLS',
    );
  }
  const { scheme = '', kind, user, hosts = '', path = '', options = '', rest } = parts;
  const access = { tls: /s$/i.test(scheme.replace(/^redis/i, 'valkey')), ...readUser(user) };
  if (rest !== undefined) throw new Error('takes nothing behind a #');
  switch (kind?.toLowerCase()) {
    case 'cluster':
      if (path !== '' && path !== '/') throw new Error('a cluster has one database: nothing stands behind its hosts');
      if (options !== '') throw new Error('takes no options');
      return { kind: 'cluster', ...access, seeds: hosts.split(',').map((host) => readEndpoint(host, defaultPort)) };
    case 'sentinel':
      return readSentinel(access, hosts, path, options);
    default: {
      if (options !== '') throw new Error('takes no options after the database number');
      const endpoint = readEndpoint(hosts, defaultPort);
      return { kind: 'single', ...endpoint, ...access, db: readDatabase(path.slice(1)) };
    }
  }
}

/** Not as forms have it, where + is a blank: a password is to be the same wherever it stands. */
function readOptions(text: string): Map<string, string> {
  const options = text.replace(/^\?/, '').split('&').filter(Boolean);
  return new Map(
    options.map((option) => {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(option) ?? [];
      return [name, decodePart(value)] as const;
    }),
  );
}

function readSentinel(access: Access, hosts: string, path: string, options: string): SentinelAddress {
  const [, name = '', db = '', ...more] = path.split('/');
  if (name === '' || more.length > 0) {
    throw new Error('expected the name of the primary behind the sentinels, as in valkey+sentinel://host:26379/name/0');
  }
  const given = readOptions(options);
  const sentinelUsername = given.get('sentinelUser') ?? null;
  const sentinelPassword = given.get('sentinelPassword') ?? null;
  given.delete('sentinelUser');
  given.delete('sentinelPassword');
  const [unknown] = given.keys();
  if (unknown !== undefined) throw new Error(`has no option ${unknown}: known are sentinelUser and sentinelPassword`);
  const sentinels = hosts.split(',').map((host) => readEndpoint(host, defaultSentinelPort));
  return {
    kind: 'sentinel',
    ...access,
    sentinels,
    name: decodePart(name),
    db: readDatabase(db),
    sentinelUsername,
    sentinelPassword,
  };
}

function readEndpoint(text: string, fallbackPort: number): Endpoint {
  // URL reads host and port as it should only under a scheme that it knows, and each hides its own default port.
  const url = URL.parse(`http://${text}`);
  if (!url?.hostname || /[@\s]/.test(text)) throw new Error('expected a host and a port up to 65535, as in host:6379');
  const port = url.port || URL.parse(`https://${text}`)?.port || String(fallbackPort);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

function readUser(text: string | undefined): Pick<Access, 'username' | 'password'> {
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(text ?? '') ?? [];
  return { username: username ? decodePart(username) : null, password: password ? decodePart(password) : null };
}

function readDatabase(text: string): number {
  // Never what was there: it may be the rest of a password.
  if (!/^\d{0,4}$/.test(text)) {
    throw new Error('expected a database number of up to four digits at the end (a / in a password is %2F)');
  }
  return Number(text);
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('expected user, password and name percent-encoded; a per cent sign itself is %25');
  }
}

/** An endpoint for people, and as a name. */
export function describeEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The address for people and logs: without user and password. */
export function describeAddress(address: ValkeyAddress): string {
  const scheme = address.tls ? 'valkeys' : 'valkey';
  switch (address.kind) {
    case 'single':
      return `${scheme}://${describeEndpoint(address)}/${address.db}`;
    case 'sentinel':
      return `${scheme}+sentinel://${address.sentinels.map(describeEndpoint).join(',')}/${address.name}/${address.db}`;
    case 'cluster':
      return `${scheme}+cluster://${address.seeds.map(describeEndpoint).join(',')}`;
  }
}
