import { type Acknowledgement, inMemory } from './acknowledgement.ts';
import { DurableCalls } from './durable-calls.ts';
import type { Servers, ValkeyServer } from './servers.ts';

/** A call of a function: its keys share a slot. */
export interface FunctionCall {
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  /** Whether it is answered only once what it wrote is acknowledged as the caller of functions has it; default false. */
  readonly isAcknowledged?: boolean;
}

/**
 * Calls the functions of one library, and loads it where a server does not know it (a fresh one, a failover, `FUNCTION FLUSH`): load, and
 * try once more.
 */
export class FunctionCaller {
  readonly #servers: Servers;
  readonly #code: string;
  readonly #wanted: Acknowledgement;

  /** @param wanted what is waited for before those calls are answered that say so; default: nothing. */
  constructor(servers: Servers, code: string, wanted = inMemory) {
    this.#servers = servers;
    this.#code = code;
    this.#wanted = wanted;
  }

  /** Loads the library on all servers that are known. */
  async load(): Promise<void> {
    await Promise.all(this.#servers.all.map((server) => this.#loadAt(server)));
  }

  /** One that is there already is the same, since its name carries a hash of its text. */
  async #loadAt({ valkey }: ValkeyServer): Promise<void> {
    try {
      await valkey.call('FUNCTION', 'LOAD', this.#code);
    } catch (error) {
      if (!(error instanceof Error && /already exists/.test(error.message))) throw error;
    }
  }

  /** Calls a function, which is atomic and safe to be called twice, and whose reply is one packed string. */
  call(call: FunctionCall): Promise<Buffer> {
    return this.#servers.ask(call.keys[0] as string, async (server) => {
      try {
        return await this.#send('FCALL', server, call);
      } catch (error) {
        if (!isUnknownFunction(error)) throw error;
        await this.#loadAt(server);
        return this.#send('FCALL', server, call);
      }
    });
  }

  /** Calls a function that writes nothing, and loads none. Null where Valkey does not know it. */
  async look(call: FunctionCall): Promise<Buffer | null> {
    try {
      return await this.#servers.ask(call.keys[0] as string, (server) => this.#send('FCALL_RO', server, call));
    } catch (error) {
      if (isUnknownFunction(error)) return null;
      throw error;
    }
  }

  #send(
    command: 'FCALL' | 'FCALL_RO',
    { valkey }: ValkeyServer,
    { name, keys, args, isAcknowledged = false }: FunctionCall,
  ): Promise<Buffer> {
    if (isAcknowledged && this.#wanted.kind !== 'memory') {
      return DurableCalls.beside(valkey, this.#wanted).send({
        texts: [command, name, String(keys.length), ...keys],
        args,
      });
    }
    return valkey.callBuffer(command, [name, keys.length, ...keys, ...args]) as Promise<Buffer>;
  }
}

function isUnknownFunction(reply: unknown): boolean {
  return reply instanceof Error && /function not found/i.test(reply.message);
}
