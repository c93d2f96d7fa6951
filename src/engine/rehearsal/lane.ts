import type { Redis } from 'iovalkey';

/** A command with its arguments; its answer is bytes where it is a text. */
export type Command = readonly [name: string, ...args: (string | number | Buffer)[]];

/**
 * A connection of its own, on which what is read is watched: what is committed then is written only if nothing of it has
 * changed. One round at a time.
 */
export class Lane {
  readonly #connection: Redis;
  /** How often the connection has been lost: what was watched on it is not watched any more. */
  #losses = 0;
  #begunAt = 0;
  #provenAt = -1;

  constructor(valkey: Redis) {
    this.#connection = valkey.duplicate({
      connectionName: 'freshet-recorder',
      // A transaction that is sent once more, on another connection, would find nothing watched.
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    this.#connection.on('error', () => {}).on('close', () => (this.#losses += 1));
    valkey.once('end', () => this.#connection.disconnect());
  }

  /** Watches these keys, and nothing else, and asks. An answer may be an Error of its own. @throws if the keys are not watched. */
  async begin(keys: readonly (string | Buffer)[], commands: readonly Command[]): Promise<unknown[]> {
    if (this.#connection.status === 'wait') await this.#connection.connect();
    this.#begunAt = this.#losses;
    if (this.#provenAt !== this.#losses) await this.#prove();
    const [unwatched, watched, ...answers] = await this.#send([['unwatch'], ['watch', ...keys], ...commands]);
    throwErrors([unwatched, watched]);
    return answers;
  }

  /** Asks more, and watches these too. */
  async ask(keys: readonly (string | Buffer)[], commands: readonly Command[]): Promise<unknown[]> {
    if (keys.length === 0) return this.#send(commands);
    const [watched, ...answers] = await this.#send([['watch', ...keys], ...commands]);
    throwErrors([watched]);
    return answers;
  }

  /**
   * Has all written, or nothing. Null: nothing was, since something of what is watched has changed.
   * @throws if the connection fails, when it may have been written or not; or what the store says of why it was not.
   */
  async commit(commands: readonly Command[]): Promise<unknown[] | null> {
    if (this.#losses !== this.#begunAt) return null;
    const answers = await this.#send([['multi'], ...commands, ['exec']]);
    throwErrors(answers);
    return answers.at(-1) as unknown[] | null;
  }

  /** Where transactions are not allowed, what is sent between MULTI and EXEC would be done at once, watched or not. */
  async #prove(): Promise<void> {
    const losses = this.#losses;
    throwErrors(await this.#send([['multi'], ['exec']]));
    this.#provenAt = losses;
  }

  async #send(commands: readonly Command[]): Promise<unknown[]> {
    // Answers as bytes, but for these two, of which there is no such form: one is a word, the other a list.
    const pipeline = this.#connection.pipeline(
      commands.map(([name, ...args]) => [name === 'exec' || name === 'multi' ? name : `${name}Buffer`, ...args]),
    );
    const answers = await pipeline.exec();
    return (answers ?? []).map(([error, answer]) => error ?? answer);
  }
}

function throwErrors(answers: readonly unknown[]): void {
  const error = answers.find((answer) => answer instanceof Error);
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

  giveBack(lane: Lane): void {
    this.#idle.push(lane);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tell of waiting) tell();
  }
}
