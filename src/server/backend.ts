import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { View } from '../define/index.ts';
import { Engine, type Presence, UnavailableError, versionedName } from '../engine/index.ts';
import { Hub } from '../live/index.ts';
import {
  type Acknowledgement,
  assertSuitable,
  describeAddress,
  FunctionCaller,
  inMemory,
  isRefusal,
  type KeyspaceNews,
  openKeyspaceNews,
  openServers,
  type Servers,
  unavailableReason,
  type ValkeyAddress,
  type ValkeyServer,
} from '../valkey/index.ts';
import { type Health, lookAtStore, type StoreLook } from './health.ts';
import { currentRequestId, isFirstReport } from './request-id.ts';

export interface BackendOptions {
  readonly address: ValkeyAddress;
  readonly views: readonly View[];
  readonly keyPrefix: string;
  readonly clock: 'wall' | 'event';
  /** How often all that is watched is read though nothing was heard of it; null: never. */
  readonly sweepMs: number | null;
  /** What must have become of an event before it is acknowledged; default: it is in memory. */
  readonly acknowledge?: Acknowledgement;
  readonly log: Logger;
}

/** What requests are served from. */
export interface Backend {
  readonly engine: Engine;
  readonly hub: Hub;
}

interface OpenBackend extends Backend {
  readonly events: KeyspaceNews;
  readonly presence: Presence;
}

/** How a process stands to its store, as far as it knows without asking. */
export interface StoreConnection {
  readonly isConnected: boolean;
  /** Whether changes of what is watched are heard of. */
  readonly hearsChanges: boolean;
  /** How often the connection for commands was lost. */
  readonly losses: number;
}

const longestBackoffMs = 2_000; // 2 seconds

/** Engine and hub on one Valkey: opens them as soon as it can be reached, and knows how they are. */
export class BackendKeeper {
  readonly #options: BackendOptions;
  readonly #servers: Servers;
  readonly #closing = new AbortController();
  #open: OpenBackend | null = null;
  #losses = 0;
  #problem = 'Valkey has not been reached yet';
  #looking: Promise<StoreLook> | null = null;

  private constructor(options: BackendOptions) {
    this.#options = options;
    this.#servers = openServers(options.address);
  }

  /**
   * Tries once; while Valkey is away it goes on trying behind the scenes.
   * @param onFailure told when a later attempt meets what waiting does not mend.
   * @throws what waiting does not mend: definitions that do not fit the store, a wrong password, silent notifications.
   */
  static async start(options: BackendOptions, onFailure: (error: unknown) => void): Promise<BackendKeeper> {
    const keeper = new BackendKeeper(options);
    try {
      if (!(await keeper.#attempt())) keeper.#retry().catch(onFailure);
      return keeper;
    } catch (error) {
      keeper.close();
      throw error;
    }
  }

  /** @throws UnavailableError while there is none. */
  current(): Backend {
    if (!this.#open) throw new UnavailableError(this.#problem);
    return this.#open;
  }

  /** Calls the functions of a library of its own, also while there is no backend. */
  functions(code: string): FunctionCaller {
    return new FunctionCaller(this.#servers, code);
  }

  async health(): Promise<Health> {
    const { problems, warnings } = await this.look();
    return { ready: problems.length === 0, problems, warnings };
  }

  /** Looks at Valkey, for a bounded time, and once for all who ask meanwhile. */
  look(): Promise<StoreLook> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<StoreLook> {
    const open = this.#open;
    if (!open) return { problems: [this.#problem], warnings: [], reasons: [this.#problem], servers: [] };
    const look = await lookAtStore(this.#servers, this.#options.acknowledge ?? inMemory);
    const deaf = open.events.problem;
    const silence = deaf && look.problems.length === 0 ? [unavailableReason(deaf) ?? deaf.message] : [];
    const lost = open.engine.lostCompanions;
    const warnings = [
      ...look.warnings,
      ...(lost > 0 ? [lossWarning(lost)] : []),
      ...open.presence.unfed.map(unfedWarning),
    ];
    return { ...look, problems: [...look.problems, ...silence], reasons: [...look.reasons, ...silence], warnings };
  }

  get connection(): StoreConnection {
    const { all } = this.#servers;
    const isConnected = all.length > 0 && all.every(({ valkey }) => valkey.status === 'ready');
    return { isConnected, hearsChanges: this.#open?.events.problem === null, losses: this.#losses };
  }

  /** Ends every subscription; requests are served on. */
  endSubscriptions(): void {
    this.#open?.hub.close();
  }

  close(): void {
    this.#closing.abort();
    this.endSubscriptions();
    this.#open?.events.close();
    this.#open?.presence.end();
    this.#open = null;
    this.#problem = 'The server is shutting down';
    this.#servers.close();
  }

  async #retry(): Promise<void> {
    const { signal } = this.#closing;
    for (let backoffMs = 100; !signal.aborted; backoffMs = Math.min(2 * backoffMs, longestBackoffMs)) {
      await sleep(backoffMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || (await this.#attempt())) return;
    }
  }

  async #attempt(): Promise<boolean> {
    const { address, views, keyPrefix, clock, sweepMs, acknowledge = inMemory, log } = this.#options;
    const servers = this.#servers;
    try {
      await servers.ready();
      await Promise.all(servers.all.map((server) => assertSuitable(server, servers.isCluster, acknowledge)));
      const onFault = (fault: Error) => {
        if (isFirstReport(fault))
          log.error({ err: fault, requestId: currentRequestId() }, 'An event cannot be recorded');
      };
      const engine = await Engine.open({ servers, views, keyPrefix, clock, acknowledge, onFault });
      const events = await openKeyspaceNews(servers, address, keyPrefix);
      const presence = await engine.announce();
      if (this.#closing.signal.aborted) {
        events.close();
        presence.end();
        return false;
      }
      const onReadFailure = (error: unknown) =>
        error instanceof UnavailableError
          ? log.debug({ reason: error.message }, 'What is watched cannot be read; trying again')
          : log.error({ err: error }, 'What is watched cannot be read; trying again');
      this.#open = { engine, events, presence, hub: new Hub({ engine, events, sweepMs, onReadFailure }) };
    } catch (error) {
      const reason = error instanceof UnavailableError ? error.message : unavailableReason(error);
      const cause = error instanceof UnavailableError ? error.cause : error;
      if (reason === null) throw error;
      if (isRefusal(cause)) throw error instanceof UnavailableError ? error : new UnavailableError(reason, { cause });
      if (reason !== this.#problem) log.warn(`${describeAddress(address)}: ${reason}; trying again until it is there`);
      this.#problem = reason;
      return false;
    }
    log.info(`Connected to ${describeAddress(address)}`);
    this.#reportConnection();
    for (const warning of (await this.health()).warnings) log.warn(warning);
    return true;
  }

  #reportConnection(): void {
    const { log } = this.#options;
    const reported = new Set<ValkeyServer>();
    const report = (server: ValkeyServer) => {
      if (reported.has(server)) return;
      reported.add(server);
      const { valkey, name } = server;
      let lost = false;
      valkey.on('close', () => {
        if (!lost) this.#losses += 1;
        if (!lost && !this.#closing.signal.aborted && this.#servers.all.includes(server))
          log.warn(`Lost ${name}; trying again until it is back`);
        lost = true;
      });
      valkey.on('ready', () => {
        if (lost) log.info(`${name} is back`);
        lost = false;
      });
    };
    const reportAll = () => this.#servers.all.forEach(report);
    reportAll();
    this.#servers.onChange(({ slots }) => {
      log.info(
        `The cluster has changed: ${slots.size} slots have moved; its primaries are ${this.#servers.all.map(({ name }) => name).join(', ')}`,
      );
      reportAll();
    });
  }
}

function unfedWarning({ view, by }: Presence['unfed'][number]): string {
  return `process ${by.pid} on ${by.host}, which runs under the same key prefix, does not feed ${versionedName(view)}: what it records is not in it. Have it list that view too, or end it`;
}

function lossWarning(lost: number): string {
  return `${lost} times since the start, an entity's last-seen values were missing beside its log: evicted, or deleted by hand; its distinct counts are too low until they are seen again`;
}
