import { setTimeout as sleep } from 'node:timers/promises';
import calculateSlot from 'cluster-key-slot';
import type { Redis } from 'iovalkey';
import type { ClusterAddress, Endpoint } from '../address.ts';
import { type ConnectionLimits, connect, leave } from '../connect.ts';
import { defaultPatienceMs } from '../patience.ts';
import type { Removals, Servers, ValkeyServer } from '../servers.ts';
import { UnsuitableValkeyError } from '../suitability.ts';
import { isRefusal, unavailableReason } from '../unavailable.ts';
import { isMoved, isPassing } from './redirection.ts';
import { readSlotMap, type SlotMap, slotCount } from './slot-map.ts';

/** How often nodes are asked who has what, though nothing says that it has changed. */
const pollMs = 1_000; // 1 second
/** So many may wait for the cluster to settle: more fail at once. */
const mostWaiting = 1_000;
/** So many nodes are asked for the map: the newest of their answers counts. */
const nodesAsked = 5;
/** So many maps in a row that are older than ours are not what somebody has not heard yet. */
const mostOlder = 5;
/** A node that does not answer is not to hold up what another has told. */
const othersMs = 100;
const shortestBackoffMs = 20;
const longestBackoffMs = 250;

/** The primaries of a Valkey cluster, each with a connection of its own, and which slots each has. */
export class ClusterServers implements Servers {
  readonly isCluster = true;
  readonly patienceMs: number;
  readonly #address: ClusterAddress;
  readonly #limits: ConnectionLimits;
  readonly #servers = new Map<string, ValkeyServer>();
  readonly #owners = new Array<ValkeyServer | null>(slotCount).fill(null);
  readonly #listeners = new Set<(removals: Removals) => void>();
  #epoch = -1;
  /** How often in a row the newest map was older than ours. */
  #older = 0;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #waiting = 0;
  #closed = false;

  constructor(address: ClusterAddress, limits: ConnectionLimits = {}) {
    this.#address = address;
    this.#limits = limits;
    this.patienceMs = limits.commandTimeoutMs ?? defaultPatienceMs;
  }

  get all(): readonly ValkeyServer[] {
    return [...this.#servers.values()];
  }

  async ready(): Promise<void> {
    await this.#look();
    this.#poll(pollMs);
  }

  slotOf(key: string): number {
    return calculateSlot(key);
  }

  find(key: string): ValkeyServer | null {
    return this.#owners[this.slotOf(key)] ?? null;
  }

  async ask<T>(key: string, work: (server: ValkeyServer) => Promise<T>): Promise<T> {
    const slot = this.slotOf(key);
    try {
      return await work(this.#ownerOf(slot));
    } catch (error) {
      if (!isPassing(error)) throw error;
      return this.#askAgain(slot, work, error);
    }
  }

  onChange(listener: (removals: Removals) => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { valkey } of this.all) leave(valkey);
    this.#servers.clear();
    this.#owners.fill(null);
  }

  #ownerOf(slot: number): ValkeyServer {
    const owner = this.#owners[slot];
    if (!owner) throw new Error('CLUSTERDOWN no primary is known that has this key');
    return owner;
  }

  async #askAgain<T>(slot: number, work: (server: ValkeyServer) => Promise<T>, first: unknown): Promise<T> {
    if (this.#waiting >= mostWaiting) throw first;
    this.#waiting += 1;
    try {
      const until = performance.now() + this.patienceMs;
      let error = first;
      for (let backoffMs = isMoved(first) ? 0 : shortestBackoffMs; !this.#closed; ) {
        if (performance.now() + backoffMs > until) throw error;
        await sleep(backoffMs);
        backoffMs = Math.min(Math.max(2 * backoffMs, shortestBackoffMs), longestBackoffMs);
        try {
          await this.#look();
          return await work(this.#ownerOf(slot));
        } catch (again) {
          if (!isPassing(again)) throw again;
          error = again;
        }
      }
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }

  #poll(afterMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Whoever asks for a key is told of what goes wrong here.
      void this.#look()
        .catch(() => {})
        .finally(() => this.#poll(pollMs));
    }, afterMs).unref();
  }

  /** Learns who has what, once for all who want to know meanwhile. */
  #look(): Promise<void> {
    this.#looking ??= this.#learn().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #learn(): Promise<void> {
    const known = draw(this.all, nodesAsked).map(({ valkey }) => askForMap(valkey, endpointOf(valkey)));
    let { map } = await newest(known);
    // Those that were named at first may know more than those that are left of what was known.
    if (!map || map.epoch < this.#epoch) {
      const asked = await newest(this.#address.seeds.map((seed) => this.#askSeed(seed)));
      if (!map && !asked.map) throw gravest(asked.errors);
      map = asked.map ?? map;
    }
    if (this.#closed) throw new Error('Connection is closed.');
    if (!map) return;
    // Some node may not have heard yet of what another has told us of; but a cluster may also have been set up anew.
    this.#older = map.epoch < this.#epoch ? this.#older + 1 : 0;
    if (this.#older === 0 || this.#older > mostOlder) this.#take(map);
  }

  async #askSeed(seed: Endpoint): Promise<SlotMap> {
    const valkey = this.#connect(seed);
    try {
      return await askForMap(valkey, seed);
    } finally {
      leave(valkey);
    }
  }

  #take({ owners, primaries, epoch }: SlotMap): void {
    this.#epoch = epoch;
    const isNew = [...primaries.keys()].some((name) => !this.#servers.has(name));
    for (const [name, endpoint] of primaries) {
      if (!this.#servers.has(name)) this.#servers.set(name, this.#serverAt(name, endpoint));
    }
    const slots = new Set<number>();
    for (const [slot, name] of owners.entries()) {
      const owner = name === null ? null : (this.#servers.get(name) as ValkeyServer);
      if (this.#owners[slot] === owner) continue;
      this.#owners[slot] = owner;
      slots.add(slot);
    }
    const gone = this.all.filter(({ name }) => !primaries.has(name));
    for (const { name } of gone) this.#servers.delete(name);
    if (isNew || slots.size > 0 || gone.length > 0) for (const listener of this.#listeners) listener({ slots });
    // What is under way on them is asked again, of others.
    for (const { valkey } of gone) leave(valkey);
  }

  #serverAt(name: string, endpoint: Endpoint): ValkeyServer {
    const valkey = this.#connect(endpoint);
    valkey.on('close', () => {
      if (this.#servers.get(name)?.valkey === valkey) this.#poll(shortestBackoffMs);
    });
    return { valkey, name };
  }

  #connect({ host, port }: Endpoint): Redis {
    const { tls, username, password } = this.#address;
    return connect({ kind: 'single', host, port, tls, username, password, db: 0 }, this.#limits);
  }
}

async function askForMap(valkey: Redis, asked: Endpoint): Promise<SlotMap> {
  const [info, slots] = await Promise.all([valkey.cluster('INFO'), valkey.cluster('SLOTS')]);
  return readSlotMap(info, slots, asked);
}

function endpointOf({ options }: Redis): Endpoint {
  return { host: options.host as string, port: options.port as number };
}

/**
 * Of the answers that come, the newest, and why there were no others; null if there is none. As soon as one has come, the others are
 * waited for only briefly.
 */
async function newest(asked: readonly Promise<SlotMap>[]): Promise<{ map: SlotMap | null; errors: readonly Error[] }> {
  const maps: SlotMap[] = [];
  const errors: Error[] = [];
  const all = asked.map((one) =>
    one.then(
      (map) => void maps.push(map),
      (error: Error) => void errors.push(error),
    ),
  );
  await Promise.race([
    Promise.all(all),
    Promise.any(asked).then(
      () => sleep(othersMs, undefined, { ref: false }),
      () => {},
    ),
  ]);
  const map = maps.reduce<SlotMap | null>((best, one) => (best && best.epoch >= one.epoch ? best : one), null);
  return { map, errors };
}

/** What tells most of why there is no answer: what waiting does not mend, else that there is none. */
function gravest(errors: readonly Error[]): Error {
  if (errors.some(({ message }) => /cluster support disabled/.test(message))) {
    return new UnsuitableValkeyError('what VALKEY_URL names is no node of a cluster: set it to valkey://host:port/db');
  }
  const lasting = errors.find((error) => isRefusal(error) || unavailableReason(error) === null);
  return lasting ?? errors[0] ?? new Error('CLUSTERDOWN no node of the cluster is known');
}

/** Some of them, others each time. */
function draw<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  const from = Math.floor(Math.random() * all.length);
  return Array.from({ length: most }, (_, i) => all[(from + i) % all.length] as T);
}
