import type { Span } from '../../measure/index.ts';
import type { RecordedPart, RecordPart } from '../parts.ts';

/** What came of a part, or why it failed. */
export type Result = RecordedPart | Error;

/** A part that waits for its turn. */
export interface Waiting {
  readonly part: RecordPart;
  /** Is told what came of it. */
  readonly resolve: (result: Result) => void;
  /** Of the call that waits; null where it is not traced. */
  readonly span: Span | null;
}

/** What waits for a log, in the order in which it came. */
export interface Turn {
  readonly log: string;
  readonly waiting: readonly Waiting[];
}

/** A log for which somebody waits, or which a round has. */
interface Queue {
  readonly log: string;
  waiting: Waiting[];
  isTaken: boolean;
}

/** Logs that a call waits for, and how many of them had their turn. */
interface Call {
  readonly queues: readonly Queue[];
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
  readonly #queues = new Map<string, Queue>();
  /** Those that wait, who had a turn last at the end. */
  readonly #calls = new Set<Call>();

  /** Adds a call: for each log what waits for it. */
  add(all: readonly { readonly log: string; readonly waiting: Waiting }[]): void {
    const queues = all.map(({ log, waiting }) => {
      let queue = this.#queues.get(log);
      if (!queue) {
        queue = { log, waiting: [], isTaken: false };
        this.#queues.set(log, queue);
      }
      queue.waiting.push(waiting);
      return queue;
    });
    this.#calls.add({ queues, next: 0 });
  }

  /** Nothing waits, but what a round has. */
  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  /** Whether so much waits that the next round is as large as may be, if no other has what it is of. */
  get fillRound(): boolean {
    let logs = 0;
    for (const { queues, next } of this.#calls) {
      logs += queues.length - next;
      if (logs >= mostLogs) return true;
    }
    return false;
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

  /** Takes back all that waits. */
  drain(): Waiting[] {
    const all = [...this.#queues.values()].flatMap((queue) => queue.waiting.splice(0));
    for (const queue of [...this.#queues.values()]) if (!queue.isTaken) this.#queues.delete(queue.log);
    this.#calls.clear();
    return all;
  }

  giveBack(log: string): void {
    const queue = this.#queues.get(log) as Queue;
    queue.isTaken = false;
    if (queue.waiting.length === 0) this.#queues.delete(log);
  }

  /** The first log of a call that no round has, and the first of those that wait for it. */
  #turnOf(call: Call, rowsLeft: number): Turn | null {
    const { queues } = call;
    this.#calls.delete(call);
    while (call.next < queues.length && queues[call.next]?.waiting.length === 0) call.next += 1;
    if (call.next === queues.length) return null; // with others, all of it had its turn
    this.#calls.add(call);
    const queue = dueOf(call);
    if (!queue) return null;
    const count = together(queue.waiting, rowsLeft);
    const waiting = queue.waiting;
    queue.waiting = count === waiting.length ? [] : waiting.slice(count);
    queue.isTaken = true;
    return { log: queue.log, waiting: count === waiting.length ? waiting : waiting.slice(0, count) };
  }
}

function dueOf({ queues, next }: Call): Queue | null {
  for (let i = next; i < queues.length; i++) {
    const queue = queues[i] as Queue;
    if (queue.waiting.length > 0 && !queue.isTaken) return queue;
  }
  return null;
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
