import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, isLoopback, readConfig } from '../src/config.ts';

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
      documents: 'any',
      guard: {
        corsOrigins: [],
        hstsSeconds: null,
        trustedProxies: [],
        maxConnections: null,
        clientConnections: null,
        clientSubscriptions: 20_000,
        requestsPerSecond: null,
        costPerSecond: null,
      },
      logLevel: 'info',
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
        FRESHET_KEY_PREFIX: 'team:fs',
        FRESHET_SWEEP_SECONDS: '2.5',
        FRESHET_DOCUMENTS: 'trusted',
        FRESHET_CORS_ORIGINS: 'https://app.example.com, http://localhost:3000',
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
      valkey: { host: 'store', port: 7000, tls: false, username: null, password: null, db: 2 },
      dataDir: '/var/lib/freshet',
      clock: 'event',
      keyPrefix: 'team:fs',
      sweepMs: 2_500,
      documents: 'trusted',
      guard: {
        corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
        hstsSeconds: 31_536_000,
        trustedProxies: ['10.0.0.0/8', '::1'],
        maxConnections: 5_000,
        clientConnections: 100,
        clientSubscriptions: 50,
        requestsPerSecond: 100,
        costPerSecond: 2_000,
      },
      logLevel: 'debug',
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
      FRESHET_DOCUMENTS: 'mine',
      FRESHET_CORS_ORIGINS: '*',
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
      'VALKEY_URL: expected valkey://host:port/db, or valkeys:// for TLS',
      'FRESHET_CLOCK: expected one of wall, event, got "sun"',
      'FRESHET_KEY_PREFIX: must be 1 to 64 characters without braces, blanks or control characters, got "a{b}"',
      'FRESHET_SWEEP_SECONDS: expected seconds from 1 to 86400, or 0 for never, got "often"',
      'FRESHET_DOCUMENTS: expected one of any, trusted, got "mine"',
      'FRESHET_CORS_ORIGINS: expected origins such as https://app.example.com, with a port unless it is the usual one, separated by commas, got "*"',
      'FRESHET_HSTS_SECONDS: expected a whole number from 0 to 63072000, got "1y"',
      'FRESHET_TRUSTED_PROXIES: expected addresses, or ranges such as 10.0.0.0/8, separated by commas, got "10.0.0.0/33"',
      'FRESHET_MAX_CONNECTIONS: expected a whole number from 1 to 1000000, got "0"',
      'FRESHET_RATE_LIMIT: expected a whole number from 1 to 1000000, got "0.5"',
      'LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
      'FRESHET_KEYPREFIX: is not a setting; known are FRESHET_DATA_DIR, FRESHET_CLOCK, FRESHET_KEY_PREFIX, FRESHET_SWEEP_SECONDS, FRESHET_DOCUMENTS, FRESHET_CORS_ORIGINS, FRESHET_HSTS_SECONDS, FRESHET_TRUSTED_PROXIES, FRESHET_MAX_CONNECTIONS, FRESHET_CLIENT_CONNECTIONS, FRESHET_CLIENT_SUBSCRIPTIONS, FRESHET_RATE_LIMIT, FRESHET_COST_LIMIT',
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

  it('knows which hosts only this machine can reach', () => {
    expect(['127.0.0.1', '127.1.2.3', 'localhost', '::1'].filter(isLoopback)).toHaveLength(4);
    expect(['0.0.0.0', '::', '10.0.0.1', 'api.example.com', '127.0.0.1.example.com'].filter(isLoopback)).toEqual([]);
  });
});
