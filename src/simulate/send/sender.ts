import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../define/index.ts';
import { type Endpoint, EndpointError } from './endpoint.ts';
import { addTo, emptyTally, type NotTaken, type Recordable, record, type Tally } from './record.ts';

export interface SenderOptions {
  /** How many batches may be under way at a time; default 4. With 1 they are recorded in the order in which they are sent. */
  readonly mostUnderWay?: number;
  /** Gives up what is under way. */
  readonly signal?: AbortSignal;
  /** Told each time that something has to be sent again, with why. */
  readonly onTrouble?: (reason: string) => void;
}

const firstWaitMs: Milliseconds = 100;
const longestWaitMs: Milliseconds = 5_000; // 5 seconds
const mostAttempts = 10; // half a minute, if each fails at once

/**
 * Sends batches of events to an endpoint, a bounded number at a time. What it does not take because it is away or overloaded
 * is sent again, with the same ids, after waits that double from 0.1 s to 5 s; after ten attempts it is given up, and counted.
 */
export class Sender {
  /** What became of all events that are no longer under way. Those that were given up, or not answered, are unavailable. */
  readonly tally: Tally = emptyTally();
  /** Why the last event that was rejected was. */
  lastRejection: string | null = null;
  readonly #endpoint: Endpoint;
  readonly #mostUnderWay: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onTrouble: (reason: string) => void;
  readonly #underWay = new Set<Promise<void>>();
  #failure: unknown = null;

  constructor(endpoint: Endpoint, options: SenderOptions = {}) {
    this.#endpoint = endpoint;
    this.#mostUnderWay = options.mostUnderWay ?? 4;
    this.#signal = options.signal;
    this.#onTrouble = options.onTrouble ?? (() => {});
  }

  /**
   * Waits until another batch may be sent.
   * @throws EndpointError that does not pass, of a batch that was sent before.
   */
  async room(): Promise<void> {
    while (this.#underWay.size >= this.#mostUnderWay) await Promise.race(this.#underWay);
    this.#check();
  }

  /** Sends a batch of at most 1,000, for which there is room, and returns at once. */
  send(batch: readonly Recordable[]): void {
    const sending = this.#persist(batch)
      .catch((error: unknown) => {
        this.tally.unavailable += batch.length;
        this.#failure ??= error;
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  /**
   * Waits until nothing is under way.
   * @throws EndpointError that does not pass.
   */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    this.#check();
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async #persist(batch: readonly Recordable[]): Promise<void> {
    let left = batch;
    for (let attempt = 1; ; attempt++) {
      const { tally, missing, reason } = await this.#attempt(left);
      addTo(this.tally, tally);
      if (missing.length === 0) return;
      left = missing;
      if (attempt === mostAttempts || this.#signal?.aborted) break;
      this.#onTrouble(reason);
      // An abort ends the wait, and then the attempts.
      await sleep(waitMs(attempt), undefined, this.#signal && { signal: this.#signal }).catch(() => {});
      if (this.#signal?.aborted) break;
    }
    this.tally.unavailable += left.length;
  }

  /** Sends once; `missing` are those to be sent again. */
  async #attempt(
    batch: readonly Recordable[],
  ): Promise<{ tally: Tally; missing: readonly Recordable[]; reason: string }> {
    try {
      const { results, ...tally } = await record(this.#endpoint, batch, this.#signal);
      const of = (status: NotTaken['status']) => results.filter((one) => one.status === status);
      this.lastRejection = of('REJECTED').at(-1)?.reason ?? this.lastRejection;
      const unavailable = of('UNAVAILABLE');
      return {
        tally: { ...tally, unavailable: 0 },
        missing: unavailable.map(({ index }) => batch[index] as Recordable),
        reason: unavailable[0]?.reason ?? '',
      };
    } catch (error) {
      if (!(error instanceof EndpointError && error.isPassing)) throw error;
      return { tally: emptyTally(), missing: batch, reason: error.message };
    }
  }
}

function waitMs(attempt: number): Milliseconds {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
}
