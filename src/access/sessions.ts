import type { Caller, Ending } from './caller.ts';

/** Told why a session is over. */
export type OnOver = (why: Ending) => void;

/** Node fires a later one at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * What callers hold open: sockets and streams, each of which is told at the moment at which its caller may go on no more. There is one
 * timer, for whoever expires first.
 */
export class Sessions {
  readonly #held = new Map<Caller, Set<OnOver>>();
  #timer: NodeJS.Timeout | null = null;
  /** For when it is set. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** How many are open. */
  get size(): number {
    let size = 0;
    for (const sessions of this.#held.values()) size += sessions.size;
    return size;
  }

  /** Has a session told, soon if its caller has ended already. @returns how it is told no more. */
  hold(caller: Caller, onOver: OnOver): () => void {
    const sessions = this.#held.get(caller) ?? new Set();
    this.#held.set(caller, sessions);
    // Two sessions may be told by the same function.
    const tell: OnOver = (why) => onOver(why);
    sessions.add(tell);
    if (caller.endedAt(Date.now()) !== null) this.#wakeAt(Date.now());
    else if (caller.expiresAt !== null) this.#wakeAt(caller.expiresAt);
    return () => {
      sessions.delete(tell);
      if (sessions.size === 0 && this.#held.get(caller) === sessions) this.#held.delete(caller);
      if (this.#held.size === 0) this.close();
    };
  }

  /** Ends a caller, and all that it holds open. */
  end(caller: Caller, why: Ending): void {
    caller.end(why);
    const sessions = this.#held.get(caller) ?? [];
    this.#held.delete(caller);
    for (const tell of sessions) tell(why);
  }

  /** Tells nobody any more at the moment at which they expire. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #wakeAt(moment: number): void {
    if (moment >= this.#dueAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#dueAt = moment;
    this.#timer = setTimeout(() => this.#sweep(), Math.min(Math.max(0, moment - Date.now()), longestTimeoutMs));
    this.#timer.unref();
  }

  #sweep(): void {
    this.close();
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    for (const caller of [...this.#held.keys()]) {
      const why = caller.endedAt(now);
      if (why !== null) this.end(caller, why);
      else next = Math.min(next, caller.expiresAt ?? Number.POSITIVE_INFINITY);
    }
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next);
  }
}
