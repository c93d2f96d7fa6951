import { randomBytes } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { afterAll, inject } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { type Clock, Engine, type EngineOptions } from '../../src/engine/index.ts';
import { writeLibrary } from '../../src/engine/library.ts';
import { planView } from '../../src/engine/plan.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';

/** Where numbers stand in the header of a log, in bytes (see lua/call.lua). */
const headerAt = { revision: 8, asOf: 16, expiresAt: 56 } as const;

const prefixLength = 'test:'.length + 12;
/** A slow machine is no failure. */
const commandTimeoutMs = 20_000;

type Limits = Pick<EngineOptions, 'microsPerCall' | 'singles' | 'values' | 'rehearses'>;

/** Room of one's own on the shared Valkey: fresh prefixes, and nothing left behind. */
export class Scratch {
  readonly valkey: Redis;
  /** The same, as engines take it. */
  readonly servers: SingleServer;
  readonly #prefixes = new Set<string>();
  #opened = 0;
  #lent = 0;

  constructor(valkeyUrl = inject('valkeyUrl')) {
    this.valkey = connect(singleAddress(valkeyUrl), { commandTimeoutMs });
    this.servers = new SingleServer(this.valkey);
  }

  /** A prefix that nobody has used. */
  prefix(): string {
    const prefix = `test:${randomBytes(6).toString('hex')}`; // of `prefixLength`
    this.#prefixes.add(prefix);
    return prefix;
  }

  /** Opens an engine, under a prefix of its own unless told otherwise. */
  open(
    views: readonly View[],
    clock: Clock,
    keyPrefix = this.prefix(),
    valkey = this.valkey,
    limits: Limits = {},
  ): Promise<Engine> {
    // Every other engine has the store do it all: whatever holds, holds either way.
    this.#opened += 1;
    return Engine.open({
      servers: new SingleServer(valkey),
      views,
      keyPrefix,
      clock,
      rehearses: this.#opened % 2 === 1,
      ...limits,
    });
  }

  /** Lends an engine of random views, and removes all that it stored and loaded. */
  async lend(
    views: readonly View[],
    clock: Clock,
    use: (engine: Engine) => Promise<void>,
    limits: Limits = {},
  ): Promise<void> {
    const keyPrefix = this.prefix();
    // Every fourth rehearses: to compile the text of views that are used once takes longer than the rest.
    this.#lent += 1;
    const rehearses = this.#lent % 4 === 1;
    try {
      await use(await this.open(views, clock, keyPrefix, this.valkey, { rehearses, ...limits }));
    } finally {
      await this.#remove(keyPrefix);
      await this.unload(views);
    }
  }

  /** Makes Valkey forget the functions of these views, as a restart, a failover or FUNCTION FLUSH does. */
  async unload(views: readonly View[]): Promise<void> {
    await this.valkey.call('FUNCTION', 'DELETE', writeLibrary(views.map(planView)).name).catch(() => {});
  }

  /** The store's now. */
  async now(): Promise<number> {
    const [seconds, micros] = await this.valkey.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  /** Overwrites a number in the header of a log. */
  async setHeader(log: string, field: keyof typeof headerAt, value: number): Promise<void> {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    await this.valkey.setrange(log, headerAt[field], bytes);
  }

  /** All keys under a prefix but its registry. */
  async keys(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const keys of this.valkey.scanStream({ match: `${prefix}:*`, count: 1000 })) found.push(...keys);
    return found.filter((key) => key !== `${prefix}:registry`).sort();
  }

  /** All that is stored under a prefix, to the byte, and until when. */
  async stored(prefix: string): Promise<{ [key: string]: string }> {
    const dumps = (await this.keys(prefix)).map(async (key) => {
      const [bytes, expiry] = await Promise.all([this.valkey.dumpBuffer(key), this.valkey.call('PEXPIRETIME', key)]);
      return [key, `${bytes.toString('base64')} until ${expiry}`];
    });
    return Object.fromEntries(await Promise.all(dumps));
  }

  /** Saves all that is stored under a prefix, loses it, and loads it again. */
  async reload(prefix: string): Promise<void> {
    for (const key of await this.keys(prefix)) {
      const [bytes, expiry] = await Promise.all([this.valkey.dumpBuffer(key), this.valkey.call('PEXPIRETIME', key)]);
      if (!bytes) continue; // it has expired
      await this.valkey.unlink(key);
      await this.valkey.call('RESTORE', key, Math.max(0, Number(expiry)), bytes, 'ABSTTL');
    }
  }

  async #remove(prefix: string): Promise<void> {
    await this.valkey.unlink(`${prefix}:registry`, ...(await this.keys(prefix)));
    this.#prefixes.delete(prefix);
  }

  /** Removes what is left under its prefixes: in one pass, for there may be thousands. */
  async close(): Promise<void> {
    for await (const keys of this.valkey.scanStream({ match: 'test:*', count: 10_000 })) {
      const own = (keys as string[]).filter((key) => this.#prefixes.has(key.slice(0, prefixLength)));
      if (own.length > 0) await this.valkey.unlink(...own);
    }
    await this.valkey.quit();
  }
}

/** A scratch for a test file, closed at its end. */
export function useScratch(): Scratch {
  const scratch = new Scratch();
  afterAll(() => scratch.close());
  return scratch;
}
