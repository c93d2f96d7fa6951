import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isEndSignal } from '../signals.ts';
import { Gathering } from './gathering.ts';
import { Inquiries, type Totals } from './inquiries.ts';
import type { ToPrimary } from './messages.ts';
import { ReplacementPauses } from './replacement.ts';
import { Seat, type SeatListener, type WorkerExit } from './seat.ts';

export interface PrimaryOptions {
  /** How many share the port. */
  readonly workers: number;
  /** 0: any free one. */
  readonly port: number;
  readonly log: Logger;
  /** Puts together what workers have counted that cannot say it themselves. */
  readonly totals: Totals;
}

/** A worker takes ten seconds at most, and two more once it has broken what is left. */
const endDeadlineMs = 13_000; // 13 seconds

/** The first workers cannot serve, or one of them, and so none can. */
export class WorkerFailedError extends Error {
  override readonly name = 'WorkerFailedError';
  readonly code = 'WORKER_FAILED';
}

/**
 * Starts the workers that serve at one port, and sees to it that there are as many as there should be until it ends them. The
 * first ones serve all together or not at all; whoever ends after that is replaced, for as long as it takes.
 */
export class Primary implements SeatListener {
  readonly #log: Logger;
  readonly #seats: readonly Seat[];
  readonly #gathering: Gathering;
  readonly #inquiries: Inquiries;
  /** Those whose first worker is there. */
  readonly #first: Set<Seat>;
  readonly #pauses = new Map<Seat, ReplacementPauses>();
  readonly #timers = new Map<Seat, NodeJS.Timeout>();
  readonly #started = Promise.withResolvers<string | null>();
  readonly #allEnded = Promise.withResolvers<void>();
  #onFailure: (error: WorkerFailedError) => void = () => {};
  #port: number;
  #valkeyUrl: string | null = null;
  #sockets = '';
  #url: string | null = null;
  #state: 'starting' | 'serving' | 'ending' = 'starting';
  #lost = 0;
  #brokeOff = false;

  constructor({ workers, port, log, totals }: PrimaryOptions) {
    this.#log = log;
    this.#port = port;
    this.#seats = Array.from({ length: workers }, (_, place) => new Seat(place + 1, this));
    this.#first = new Set(this.#seats);
    this.#gathering = new Gathering(this.#seats);
    this.#inquiries = new Inquiries(this.#seats, totals);
  }

  /** Whether all of them have come to listen. */
  get listens(): boolean {
    return this.#state === 'serving';
  }

  /**
   * Starts them.
   * @param valkeyUrl of the embedded Valkey; null: workers know theirs.
   * @param onFailure told when it turns out later that they cannot serve.
   * @returns where they listen, once all do; null if they were ended meanwhile.
   * @throws WorkerFailedError with what the first that could not start says, or what they lack.
   */
  async start(valkeyUrl: string | null, onFailure: (error: WorkerFailedError) => void): Promise<string | null> {
    this.#valkeyUrl = valkeyUrl;
    this.#sockets = createFolder();
    this.#onFailure = onFailure;
    for (const seat of this.#seats) this.#fill(seat);
    return await this.#started.promise;
  }

  readonly endSteps = [() => this.#end()];
  readonly endDeadlineMs = endDeadlineMs;

  /** Has all of them end in good order, and waits until they have. */
  async #end(): Promise<void> {
    this.#state = 'ending';
    this.#started.resolve(null);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const seat of this.#seats) seat.tell({ say: 'end', reason: 'told so by the primary' });
    this.#settleIfEmpty();
    await this.#allEnded.promise;
    this.#removeSockets();
  }

  /** Whether one of them, when it was to end, had to break something off, or broke. */
  get brokeOff(): boolean {
    return this.#brokeOff;
  }

  /** Ends all of them at once. */
  terminate(): void {
    for (const seat of this.#seats) seat.kill();
    this.#removeSockets();
  }

  said(seat: Seat, message: ToPrimary): void {
    if (message.say === 'listening') this.#listening(seat, message.url);
    else if (message.say === 'failed') this.#failed(seat, message.why);
    else if (message.say === 'watch activity') this.#gathering.watch(seat, message.on);
    else if (message.say === 'activity') this.#gathering.take(seat, message.part);
    else if (message.say === 'ask metrics') this.#inquiries.ask(seat, message);
    else this.#inquiries.take(seat, message);
  }

  ended(seat: Seat, exit: WorkerExit): void {
    const { number } = seat;
    const { pid, code, signal } = exit;
    this.#gathering.leave(seat);
    this.#inquiries.leave(seat);
    // Nobody holds the port any more: whoever asked for any free one now would get another.
    if (this.#url !== null && !this.#seats.some((one) => one.isTaken)) this.#port = Number(new URL(this.#url).port);
    const how = signal === null ? `with status ${code}` : `by ${signal}`;
    if (this.#state === 'ending') {
      if (code !== 0 && !isEndSignal(signal)) {
        this.#brokeOff = true;
        this.#log.warn({ worker: number, workerPid: pid, code, signal }, `Worker ${number} ended ${how}`);
      }
      this.#settleIfEmpty();
      return;
    }
    this.#first.delete(seat);
    if (this.#state === 'starting') {
      // Sent to all of us, it has come to a worker that does not leave it to us yet.
      if (isEndSignal(signal)) process.kill(process.pid, signal);
      else this.#started.reject(new WorkerFailedError(`Worker ${number} ended ${how} before it served`));
      return;
    }
    this.#lost++;
    this.#tellStaff();
    this.#replace(seat, exit, how);
  }

  #replace(seat: Seat, exit: WorkerExit, how: string): void {
    const { number } = seat;
    const { pid, code, signal } = exit;
    const pauses = this.#pauses.get(seat) ?? new ReplacementPauses();
    this.#pauses.set(seat, pauses);
    const pauseMs = pauses.after(exit);
    this.#log.error(
      { worker: number, workerPid: pid, code, signal, lost: this.#lost, pauseMs },
      `Worker ${number} ended ${how}; another takes its place in ${pauseMs} ms`,
    );
    const fill = () => this.#fill(seat);
    this.#timers.set(seat, setTimeout(fill, pauseMs));
  }

  #fill(seat: Seat): void {
    seat.take({ number: seat.number, port: this.#port, valkeyUrl: this.#valkeyUrl, sockets: this.#sockets });
  }

  #listening(seat: Seat, url: string): void {
    this.#url ??= url;
    if (url !== this.#url) {
      this.#log.error({ worker: seat.number, url }, `Worker ${seat.number} came too late to share the port`);
      seat.kill();
      return;
    }
    this.#log.info({ worker: seat.number, workerPid: seat.pid }, `Worker ${seat.number} serves`);
    if (this.#state === 'starting' && this.#seats.every(({ serves }) => serves)) {
      this.#state = 'serving';
      this.#started.resolve(url);
    }
    this.#tellStaff();
  }

  #failed(seat: Seat, why: string): void {
    if (this.#state === 'ending') return;
    if (this.#state === 'starting') this.#started.reject(new WorkerFailedError(why));
    else if (this.#first.has(seat)) this.#onFailure(new WorkerFailedError(why));
    else this.#log.error({ worker: seat.number, why }, `Worker ${seat.number} cannot serve`);
  }

  #tellStaff(): void {
    const serving = this.#seats.filter(({ serves }) => serves).length;
    const wanted = this.#seats.length;
    for (const seat of this.#seats) seat.tell({ say: 'staffed', serving, wanted, lost: this.#lost });
  }

  #removeSockets(): void {
    if (this.#sockets !== '') rmSync(this.#sockets, { recursive: true, force: true });
  }

  #settleIfEmpty(): void {
    if (!this.#seats.some(({ isTaken }) => isTaken)) this.#allEnded.resolve();
  }
}

/** A new folder that only this user may enter. */
function createFolder(): string {
  const parent = tmpdir();
  try {
    return mkdtempSync(join(parent, 'freshet-workers-'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WorkerFailedError(
      `Workers need a folder in ${parent}: ${why}; set TMPDIR to one that this user may write to`,
    );
  }
}
