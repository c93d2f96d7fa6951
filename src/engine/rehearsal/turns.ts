import type { RecordedPart, RecordPart } from '../parts.ts';

/** What came of a part, or why it failed. */
export type Result = RecordedPart | Error;

/** A part that waits for its turn, and for what comes of it. */
export interface Waiting {
  readonly part: RecordPart;
  readonly resolve: (result: Result) => void;
}

/** What waits for a log, in the order in which it came. */
export interface Turn {
  readonly log: string;
  readonly waiting: readonly Waiting[];
}

/** Logs that a call waits for, and how many of them had their turn. */
interface Call {
  readonly logs: readonly string[];
  next: number;
}

/** So many logs, and rows, are in a round: it is rehearsed in one go, while everybody else of this process waits. */
const mostLogs = 32;
const mostRows = 128;

/**
 * Who waits for which log (by its key). Each log is with one round at a time: what comes for it meanwhile waits, in the order in
 * which it came. Calls take turns: a large one does not keep a small one waiting.
 */
export class Turns {
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #taken = new Set<string>();
  /** Those that wait, who had a turn last at the end. */
  readonly #calls = new Set<Call>();

  /** Adds a call: for each log what waits for it. */
  add(all: readonly { readonly log: string; readonly waiting: Waiting }[]): void {
    for (const { log, waiting } of all) {
      const before = this.#waiting.get(log);
      if (before) before.push(waiting);
      else this.#waiting.set(log, [waiting]);
    }
    this.#calls.add({ logs: all.map(({ log }) => log), next: 0 });
  }

  /** What is in the next round; nothing while all that waits is of logs that a round has. */
  take(): Turn[] {
    const turns: Turn[] = [];
    let rows = 0;
    for (let isDone = false; !isDone && turns.length < mostLogs && rows < mostRows; ) {
      isDone = true;
      for (const call of [...this.#calls]) {
        if (turns.length === mostLogs || rows >= mostRows) break;
        const turn = this.#turnOf(call, mostRows - rows);
        if (!turn) continue;
        isDone = false;
        turns.push(turn);
        for (const { part } of turn.waiting) rows += part.rowCount;
      }
    }
    return turns;
  }

  /** Whether anything waits for its turn. */
  get isAnyWaiting(): boolean {
    return this.#calls.size > 0;
  }

  /** Takes back all that waits. */
  drain(): Waiting[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#calls.clear();
    return all;
  }

  giveBack(log: string): void {
    this.#taken.delete(log);
  }

  /** The first log of a call that no round has, and the first of those that wait for it. */
  #turnOf(call: Call, rowsLeft: number): Turn | null {
    this.#calls.delete(call);
    while (call.next < call.logs.length && !this.#waiting.has(call.logs[call.next] as string)) call.next += 1;
    if (call.next === call.logs.length) return null; // with others, all of it had its turn
    this.#calls.add(call);
    const log = this.#dueOf(call);
    if (log === null) return null;
    const waiting = this.#waiting.get(log) as Waiting[];
    const taken = waiting.splice(0, together(waiting, rowsLeft));
    if (waiting.length === 0) this.#waiting.delete(log);
    this.#taken.add(log);
    return { log, waiting: taken };
  }

  #dueOf({ logs, next }: Call): string | null {
    for (let i = next; i < logs.length; i++) {
      const log = logs[i] as string;
      if (this.#waiting.has(log) && !this.#taken.has(log)) return log;
    }
    return null;
  }
}

/** How many of them have no more rows together; one at least. */
function together(waiting: readonly Waiting[], most: number): number {
  let rows = 0;
  const tooMany = waiting.findIndex(({ part }, i) => {
    rows += part.rowCount;
    return i > 0 && rows > most;
  });
  return tooMany < 0 ? waiting.length : tooMany;
}
