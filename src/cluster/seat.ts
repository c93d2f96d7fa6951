import cluster, { type Worker } from 'node:cluster';
import { closeWhatIsNotTaken } from './given-connections.ts';
import type { Joined, Task, ToPrimary, ToWorker } from './messages.ts';

/** How a worker ended. */
export interface WorkerExit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** For how long it had served, in milliseconds; null if it never did. */
  readonly servedMs: number | null;
}

export interface SeatListener {
  said(seat: Seat, message: ToPrimary): void;
  ended(seat: Seat, exit: WorkerExit): void;
}

/** The place of one worker after another, each of them a process. */
export class Seat {
  /** From 1. */
  readonly number: number;
  readonly #listener: SeatListener;
  #worker: Worker | null = null;
  #servesSince: number | null = null;
  /** What the worker is to be told once it hears; null: it does. */
  #untold: ToWorker[] | null = null;

  constructor(number: number, listener: SeatListener) {
    this.number = number;
    this.#listener = listener;
  }

  /** Whether a process is there, which may not serve yet, or no more. */
  get isTaken(): boolean {
    return this.#worker !== null;
  }

  get serves(): boolean {
    return this.#servesSince !== null;
  }

  get pid(): number | undefined {
    return this.#worker?.process.pid;
  }

  /** Starts a worker; there must be none. */
  take(task: Task): void {
    const worker = cluster.fork();
    closeWhatIsNotTaken(worker.process);
    this.#worker = worker;
    this.#untold = [{ say: 'begin', task }];
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#worker !== worker) return;
      const servedMs = this.#servesSince === null ? null : performance.now() - this.#servesSince;
      this.#worker = null;
      this.#untold = null;
      this.#servesSince = null;
      this.#listener.ended(this, { pid: worker.process.pid, code, signal, servedMs });
    };
    worker.on('message', (message: ToPrimary | Joined) => {
      if (this.#worker !== worker) return;
      if (message.say === 'joined') {
        this.#tellUntold();
        return;
      }
      if (message.say === 'listening') this.#servesSince = performance.now();
      this.#listener.said(this, message);
    });
    worker.once('exit', (code, signal) => ended(code, signal as NodeJS.Signals | null));
    worker.on('error', () => {
      // Where the system gives no process, there is no exit. What else fails is followed by one.
      if (worker.process.pid === undefined) ended(null, null);
    });
  }

  /** Tells the worker, if there is one, as soon as it hears. */
  tell(message: ToWorker): void {
    if (this.#untold) this.#untold.push(message);
    else if (this.#worker?.isConnected()) this.#worker.send(message, () => {});
  }

  kill(): void {
    this.#worker?.process.kill('SIGKILL');
  }

  #tellUntold(): void {
    const messages = this.#untold ?? [];
    this.#untold = null;
    for (const message of messages) this.tell(message);
  }
}
