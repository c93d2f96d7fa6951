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

  /** Calls a function, which is atomic, and whose reply is one packed string. */
  async call(call: FunctionCall): Promise<Buffer> {
    try {
      return await this.#send('FCALL', call);
    } catch (error) {
      if (!isUnknownFunction(error)) throw error;
      await this.load();
      return this.#send('FCALL', call);
    }
  }

  /** Calls a function that writes nothing, and loads none. Null where Valkey does not know it. */
  async look(call: FunctionCall): Promise<Buffer | null> {
    try {
      return await this.#send('FCALL_RO', call);
    } catch (error) {
      if (isUnknownFunction(error)) return null;
      throw error;
    }
  }

  #send(command: 'FCALL' | 'FCALL_RO', { name, keys, args }: FunctionCall): Promise<Buffer> {
    return this.#valkey.callBuffer(command, [name, keys.length, ...keys, ...args]) as Promise<Buffer>;
  }
}

function isUnknownFunction(reply: unknown): boolean {
  return reply instanceof Error && /function not found/i.test(reply.message);
}
