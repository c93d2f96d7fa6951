import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../define/index.ts';
import type { TransactionStream } from '../stream.ts';
import type { Transaction } from '../transaction.ts';
import { largestBatch, type Recordable } from './record.ts';
import type { Sender } from './sender.ts';

export interface LiveOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** How far it may fall behind before it leaves events out; default 10 s. */
  readonly mostBehindMs?: Milliseconds;
}

/** How often it looks what is due: at 1,000 events a batch, enough for 20,000 a second. */
const tickMs: Milliseconds = 50;

/**
 * Sends the events of a stream that runs by the wall clock when they occur: those of one look in a batch. If the API is
 * slower than the stream, it falls behind and sends what has gathered in batches of a thousand, until it has caught up; more
 * than `mostBehindMs` behind, it leaves out what is due, and counts it.
 */
export class Live {
  /** How many events were handed to the sender. */
  sent = 0;
  /** How many were left out, because the API took too long. */
  skipped = 0;
  readonly #stream: TransactionStream;
  readonly #sender: Sender;
  readonly #signal: AbortSignal;
  readonly #mostBehindMs: Milliseconds;

  constructor(stream: TransactionStream, sender: Sender, { signal, mostBehindMs = 10_000 }: LiveOptions) {
    this.#stream = stream;
    this.#sender = sender;
    this.#signal = signal;
    this.#mostBehindMs = mostBehindMs;
  }

  /** How far the newest event that was sent is from now; 0 while it keeps up. */
  get behindMs(): Milliseconds {
    const behind = Date.now() - this.#stream.knownMs;
    return behind > 20 * tickMs ? behind : 0;
  }

  /**
   * Sends until the signal ends it. What is under way then is left to the sender.
   * @throws EndpointError that does not pass.
   */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#sender.room();
      if (this.#signal.aborted) return;
      const now = Date.now();
      if (now - this.#stream.knownMs > this.#mostBehindMs) this.#skipTo(now);
      const batch = this.#take(now);
      if (batch.length > 0) this.#sender.send(batch);
      this.sent += batch.length;
      await this.#tick();
    }
  }

  #skipTo(now: Milliseconds): void {
    for (const _ of this.#stream.upTo(now)) this.skipped++;
  }

  #take(now: Milliseconds): Recordable[] {
    const batch: Recordable[] = [];
    for (const transaction of this.#stream.upTo(now)) {
      batch.push(unlabelled(transaction));
      if (batch.length === largestBatch) break;
    }
    return batch;
  }

  async #tick(): Promise<void> {
    await sleep(tickMs, undefined, { signal: this.#signal }).catch(() => {});
  }
}

/** Of what just happened, nobody knows yet whether it is fraud. */
function unlabelled(transaction: Transaction): Recordable {
  return { ...transaction, fraud: null };
}
