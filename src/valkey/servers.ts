import type { Redis } from 'iovalkey';
import { leave } from './connect.ts';
import { patienceOf } from './patience.ts';
import { crowdedReason } from './unavailable.ts';

/** A server that takes writes, and our connection to it. */
export interface ValkeyServer {
  readonly valkey: Redis;
  /** For people: where it is. */
  readonly name: string;
}

/** Told of keys that have come to another server. */
export interface Removals {
  /** By their slots. */
  readonly slots: ReadonlySet<number>;
}

/**
 * Where keys live: on one server, or on the primaries of a cluster, each of which has some of the slots that keys fall into. Whoever
 * asks for a key asks here, and is led to whoever has it now.
 */
export interface Servers {
  /** Whether keys of different slots may be on different servers, so that one call cannot have both. */
  readonly isCluster: boolean;
  /** For how long an answer is waited for, and it is tried again what may pass. */
  readonly patienceMs: number;
  /** All that are known; of a cluster none before it was first reached. */
  readonly all: readonly ValkeyServer[];
  /** Resolves once it is known who has what. Rejects as a command does. */
  ready(): Promise<void>;
  /** The slot that a key falls into; 0 where there are none. */
  slotOf(key: string): number;
  /** Who has a key now, as far as is known; null: nobody is known. */
  find(key: string): ValkeyServer | null;
  /**
   * Does some work where a key is, and again where that turns out to be elsewhere, for a bounded time: the work must be safe to be done
   * twice.
   * @throws what the work last failed with.
   */
  ask<T>(key: string, work: (server: ValkeyServer) => Promise<T>): Promise<T>;
  /** Has this one told whenever servers come or go, or slots go from one to another. It cannot be stopped. */
  onChange(listener: (removals: Removals) => void): void;
  /** Ends all connections. */
  close(): void;
}

/** So many calls may be under way: more are made of a server that does not answer. */
const mostUnderWay = 10_000;

/** One server, whatever the key; be it the only one, or whoever is the primary behind sentinels. */
export class SingleServer implements Servers {
  readonly isCluster = false;
  readonly patienceMs: number;
  readonly all: readonly [ValkeyServer];
  #underWay = 0;

  constructor(valkey: Redis, name = 'Valkey') {
    this.patienceMs = patienceOf(valkey);
    this.all = [{ valkey, name }];
  }

  async ready(): Promise<void> {}

  slotOf(): number {
    return 0;
  }

  find(): ValkeyServer {
    return this.all[0];
  }

  async ask<T>(_key: string, work: (server: ValkeyServer) => Promise<T>): Promise<T> {
    if (this.#underWay >= mostUnderWay) throw new Error(crowdedReason);
    this.#underWay += 1;
    try {
      return await work(this.all[0]);
    } finally {
      this.#underWay -= 1;
    }
  }

  onChange(): void {}

  close(): void {
    leave(this.all[0].valkey);
  }
}
