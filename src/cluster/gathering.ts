import type { ToWorker } from './messages.ts';

/** A worker that can be asked for its part. */
export interface Member {
  readonly serves: boolean;
  tell(message: ToWorker): void;
}

/**
 * Asks all workers each second what they did, while any of them has somebody who watches that, and passes it on to these. Who
 * answers late is left out of that second, and in the next one with both. Nobody watching, no timer runs and nobody is asked.
 */
export class Gathering {
  readonly #members: readonly Member[];
  readonly #everyMs: number;
  readonly #watching = new Set<Member>();
  readonly #asked = new Set<Member>();
  #parts: unknown[] = [];
  #askedAt = 0;
  #seconds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(members: readonly Member[], everyMs = 1_000) {
    this.#members = members;
    this.#everyMs = everyMs;
  }

  /** Somebody watches at a worker, or nobody does any more. */
  watch(member: Member, on: boolean): void {
    if (!on) this.#unwatch(member);
    else if (this.#watching.size === 0) this.#begin(member);
    else this.#watching.add(member);
  }

  /** A worker's answer. */
  take(member: Member, part: unknown): void {
    if (!this.#asked.delete(member)) return;
    this.#parts.push(part);
    if (this.#asked.size === 0) this.#passOn();
  }

  /** A worker has ended. */
  leave(member: Member): void {
    this.#unwatch(member);
    if (this.#asked.delete(member) && this.#asked.size === 0) this.#passOn();
  }

  #begin(member: Member): void {
    this.#watching.add(member);
    for (const each of this.#members) if (each.serves) each.tell({ say: 'forget activity' });
    this.#askedAt = performance.now();
    this.#timer = setInterval(() => this.#ask(), this.#everyMs);
  }

  #unwatch(member: Member): void {
    if (!this.#watching.delete(member) || this.#watching.size > 0) return;
    clearInterval(this.#timer);
    this.#asked.clear();
    this.#parts = [];
  }

  #ask(): void {
    if (this.#parts.length > 0) this.#passOn();
    const now = performance.now();
    this.#seconds = (now - this.#askedAt) / 1_000;
    this.#askedAt = now;
    for (const member of this.#members) {
      if (!member.serves || this.#asked.has(member)) continue;
      this.#asked.add(member);
      member.tell({ say: 'give activity' });
    }
  }

  #passOn(): void {
    const message: ToWorker = { say: 'activity', parts: this.#parts, seconds: this.#seconds };
    this.#parts = [];
    for (const member of this.#watching) member.tell(message);
  }
}
