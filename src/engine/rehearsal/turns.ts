import type { LogFaultError, UnavailableError } from '../outcome.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';

/** What came of a part; null: the store must do it by itself. */
export type Result = RecordedPart | UnavailableError | LogFaultError | null;

/** A part that waits for its turn, and for what comes of it. */
export interface Waiting {
  readonly part: RecordPart;
  readonly resolve: (result: Result) => void;
}

/** So many rows of one log are taken together. */
const mostRows = 1_000;

/**
 * Who waits for which log (by its key). Each log is with one round at a time: what comes for it meanwhile waits, in the order in
 * which it came.
 */
export class Turns {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #taken = new Set<string>();

  add(log: string, waiting: Waiting): void {
    const before = this.#waiting.get(log);
    if (before) before.push(waiting);
    else this.#waiting.set(log, [waiting]);
  }

  /** Whether something waits of a log that no round has. */
  get isDue(): boolean {
    for (const log of this.#waiting.keys()) if (!this.#taken.has(log)) return true;
    return false;
  }

  /** Those of so many logs, at most, who have waited longest. */
  take(most: number): { readonly log: string; readonly waiting: readonly Waiting[] }[] {
    const turns: { log: string; waiting: Waiting[] }[] = [];
    for (const [log, waiting] of this.#waiting) {
      if (turns.length === most) break;
      if (this.#taken.has(log)) continue;
      turns.push({ log, waiting: waiting.splice(0, together(waiting)) });
      this.#taken.add(log);
      if (waiting.length === 0) this.#waiting.delete(log);
    }
    return turns;
  }

  giveBack(log: string): void {
    this.#taken.delete(log);
  }
}

/** How many of them are taken together; one at least. */
function together(waiting: readonly Waiting[]): number {
  let rows = 0;
  const tooMany = waiting.findIndex(({ part }, i) => {
    rows += part.rowCount;
    return i > 0 && rows > mostRows;
  });
  return tooMany < 0 ? waiting.length : tooMany;
}
