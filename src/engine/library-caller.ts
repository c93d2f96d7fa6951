import type { Redis } from 'iovalkey';
import { FunctionCaller } from '../valkey/index.ts';
import { type Library, writeLibrary } from './library.ts';
import type { Plan } from './plan.ts';
import { orUnavailable } from './valkey-failure.ts';

export type FunctionName = keyof Library['functions'];

/** The function library that serves some plans, loaded. */
export class LibraryCaller {
  /** The library's own name. */
  readonly name: string;
  readonly #names: Library['functions'];
  readonly #functions: FunctionCaller;

  private constructor(name: string, names: Library['functions'], functions: FunctionCaller) {
    this.name = name;
    this.#names = names;
    this.#functions = functions;
  }

  /** @throws UnavailableError */
  static async load(valkey: Redis, plans: readonly Plan[]): Promise<LibraryCaller> {
    const { name, functions: names, code } = writeLibrary(plans);
    const functions = new FunctionCaller(valkey, code);
    await orUnavailable(() => functions.load());
    return new LibraryCaller(name, names, functions);
  }

  /**
   * Calls a function; what it takes and returns stands at the end of its part in lua/.
   * @throws UnavailableError
   */
  call(name: FunctionName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<Buffer> {
    return orUnavailable(() => this.#functions.call({ name: this.#names[name], keys, args }));
  }
}
