import type { Redis } from 'iovalkey';
import { type Acknowledgement, confirmation, shortfall } from './acknowledgement.ts';
import { CommandBuffer } from './command-buffer.ts';
import { timedOut } from './in-time.ts';
import { patienceOf } from './patience.ts';
import { bytesText, type Reply } from './resp.ts';
import { isUnanswered } from './unanswered.ts';
import { crowdedReason } from './unavailable.ts';
import { Wire } from './wire.ts';

/** A command that writes. */
export interface DurableCommand {
  readonly texts: readonly string[];
  /** Behind the texts. */
  readonly args: readonly (string | Buffer)[];
}

interface Waiting {
  readonly command: DurableCommand;
  /** When it has waited too long to be sent, by `performance.now()`. */
  readonly until: number;
  readonly resolve: (reply: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** More than so many would keep others of this connection, and of the server, waiting. */
const mostTogether = 64;
/** So many may wait: more are brought of a server that does not answer. */
const mostWaiting = 10_000;

/**
 * Commands of which each is answered once what it wrote is acknowledged as is wanted. To wait for that holds up its connection, so they
 * have one of their own; and those that come while one batch is waited for go out together, behind one wait. Where that is in vain, theirs
 * would be, too: they fail with it, and are not sent.
 */
export class DurableCalls {
  static readonly #beside = new WeakMap<Redis, DurableCalls>();
  readonly #wire: Wire;
  readonly #wanted: Acknowledgement;
  /** For how long a command may wait until it is sent: as long as others wait for their answers. */
  readonly #patienceMs: number;
  readonly #commands = new CommandBuffer();
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  /** Those to a server, for all who want the same of it. */
  static beside(valkey: Redis, wanted: Acknowledgement): DurableCalls {
    const calls = DurableCalls.#beside.get(valkey) ?? new DurableCalls(valkey, wanted);
    DurableCalls.#beside.set(valkey, calls);
    return calls;
  }

  private constructor(valkey: Redis, wanted: Acknowledgement) {
    this.#wire = Wire.beside(valkey, 'freshet-writer');
    this.#wanted = wanted;
    this.#patienceMs = patienceOf(valkey);
  }

  /**
   * Sends a command and waits until what it wrote is acknowledged.
   * @throws UnconfirmedError if it is not in time: it may be done, and a retry is safe; what Valkey answers, or the connection fails with.
   */
  send(command: DurableCommand): Promise<Buffer> {
    if (this.#waiting.length >= mostWaiting) return Promise.reject(new Error(crowdedReason));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, until: performance.now() + this.#patienceMs, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    this.#isBusy = true;
    // Whoever calls in the same turn comes along.
    await null;
    while (this.#waiting.length > 0) {
      const failure = await this.#sendBatch(this.#waiting.splice(0, mostTogether));
      if (isUnanswered(failure)) this.#rejectAll(this.#waiting.length, failure);
      // They stand in the order in which they came.
      const now = performance.now();
      const inTime = this.#waiting.findIndex(({ until }) => now < until);
      this.#rejectAll(inTime < 0 ? this.#waiting.length : inTime, timedOut());
    }
    this.#isBusy = false;
  }

  /** Those that have waited longest. */
  #rejectAll(count: number, error: unknown): void {
    for (const { reject } of this.#waiting.splice(0, count)) reject(error);
  }

  /** What all of them failed with; null if nothing. Never rejects. */
  async #sendBatch(batch: readonly Waiting[]): Promise<unknown> {
    try {
      await this.#wire.open();
      const commands = this.#commands;
      for (const { command } of batch) put(commands, command);
      commands.add(confirmation(this.#wanted) ?? ['PING']);
      const replies = await this.#wire.send(commands);
      const failure = shortfall(this.#wanted, replies.at(-1));
      for (const [i, { resolve, reject }] of batch.entries()) {
        const reply = replies[i] as Reply;
        if (reply instanceof Error) reject(reply);
        else if (failure) reject(failure);
        else resolve(reply as Buffer);
      }
      return failure;
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return error;
    }
  }
}

function put(commands: CommandBuffer, { texts, args }: DurableCommand): void {
  commands.begin(texts.length + args.length);
  for (const text of texts) commands.text(bytesText(text));
  for (const arg of args) {
    if (typeof arg === 'string') commands.text(bytesText(arg));
    else commands.bytes(arg, 0, arg.length);
  }
}
