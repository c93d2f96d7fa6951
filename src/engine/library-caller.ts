import type { Redis } from 'iovalkey';
import { CallTimes, inSpan, tracer } from '../measure/index.ts';
import { FunctionCaller } from '../valkey/index.ts';
import { type Library, writeLibrary } from './library.ts';
import type { Plan } from './plan.ts';
import { orUnavailable } from './valkey-failure.ts';

export type FunctionName = keyof Library['functions'];

/** The function library that serves some plans, loaded. */
export class LibraryCaller {
  readonly #names: Library['functions'];
  readonly #functions: FunctionCaller;
  /** Of each function, failed calls among them. */
  readonly times = new CallTimes<FunctionName>();

  private constructor(names: Library['functions'], functions: FunctionCaller) {
    this.#names = names;
    this.#functions = functions;
  }

  /** @throws UnavailableError */
  static async load(valkey: Redis, plans: readonly Plan[]): Promise<LibraryCaller> {
    const { functions: names, code } = writeLibrary(plans);
    const functions = new FunctionCaller(valkey, code);
    await orUnavailable(() => functions.load());
    return new LibraryCaller(names, functions);
  }

  /**
   * Calls a function; what it takes and returns stands at the end of its part in lua/.
   * @throws UnavailableError
   */
  async call(name: FunctionName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<Buffer> {
    const begunAt = performance.now();
    const call = () => orUnavailable(() => this.#functions.call({ name: this.#names[name], keys, args }));
    try {
      const tracing = tracer.current;
      if (tracing === null) return await call();
      const facts = { 'freshet.keys': keys.length };
      return await inSpan(tracing, `valkey function ${name}`, facts, call, { kind: 'client' });
    } finally {
      this.times.of(name).observe((performance.now() - begunAt) / 1_000);
    }
  }
}
