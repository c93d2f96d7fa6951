import type { Redis } from 'iovalkey';
import {
  type Acknowledgement,
  CommandBuffer,
  confirmation,
  type Reply,
  ReplyError,
  shortfall,
  Wire,
} from '../../valkey/index.ts';

/** A command with its arguments. Texts are bytes, a character each. */
export type Command = readonly [name: string, ...args: (string | number)[]];

/** What a round watches, and asks, at first. */
export interface Opening {
  readonly keys: readonly string[];
  ask(questions: CommandBuffer): void;
}

/** How what was committed ended (null: nothing was written), and what the next round was answered, if there is one. */
export interface Committed {
  readonly written: Promise<readonly Reply[] | null>;
  readonly begun: Promise<Reply[]> | null;
}

/**
 * A connection of its own, on which what is read is watched: what is committed then is written only if nothing of it has
 * changed. One round at a time; the next may begin once one is committed, and need not wait for what comes of that.
 */
export class Lane {
  readonly #wire: Wire;
  readonly #questions = new CommandBuffer();
  /** What the round is going to write. */
  readonly writes = new CommandBuffer();
  #begunAt = 0;
  #provenAt = -1;

  constructor(valkey: Redis) {
    this.#wire = new Wire(valkey, 'freshet-recorder');
  }

  /**
   * Watches what a round wants watched, and nothing else, and asks; nothing is to be written yet. An answer may be an Error of its own.
   * @throws if the keys are not watched.
   */
  async begin(opening: Opening): Promise<Reply[]> {
    await this.#wire.open();
    this.#begunAt = this.#wire.losses;
    if (this.#provenAt !== this.#begunAt) await this.#prove();
    const questions = this.#questions;
    questions.clear();
    putOpening(questions, opening);
    const answers = this.#wire.send(questions);
    this.#beginWrites();
    return answersToOpening(await answers);
  }

  /** Asks more, and watches these too. */
  async ask(keys: readonly string[], commands: readonly Command[]): Promise<Reply[]> {
    const questions = this.#questions;
    if (keys.length > 0) questions.add(['WATCH', ...keys]);
    for (const command of commands) questions.add(command);
    const answers = await this.#wire.send(questions);
    if (keys.length > 0) throwErrors([answers.shift() as Reply]);
    return answers;
  }

  /**
   * Has all written that is in `writes`, or nothing, if something of what is watched has changed; and begins the next round: both are
   * one text. What comes of it fails if the connection does, when it may have been written or not; with what the store says of why
   * it was not; or where it was written and not acknowledged in time as is wanted. The next round begins behind that.
   */
  commit(next: Opening | null, wanted: Acknowledgement): Committed {
    if (this.#wire.losses !== this.#begunAt) {
      return { written: Promise.resolve(null), begun: next && this.begin(next) };
    }
    const { writes } = this;
    writes.add(['EXEC']);
    const confirming = confirmation(wanted);
    if (confirming) writes.add(confirming);
    const count = writes.count;
    if (next) putOpening(writes, next);
    const [written, begun] = next ? this.#wire.sendBoth(writes, count) : [this.#wire.send(writes), null];
    this.#beginWrites();
    const answers = confirming ? written.then((all) => confirmed(all, wanted)) : written.then(answersToWrites);
    return { written: answers, begun: begun?.then(answersToOpening) ?? null };
  }

  #beginWrites(): void {
    this.writes.clear();
    this.writes.add(['MULTI']);
  }

  /** Where transactions are not allowed, what is sent between MULTI and EXEC would be done at once, watched or not. */
  async #prove(): Promise<void> {
    this.#questions.add(['MULTI']);
    this.#questions.add(['EXEC']);
    throwErrors(await this.#wire.send(this.#questions));
    this.#provenAt = this.#begunAt;
  }
}

function putOpening(questions: CommandBuffer, opening: Opening): void {
  questions.add(['UNWATCH']);
  questions.add(['WATCH', ...opening.keys]);
  opening.ask(questions);
}

function answersToOpening([unwatched, watched, ...answers]: Reply[]): Reply[] {
  throwErrors([unwatched as Reply, watched as Reply]);
  return answers;
}

function answersToWrites(answers: readonly Reply[]): readonly Reply[] | null {
  throwErrors(answers);
  return answers.at(-1) as readonly Reply[] | null;
}

/** Behind the answers to writes stands whether they are acknowledged: what was overtaken has nothing to be. */
function confirmed(all: readonly Reply[], wanted: Acknowledgement): readonly Reply[] | null {
  const written = answersToWrites(all.slice(0, -1));
  const failure = written && shortfall(wanted, all.at(-1));
  if (failure) throw failure;
  return written;
}

function throwErrors(answers: readonly Reply[]): void {
  const error = answers.find((answer) => answer instanceof ReplyError);
  if (error) throw error;
}

/** The lanes beside a connection, for all engines that work on it. */
export class Lanes {
  static readonly #beside = new WeakMap<Redis, Lanes>();
  readonly #idle: Lane[];
  readonly #waiting = new Set<() => void>();

  private constructor(valkey: Redis, count: number) {
    this.#idle = Array.from({ length: count }, () => new Lane(valkey));
  }

  static beside(valkey: Redis, count: number): Lanes {
    const lanes = Lanes.#beside.get(valkey) ?? new Lanes(valkey, count);
    Lanes.#beside.set(valkey, lanes);
    return lanes;
  }

  /** One that nobody has; null where there is none: whoever asked is told when one is given back. */
  take(onIdle: () => void): Lane | null {
    const lane = this.#idle.pop();
    if (lane) return lane;
    this.#waiting.add(onIdle);
    return null;
  }

  /** Whether somebody else waits for one. */
  areWantedByOthers(than: () => void): boolean {
    return this.#waiting.size > (this.#waiting.has(than) ? 1 : 0);
  }

  giveBack(lane: Lane): void {
    this.#idle.push(lane);
    // Who takes one, and wants another, is behind all who have waited.
    for (const tell of [...this.#waiting]) {
      if (this.#idle.length === 0) break;
      this.#waiting.delete(tell);
      tell();
    }
  }
}
