import { CallTimes, traced } from '../measure/index.ts';
import { type Acknowledgement, FunctionCaller, type Servers } from '../valkey/index.ts';
import { type Library, writeLibrary } from './library.ts';
import type { Plan } from './plan.ts';
import { orUnavailable } from './valkey-failure.ts';

export type FunctionName = keyof Library['functions'];

/** Those that do what a client is told was done. */
const acknowledged: ReadonlySet<FunctionName> = new Set(['record', 'label', 'retract', 'forget']);

/** The function library that serves some plans, loaded. */
export class LibraryCaller {
  /** The library's own name. */
  readonly name: string;
  readonly #names: Library['functions'];
  readonly #functions: FunctionCaller;
  /** Of each function, failed calls among them. */
  readonly times = new CallTimes<FunctionName>();

  private constructor(name: string, names: Library['functions'], functions: FunctionCaller) {
    this.name = name;
    this.#names = names;
    this.#functions = functions;
  }

  /**
   * @param acknowledge what must have become of what clients are told was done.
   * @throws UnavailableError
   */
  static async load(servers: Servers, plans: readonly Plan[], acknowledge: Acknowledgement): Promise<LibraryCaller> {
    const { name, functions: names, code } = writeLibrary(plans);
    const functions = new FunctionCaller(servers, code, acknowledge);
    await orUnavailable(() => functions.load());
    return new LibraryCaller(name, names, functions);
  }

  /**
   * Calls a function; what it takes and returns stands at the end of its part in lua/.
   * @throws UnavailableError
   */
  async call(name: FunctionName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<Buffer> {
    const begunAt = performance.now();
    const isAcknowledged = acknowledged.has(name);
    const call = () =>
      orUnavailable(() => this.#functions.call({ name: this.#names[name], keys, args, isAcknowledged }));
    try {
      return await traced(`valkey function ${name}`, () => ({ 'freshet.keys': keys.length }), call, { kind: 'client' });
    } finally {
      this.times.of(name).observe((performance.now() - begunAt) / 1_000);
    }
  }
}
