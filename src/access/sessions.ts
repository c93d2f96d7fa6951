import type { Caller, Ending } from './caller.ts';
import { AuthenticationError } from './errors.ts';

/** Told why a session is over. */
export type OnOver = (why: Ending) => void;

/** Node fires a later one at once. */
const longestTimeoutMs = 2 ** 31 - 1;
/** Who is to be looked at again is so together with others, and after a while once more where that cannot be done. */
const togetherMs = 1_000; // a second

/**
 * What callers hold open: sockets and streams, each of which is told at the moment at which its caller may go on no more. There is one
 * timer, for whoever expires, or is to be looked at again, first.
 */
export class Sessions {
  readonly #lookAgain: (caller: Caller) => Promise<void> | undefined;
  readonly #held = new Map<Caller, Set<OnOver>>();
  /** Those that are being looked at again. */
  readonly #looking = new Set<Caller>();
  #timer: NodeJS.Timeout | null = null;
  /** For when it is set. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param lookAgain looks once more at the credentials of a caller who is not fresh any more, or throws an AuthenticationError. */
  constructor(lookAgain: (caller: Caller) => Promise<void> | undefined) {
    this.#lookAgain = lookAgain;
  }

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
    this.#wakeAt(caller.endedAt(Date.now()) === null ? dueAt(caller) : Date.now());
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
    for (const caller of [...this.#held.keys()]) {
      const why = caller.endedAt(now);
      if (why !== null) this.end(caller, why);
      else if (dueAt(caller) <= now) {
        // It may expire before that is over.
        this.#wakeAt(expiryOf(caller));
        void this.#look(caller);
      } else this.#wakeAt(dueAt(caller));
    }
  }

  /** Never rejects. */
  async #look(caller: Caller): Promise<void> {
    if (this.#looking.has(caller)) return;
    this.#looking.add(caller);
    try {
      await this.#lookAgain(caller);
    } catch (error) {
      if (error instanceof AuthenticationError && error.code === 'UNAUTHENTICATED') {
        this.end(caller, caller.endedAt(Date.now()) ?? 'REVOKED');
      }
    }
    this.#looking.delete(caller);
    // Where it could not be found out, it goes on, and is looked at soon again.
    const soon = Math.max(dueAt(caller), Date.now() + togetherMs);
    if (this.#held.has(caller)) this.#wakeAt(Math.min(soon, expiryOf(caller)));
  }
}

function expiryOf({ expiresAt }: Caller): number {
  return expiresAt ?? Number.POSITIVE_INFINITY;
}

/** When something is to be done about a caller: at the moment at which it expires, or soon after that up to which it was looked at. */
function dueAt({ freshUntil, expiresAt }: Caller): number {
  return freshUntil === expiresAt ? freshUntil : Math.ceil(freshUntil / togetherMs) * togetherMs;
}
