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

  /** What the primary knows that an operator should know. */
  warnings(): readonly string[] {
    const { serving = 0, wanted = 0, lost = 0 } = this.#staffed ?? {};
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

  #hear(message: ToWorker): void {
    if (message.say === 'staffed') this.#staffed = message;
    else if (message.say === 'forget activity') this.#takeActivity();
    else if (message.say === 'give activity') void tell({ say: 'activity', part: this.#takeActivity() });
    else if (message.say === 'activity') this.#offerActivity?.(message.parts, message.seconds);
  }
}

/** Resolves when it is out, or nobody hears it. */
function tell(message: ToPrimary | Joined): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
