import type { Redis } from 'iovalkey';

/** A call of a function: its keys share a node. */
export interface FunctionCall {
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
}

/**
 * Calls the functions of one library, and loads it where Valkey does not know it (a fresh server, a failover,
 * `FUNCTION FLUSH`): load, and try once more.
 */
export class FunctionCaller {
  readonly #valkey: Redis;
  readonly #code: string;

  constructor(valkey: Redis, code: string) {
    this.#valkey = valkey;
    this.#code = code;
  }

  /** Loads the library; one that is there already is the same, since its name carries a hash of its text. */
  async load(): Promise<void> {
    try {
      await this.#valkey.call('FUNCTION', 'LOAD', this.#code);
    } catch (error) {
      if (!(error instanceof Error && /already exists/.test(error.message))) throw error;
    }
  }

  /** Sends the calls in one burst; each is atomic, and each reply is one packed string. */
  async call(calls: readonly FunctionCall[]): Promise<Buffer[]> {
    const replies = await this.#send(calls);
    const unknown = calls.filter((_, i) => isUnknownFunction(replies[i]));
    if (unknown.length > 0) {
      await this.load();
      const again = await this.#send(unknown);
      for (const [i, call] of unknown.entries()) replies[calls.indexOf(call)] = again[i] as Buffer | Error;
    }
    return replies.map((reply) => {
      if (reply instanceof Error) throw reply;
      return reply;
    });
  }

  /** Calls a function that writes nothing, and loads none. Null where Valkey does not know it. */
  async look({ name, keys, args }: FunctionCall): Promise<Buffer | null> {
    try {
      return (await this.#valkey.callBuffer('FCALL_RO', [name, keys.length, ...keys, ...args])) as Buffer;
    } catch (error) {
      if (isUnknownFunction(error)) return null;
      throw error;
    }
  }

  #send(calls: readonly FunctionCall[]): Promise<(Buffer | Error)[]> {
    return Promise.all(
      calls.map(({ name, keys, args }) =>
        this.#valkey.callBuffer('FCALL', [name, keys.length, ...keys, ...args]).then(
          (reply) => reply as Buffer,
          (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
        ),
      ),
    );
  }
}

function isUnknownFunction(reply: unknown): boolean {
  return reply instanceof Error && /function not found/i.test(reply.message);
}
