import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'iovalkey';
import type { Logger } from 'pino';
import type { View } from '../define/index.ts';
import { Engine, UnavailableError } from '../engine/index.ts';
import { Hub } from '../live/index.ts';
import {
  connect,
  connectSubscriber,
  describeAddress,
  FunctionCaller,
  isRefusal,
  KeyspaceEvents,
  unavailableReason,
  type ValkeyAddress,
} from '../valkey/index.ts';
import type { Backend } from './graphql/pipeline.ts';
import { type Health, valkeyHealth } from './health.ts';
import { currentRequestId, isFirstReport } from './request-id.ts';

export interface BackendOptions {
  readonly address: ValkeyAddress;
  readonly views: readonly View[];
  readonly keyPrefix: string;
  readonly clock: 'wall' | 'event';
  /** How often all that is watched is read though nothing was heard of it; null: never. */
  readonly sweepMs: number | null;
  readonly log: Logger;
}

interface OpenBackend extends Backend {
  readonly events: KeyspaceEvents;
}

const longestBackoffMs = 2_000; // 2 seconds

/** Engine and hub on one Valkey: opens them as soon as it can be reached, and knows how they are. */
export class BackendKeeper {
  readonly #options: BackendOptions;
  readonly #valkey: Redis;
  readonly #closing = new AbortController();
  #open: OpenBackend | null = null;
  #problem = 'Valkey has not been reached yet';

  private constructor(options: BackendOptions) {
    this.#options = options;
    this.#valkey = connect(options.address);
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
    return new FunctionCaller(this.#valkey, code);
  }

  async health(): Promise<Health> {
    if (!this.#open) return { ready: false, problems: [this.#problem], warnings: [] };
    const { problems, warnings } = await valkeyHealth(this.#valkey);
    const deaf = this.#open.events.problem;
    const all = deaf && problems.length === 0 ? [unavailableReason(deaf) ?? deaf.message] : problems;
    const lost = this.#open.engine.lostCompanions;
    return { ready: all.length === 0, problems: all, warnings: lost > 0 ? [...warnings, lossWarning(lost)] : warnings };
  }

  /** Ends every subscription; requests are served on. */
  endSubscriptions(): void {
    this.#open?.hub.close();
  }

  close(): void {
    this.#closing.abort();
    this.endSubscriptions();
    this.#open?.events.close();
    this.#open = null;
    this.#problem = 'The server is shutting down';
    this.#valkey.disconnect();
  }

  async #retry(): Promise<void> {
    const { signal } = this.#closing;
    for (let backoffMs = 100; !signal.aborted; backoffMs = Math.min(2 * backoffMs, longestBackoffMs)) {
      await sleep(backoffMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || (await this.#attempt())) return;
    }
  }

  async #attempt(): Promise<boolean> {
    const { address, views, keyPrefix, clock, sweepMs, log } = this.#options;
    try {
      const onFault = (fault: Error) => {
        if (isFirstReport(fault))
          log.error({ err: fault, requestId: currentRequestId() }, 'An event cannot be recorded');
      };
      const engine = await Engine.open({ valkey: this.#valkey, views, keyPrefix, clock, onFault });
      const events = await KeyspaceEvents.open({
        valkey: this.#valkey,
        subscriber: connectSubscriber(address),
        keyPrefix,
      });
      if (this.#closing.signal.aborted) {
        events.close();
        return false;
      }
      const onReadFailure = (error: unknown) =>
        error instanceof UnavailableError
          ? log.debug({ reason: error.message }, 'What is watched cannot be read; trying again')
          : log.error({ err: error }, 'What is watched cannot be read; trying again');
      this.#open = { engine, events, hub: new Hub({ engine, events, sweepMs, onReadFailure }) };
    } catch (error) {
      const reason = error instanceof UnavailableError ? error.message : unavailableReason(error);
      const cause = error instanceof UnavailableError ? error.cause : error;
      if (reason === null || isRefusal(cause)) throw error;
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
    const { address, log } = this.#options;
    let lost = false;
    this.#valkey.on('close', () => {
      if (!lost && !this.#closing.signal.aborted)
        log.warn(`Lost ${describeAddress(address)}; trying again until it is back`);
      lost = true;
    });
    this.#valkey.on('ready', () => {
      if (lost) log.info(`${describeAddress(address)} is back`);
      lost = false;
    });
  }
}

function lossWarning(lost: number): string {
  return `${lost} times since the start, an entity's last-seen values were missing beside its log: evicted, or deleted by hand; its distinct counts are too low until they are seen again`;
}
