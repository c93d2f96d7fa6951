import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isLoopback } from '../src/access/index.ts';
import { ConfigError, readConfig } from '../src/config.ts';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      port: 4000,
      host: '127.0.0.1',
      workers: 1,
      valkey: null,
      dataDir: '.data',
      clock: 'wall',
      keyPrefix: 'fs',
      sweepMs: 30_000,
      acknowledge: { kind: 'memory' },
      documents: 'any',
      access: null,
      introspection: true,
      guard: {
        corsOrigins: [],
        hosts: null,
        hstsSeconds: null,
        trustedProxies: [],
        maxConnections: null,
        clientConnections: null,
        clientSubscriptions: 20_000,
        requestsPerSecond: null,
        costPerSecond: null,
      },
      logLevel: 'info',
      traces: false,
    });
  });

  it('comes from the environment', () => {
    expect(
      readConfig({
        PORT: '0',
        HOST: '[::1]',
        WORKERS: '4',
        VALKEY_URL: 'valkey://store:7000/2',
        FRESHET_DATA_DIR: '/var/lib/freshet',
        FRESHET_CLOCK: 'event',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        FRESHET_KEY_PREFIX: 'team:fs',
        FRESHET_SWEEP_SECONDS: '2.5',
        FRESHET_ACK: 'replica:2',
        FRESHET_DOCUMENTS: 'trusted',
        FRESHET_API_KEYS_FILE: '/etc/freshet/keys.json',
        FRESHET_JWT_JWKS: 'https://issuer.example/jwks',
        FRESHET_JWT_ISSUER: 'https://issuer.example',
        FRESHET_JWT_AUDIENCE: 'freshet',
        FRESHET_JWT_ALGORITHMS: 'ES256, PS512',
        FRESHET_JWT_CLOCK_SKEW_SECONDS: '30',
        NODE_ENV: 'production',
        FRESHET_CORS_ORIGINS: 'https://app.example.com, http://localhost:3000',
        FRESHET_HOSTS: 'Freshet.example.com, localhost',
        FRESHET_HSTS_SECONDS: '31536000',
        FRESHET_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
        FRESHET_MAX_CONNECTIONS: '5000',
        FRESHET_CLIENT_CONNECTIONS: '100',
        FRESHET_CLIENT_SUBSCRIPTIONS: '50',
        FRESHET_RATE_LIMIT: '100',
        FRESHET_COST_LIMIT: '2000',
        LOG_LEVEL: 'debug',
        HOME: '/somewhere',
      }),
    ).toEqual({
      port: 0,
      host: '::1',
      workers: 4,
      valkey: { kind: 'single', host: 'store', port: 7000, tls: false, username: null, password: null, db: 2 },
      dataDir: '/var/lib/freshet',
      clock: 'event',
      keyPrefix: 'team:fs',
      sweepMs: 2_500,
      acknowledge: { kind: 'replica', replicas: 2 },
      documents: 'trusted',
      access: {
        keys: { file: '/etc/freshet/keys.json' },
        issuer: {
          jwks: new URL('https://issuer.example/jwks'),
          issuer: 'https://issuer.example',
          audience: 'freshet',
          algorithms: ['ES256', 'PS512'],
          clockSkewSeconds: 30,
        },
      },
      introspection: false,
      guard: {
        corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
        hosts: ['freshet.example.com', 'localhost'],
        hstsSeconds: 31_536_000,
        trustedProxies: ['10.0.0.0/8', '::1'],
        maxConnections: 5_000,
        clientConnections: 100,
        clientSubscriptions: 50,
        requestsPerSecond: 100,
        costPerSecond: 2_000,
      },
      logLevel: 'debug',
      traces: true,
    });
  });

  it('takes an empty variable as one that is not set', () => {
    expect(readConfig({ PORT: '', VALKEY_URL: ' ', FRESHET_CLOCK: '' })).toEqual(readConfig({}));
  });

  it('says everything that is wrong at once', () => {
    const env = {
      PORT: '65536',
      HOST: 'http://localhost',
      WORKERS: '0',
      VALKEY_URL: 'http://store',
      FRESHET_CLOCK: 'sun',
      FRESHET_KEY_PREFIX: 'a{b}',
      FRESHET_KEYPREFIX: 'fs',
      FRESHET_SWEEP_SECONDS: 'often',
      FRESHET_ACK: 'replica:0',
      FRESHET_DOCUMENTS: 'mine',
      FRESHET_CORS_ORIGINS: '*',
      FRESHET_HOSTS: 'https://freshet.example.com',
      FRESHET_HSTS_SECONDS: '1y',
      FRESHET_TRUSTED_PROXIES: '10.0.0.0/33',
      FRESHET_MAX_CONNECTIONS: '0',
      FRESHET_RATE_LIMIT: '0.5',
      LOG_LEVEL: 'loud',
    };
    expect(problemsOf(env)).toEqual([
      'PORT: expected a port from 0 to 65535, got "65536"',
      'HOST: expected a host name or address without scheme or port, got "http://localhost"',
      'WORKERS: expected a whole number from 1 to 64, got "0"',
      'VALKEY_URL: expected valkey://host:port/db, valkey+cluster://host:port,host:port or valkey+sentinel://host:port,host:port/name, or valkeys for TLS',
      'FRESHET_CLOCK: expected one of wall, event, got "sun"',
      'FRESHET_KEY_PREFIX: must be 1 to 64 characters without braces, blanks or control characters, got "a{b}"',
      'FRESHET_SWEEP_SECONDS: expected seconds from 1 to 86400, or 0 for never, got "often"',
      'FRESHET_ACK: expected memory, fsync, replica or replica:n with n from 1 to 9, got "replica:0"',
      'FRESHET_DOCUMENTS: expected one of any, trusted, got "mine"',
      'FRESHET_CORS_ORIGINS: expected origins such as https://app.example.com, with a port unless it is the usual one, separated by commas, got "*"',
      'FRESHET_HOSTS: expected names such as freshet.example.com, without scheme or port, separated by commas, got "https://freshet.example.com"',
      'FRESHET_HSTS_SECONDS: expected a whole number from 0 to 63072000, got "1y"',
      'FRESHET_TRUSTED_PROXIES: expected addresses, or ranges such as 10.0.0.0/8, separated by commas, got "10.0.0.0/33"',
      'FRESHET_MAX_CONNECTIONS: expected a whole number from 1 to 1000000, got "0"',
      'FRESHET_RATE_LIMIT: expected a whole number from 1 to 1000000, got "0.5"',
      'LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
      'FRESHET_KEYPREFIX: is not a setting; known are FRESHET_DATA_DIR, FRESHET_CLOCK, FRESHET_KEY_PREFIX, FRESHET_SWEEP_SECONDS, FRESHET_ACK, FRESHET_DOCUMENTS, FRESHET_AUTH, FRESHET_API_KEYS, FRESHET_API_KEYS_FILE, FRESHET_INTROSPECTION, FRESHET_JWT_JWKS, FRESHET_JWT_ISSUER, FRESHET_JWT_AUDIENCE, FRESHET_JWT_ALGORITHMS, FRESHET_JWT_CLOCK_SKEW_SECONDS, FRESHET_CORS_ORIGINS, FRESHET_HOSTS, FRESHET_HSTS_SECONDS, FRESHET_TRUSTED_PROXIES, FRESHET_MAX_CONNECTIONS, FRESHET_CLIENT_CONNECTIONS, FRESHET_CLIENT_SUBSCRIPTIONS, FRESHET_RATE_LIMIT, FRESHET_COST_LIMIT',
    ]);
    expect(() => readConfig(env)).toThrow(/LOG_LEVEL[\s\S]*FRESHET_KEYPREFIX/);
  });

  it('takes no variable of our own npm scripts for a setting that is misspelt', () => {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
    const assigned = Object.values(scripts).flatMap((script) => [...script.matchAll(/\b([A-Z_]+)=(\S+)/g)]);
    expect(assigned.length).toBeGreaterThan(0);
    expect(problemsOf(Object.fromEntries(assigned.map(([, name, value]) => [name, value])))).toEqual([]);
  });

  it.each(['-1', '4000x', '1e3', '4 000'])('refuses %j as a port', (port) => {
    expect(problemsOf({ PORT: port })).toHaveLength(1);
  });

  it.each(['-1', '65', '2.5', '1e1', 'all', '002'])('refuses %j workers', (workers) => {
    expect(problemsOf({ WORKERS: workers })).toHaveLength(1);
  });

  it.each([
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://App.example.com',
    'null',
    'ftp://app.example.com',
    'https://user@app.example.com',
    'https://app.example.com,',
  ])('refuses %j as an origin: a browser would write it otherwise', (origins) => {
    expect(problemsOf({ FRESHET_CORS_ORIGINS: origins })).toHaveLength(1);
  });

  it('knows a sweep that never comes', () => {
    expect(readConfig({ FRESHET_SWEEP_SECONDS: '0' }).sweepMs).toBeNull();
  });

  it('knows what is promised of what it acknowledges', () => {
    const asked = { VALKEY_URL: 'valkey://store' };
    expect(readConfig({ FRESHET_ACK: 'fsync' }).acknowledge).toEqual({ kind: 'fsync' });
    expect(readConfig({ ...asked, FRESHET_ACK: 'replica' }).acknowledge).toEqual({ kind: 'replica', replicas: 1 });
    expect(problemsOf({ FRESHET_ACK: 'replica' })).toEqual([expect.stringMatching(/embedded Valkey has no replicas/)]);
    for (const FRESHET_ACK of ['disk', 'replica:', 'replica:10'])
      expect(problemsOf({ ...asked, FRESHET_ACK })).toHaveLength(1);
  });

  describe('of who may ask', () => {
    const keys = JSON.stringify({ keys: [{ name: 'a', sha256: '0'.repeat(64), scopes: ['admin'] }] });
    const jwt = {
      FRESHET_JWT_JWKS: '/etc/jwks.json',
      FRESHET_JWT_ISSUER: 'https://issuer.example',
      FRESHET_JWT_AUDIENCE: 'freshet',
    };

    it('takes keys from the environment, and tokens by the keys in a file', () => {
      expect(readConfig({ FRESHET_API_KEYS: keys, ...jwt }).access).toEqual({
        keys: { text: keys },
        issuer: {
          jwks: '/etc/jwks.json',
          issuer: 'https://issuer.example',
          audience: 'freshet',
          algorithms: ['RS256', 'ES256', 'EdDSA', 'Ed25519'],
          clockSkewSeconds: 0,
        },
      });
    });

    it.each<[Record<string, string>, RegExp]>([
      [{ FRESHET_API_KEYS: '{"keys":[{}]}' }, /^FRESHET_API_KEYS: the list: keys\[0\]: name must be/],
      [{ FRESHET_API_KEYS: keys, FRESHET_API_KEYS_FILE: 'x' }, /^FRESHET_API_KEYS: is given beside/],
      [{ FRESHET_AUTH: 'required' }, /^FRESHET_AUTH: expected one of none, got "required"$/],
      [{ FRESHET_AUTH: 'none', FRESHET_API_KEYS: keys }, /^FRESHET_AUTH: is none, and yet/],
      [{ FRESHET_AUTH: 'none', ...jwt }, /^FRESHET_AUTH: is none, and yet/],
      [{ ...jwt, FRESHET_JWT_ISSUER: '' }, /^FRESHET_JWT_ISSUER: is required/],
      [{ ...jwt, FRESHET_JWT_AUDIENCE: '' }, /^FRESHET_JWT_AUDIENCE: is required/],
      [{ FRESHET_JWT_AUDIENCE: 'freshet' }, /^FRESHET_JWT_AUDIENCE: FRESHET_JWT_JWKS is missing/],
      [{ ...jwt, FRESHET_JWT_JWKS: 'http://issuer.example/jwks' }, /FRESHET_JWT_JWKS: expected https:\/\//],
      [{ ...jwt, FRESHET_JWT_JWKS: 'http://127.0.0.1.example.com/' }, /FRESHET_JWT_JWKS: expected https:\/\//],
      [{ ...jwt, FRESHET_JWT_JWKS: 'file:///etc/jwks.json' }, /FRESHET_JWT_JWKS: expected https:\/\//],
      [{ ...jwt, FRESHET_JWT_ALGORITHMS: 'none' }, /FRESHET_JWT_ALGORITHMS: expected one of RS256, .*, got "none"$/],
      [{ ...jwt, FRESHET_JWT_ALGORITHMS: 'RS256,HS256' }, /FRESHET_JWT_ALGORITHMS: expected one of .*, got "HS256"$/],
      [{ ...jwt, FRESHET_JWT_CLOCK_SKEW_SECONDS: '301' }, /CLOCK_SKEW_SECONDS: expected whole seconds from 0 to 300/],
      [{ FRESHET_INTROSPECTION: 'yes' }, /^FRESHET_INTROSPECTION: expected one of on, off/],
    ])('refuses %j', (env, problem) => {
      expect(problemsOf(env).filter((one) => problem.test(one))).toHaveLength(1);
    });

    it.each(['http://127.0.0.1:8080/jwks', 'http://[::1]/jwks', 'https://issuer.example/jwks'])('takes %s', (url) => {
      expect(readConfig({ ...jwt, FRESHET_JWT_JWKS: url }).access?.issuer?.jwks).toEqual(new URL(url));
    });

    it('refuses to let others in whom nobody asks who they are, unless that is said aloud', () => {
      const open = { HOST: '0.0.0.0' };
      expect(problemsOf(open)).toEqual([
        expect.stringMatching(/^HOST: 0\.0\.0\.0 can be reached by others.*FRESHET_AUTH=none/),
      ]);
      expect(problemsOf({ ...open, FRESHET_AUTH: 'off' })).toHaveLength(2);
      expect(problemsOf({ ...open, FRESHET_AUTH: 'none' })).toEqual([]);
      expect(problemsOf({ ...open, FRESHET_API_KEYS_FILE: 'keys.json' })).toEqual([]);
      expect(problemsOf({ ...open, ...jwt })).toEqual([]);
      expect(problemsOf({ HOST: 'localhost', FRESHET_AUTH: 'none' })).toEqual([]);
    });

    it('tells the schema to anyone but in production, unless told otherwise', () => {
      expect(readConfig({ NODE_ENV: 'production', FRESHET_INTROSPECTION: 'on' }).introspection).toBe(true);
      expect(readConfig({ NODE_ENV: 'development', FRESHET_INTROSPECTION: 'off' }).introspection).toBe(false);
    });
  });

  it('knows which hosts only this machine can reach', () => {
    expect(['127.0.0.1', '127.1.2.3', 'localhost', '::1'].filter(isLoopback)).toHaveLength(4);
    expect(['0.0.0.0', '::', '10.0.0.1', 'api.example.com', '127.0.0.1.example.com'].filter(isLoopback)).toEqual([]);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'true' }, false],
    [{ OTEL_SERVICE_NAME: 'scoring' }, false],
  ])('with %o, has traces: %s', (env, traces) => {
    expect(readConfig(env as Record<string, string>).traces).toBe(traces);
  });

  it('says what would keep traces from being sent', () => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toEqual([
      expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT: expected the address'),
    ]);
    expect(
      problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    ).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_PROTOCOL: expected one of http/json')]);
  });
});
