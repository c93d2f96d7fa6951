import cluster, { type Worker } from 'node:cluster';
import { rmSync } from 'node:fs';
import { ignoreEndSignals } from '../signals.ts';
import type { Joined, Saying, Task, ToPrimary, ToWorker } from './messages.ts';

/** Why it is to end, and with which exit code. */
export interface Ending {
  readonly reason: string;
  readonly exitCode: number;
}

/** Told what each worker did in so many seconds. */
type Offer<Part> = (parts: readonly Part[], seconds: number) => void;

/** What the workers of a service have counted. */
export interface Gathered<Part> {
  /** Of those that have answered in time. */
  readonly parts: readonly Part[];
  /** Of all together that have ended, or have not answered; null: nothing is known. */
  readonly others: Part | null;
}

/** How many workers there are. */
export interface Staff {
  readonly serving: number;
  readonly wanted: number;
  /** How many have ended since the first start, and were replaced. */
  readonly lost: number;
}

/** Longer than the primary waits for those that do not answer. */
const patienceMs = 2_000; // 2 seconds

/** This process as a worker: what the primary tells it, and what it tells the primary. */
export class ThisWorker {
  readonly task: Task;
  /** Never another worker's, also not of one that has ended. */
  readonly id: number;
  /** Settles when it is to end: the primary says so, or is gone. */
  readonly ending: Promise<Ending>;
  #staffed: Saying<ToWorker, 'staffed'> | null = null;
  #takeActivity: () => unknown = () => null;
  #offerActivity: Offer<unknown> | null = null;
  #giveMetrics: () => Promise<unknown> = async () => null;
  /** Who waits for the metrics of all workers, by the question that was put to the primary. */
  readonly #waiting = new Map<number, (gathered: Gathered<unknown>) => void>();
  #questions = 0;

  private constructor(worker: Worker, task: Task) {
    this.task = task;
    this.id = worker.id;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ending = promise;
    process.on('message', (message: ToWorker) => {
      if (message.say === 'end') resolve({ reason: message.reason, exitCode: 0 });
      else this.#hear(message);
    });
    worker.once('disconnect', () => {
      // Else Node would end it before what is under way was answered.
      worker.exitedAfterDisconnect = true;
      process.once('exit', () => rmSync(task.sockets, { recursive: true, force: true }));
      resolve({ reason: 'the primary is gone', exitCode: 1 });
    });
  }

  /** Waits for its task. From then on it is the primary that ends it, and signals to the whole process group do not. */
  static join(): Promise<ThisWorker> {
    ignoreEndSignals();
    const worker = cluster.worker as Worker;
    return new Promise((resolve) => {
      // Made at once, so that it hears what comes right after.
      process.once('message', ({ task }: Saying<ToWorker, 'begin'>) => resolve(new ThisWorker(worker, task)));
      void tell({ say: 'joined' });
    });
  }

  listening(url: string): void {
    void tell({ say: 'listening', url });
  }

  /** Tells why it cannot serve, in words for people. Resolves when that is out, or nobody hears it. */
  failed(why: string): Promise<void> {
    return tell({ say: 'failed', why });
  }

  get staff(): Staff {
    const { serving = 0, wanted = 0, lost = 0 } = this.#staffed ?? {};
    return { serving, wanted, lost };
  }

  /** What the primary knows that an operator should know. */
  warnings(): readonly string[] {
    const { serving, wanted, lost } = this.staff;
    if (serving === wanted) return [];
    return [`${serving} of ${wanted} workers serve, and the others are starting; ended since the first start: ${lost}`];
  }

  /** Gives its part whenever the primary asks, and makes a feed of what all of them did. */
  shareActivity<Part>(take: () => Part): (offer: Offer<Part>) => () => void {
    this.#takeActivity = take;
    return (offer) => {
      this.#offerActivity = offer as Offer<unknown>;
      void tell({ say: 'watch activity', on: true });
      return () => {
        this.#offerActivity = null;
        void tell({ say: 'watch activity', on: false });
      };
    };
  }

  /** Gives its metrics whenever the primary asks, and makes what asks for those of all workers. */
  shareMetrics<Part>(give: () => Promise<Part>): () => Promise<Gathered<Part>> {
    this.#giveMetrics = give;
    return async () => {
      const gathered = await this.#askMetrics();
      // The primary is gone, or too busy to answer: what this one has is better than nothing.
      return (gathered as Gathered<Part> | null) ?? { parts: [await give()], others: null };
    };
  }

  #askMetrics(): Promise<Gathered<unknown> | null> {
    const question = ++this.#questions;
    return new Promise((resolve) => {
      const conclude = (gathered: Gathered<unknown> | null) => {
        clearTimeout(timer);
        this.#waiting.delete(question);
        resolve(gathered);
      };
      const timer = setTimeout(() => conclude(null), patienceMs);
      this.#waiting.set(question, conclude);
      void tell({ say: 'ask metrics', question });
    });
  }

  async #tellMetrics({ inquiry }: Saying<ToWorker, 'give metrics'>): Promise<void> {
    await tell({ say: 'metrics', inquiry, part: await this.#giveMetrics() });
  }

  #hear(message: ToWorker): void {
    if (message.say === 'staffed') this.#staffed = message;
    else if (message.say === 'forget activity') this.#takeActivity();
    else if (message.say === 'give activity') void tell({ say: 'activity', part: this.#takeActivity() });
    else if (message.say === 'activity') this.#offerActivity?.(message.parts, message.seconds);
    else if (message.say === 'give metrics') void this.#tellMetrics(message);
    else if (message.say === 'metrics') this.#waiting.get(message.question)?.(message);
  }
}

/** Resolves when it is out, or nobody hears it. */
function tell(message: ToPrimary | Joined): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
