import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from './api.ts';

export interface InsistentLoadOptions {
  /** How many batches are under way at a time; default 6. */
  readonly width?: number;
  readonly eventsABatch?: number;
  readonly users: readonly string[];
  readonly merchants: readonly string[];
  /** Where batches go: another API each time it is asked, if that is wanted. */
  readonly api: () => ApiClient;
}

interface Sent {
  readonly transactionId: string;
  readonly userId: string;
  readonly merchantId: string;
  readonly amount: number;
}

interface Answered {
  readonly recordTransactions: {
    readonly results: readonly { readonly status: string; readonly reason: string | null }[];
  };
}

const mutation =
  'mutation Insist($input: [TransactionInput!]!) { recordTransactions(input: $input) { results { status reason } } }';

/**
 * Records events as a careful ingestion service does: whatever is not acknowledged is sent again with the same id until it is. So each
 * event that it ever sent is acknowledged in the end, and must be there exactly once.
 */
export class InsistentLoad {
  readonly #options: Required<Omit<InsistentLoadOptions, 'eventsABatch'>>;
  /** Of batches to come. */
  eventsABatch: number;
  readonly #workers: Promise<void>[] = [];
  readonly #counts = new Map<string, number>();
  #ending = false;
  /** Events that were acknowledged, the first time that they were. */
  acknowledged = 0;
  /** Those among them that were known already: an answer was lost, not the event. */
  known = 0;
  /** Batches and events that had to be sent again. */
  retries = 0;
  /** When an event of a user or merchant was acknowledged last, by `performance.now()`; and the longest that none was. */
  readonly lastAt = new Map<string, number>();
  readonly longestMs = new Map<string, number>();
  readonly reasons = new Map<string, number>();

  constructor({ width = 6, eventsABatch = 5, ...options }: InsistentLoadOptions) {
    this.#options = { width, ...options };
    this.eventsABatch = eventsABatch;
    for (let i = 0; i < width; i++) this.#workers.push(this.#work());
  }

  /** Sends nothing new, and waits until all that was sent is acknowledged. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#workers);
  }

  /** How many events of a user or merchant were acknowledged: after `end`, how many there must be. */
  countOf(id: string): number {
    return this.#counts.get(id) ?? 0;
  }

  /** Prints what it saw. */
  tell(what: string, more: object = {}): void {
    const { acknowledged, known, retries } = this;
    const longestWithoutMs = Math.round(Math.max(...this.longestMs.values()));
    process.stdout.write(`${what}: ${JSON.stringify({ acknowledged, known, retries, longestWithoutMs, ...more })}\n`);
  }

  async #work(): Promise<void> {
    while (!this.#ending) await this.#insist(this.#draw());
  }

  #draw(): Sent[] {
    const { users, merchants } = this.#options;
    const one = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)] as T;
    return Array.from({ length: this.eventsABatch }, () => ({
      transactionId: randomUUID(),
      userId: one(users),
      merchantId: one(merchants),
      amount: 1,
    }));
  }

  async #insist(events: readonly Sent[]): Promise<void> {
    for (let left = events; left.length > 0; ) {
      const statuses = await this.#send(left);
      const open: Sent[] = [];
      for (const [i, event] of left.entries()) {
        const status = statuses[i];
        if (status === 'RECORDED' || status === 'DUPLICATE') this.#take(event, status);
        else open.push(event);
      }
      if (open.length > 0) {
        this.retries += 1;
        await sleep(20 + 30 * Math.random());
      }
      left = open;
    }
  }

  /** Of each event what became of it; nothing where there was no answer. */
  async #send(input: readonly Sent[]): Promise<readonly (string | undefined)[]> {
    try {
      const { data, errors } = await this.#options.api().ask<Answered>(mutation, { input });
      for (const { message } of errors ?? []) this.#note(message);
      return (data?.recordTransactions.results ?? []).map(({ status, reason }) => {
        if (status !== 'RECORDED' && status !== 'DUPLICATE') this.#note(`${status}: ${reason}`);
        return status;
      });
    } catch (error) {
      this.#note((error as Error).message);
      return [];
    }
  }

  #note(reason: string): void {
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  #take({ userId, merchantId }: Sent, status: 'RECORDED' | 'DUPLICATE'): void {
    const now = performance.now();
    this.acknowledged += 1;
    if (status === 'DUPLICATE') this.known += 1;
    for (const id of [userId, merchantId]) {
      this.#counts.set(id, this.countOf(id) + 1);
      const before = this.lastAt.get(id);
      if (before !== undefined) this.longestMs.set(id, Math.max(this.longestMs.get(id) ?? 0, now - before));
      this.lastAt.set(id, now);
    }
  }
}
