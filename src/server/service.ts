import { BackendKeeper, type BackendOptions } from './backend.ts';
import { ApiServer, type ServerOptions } from './server.ts';
import type { Step } from './shutdown.ts';

export type ServiceOptions = BackendOptions &
  Omit<ServerOptions, 'backend' | 'health' | 'store' | 'rateStore'> & {
    /** What an operator should know beside what Valkey says; default: nothing. */
    readonly warnings?: () => readonly string[];
  };

/** What one process serves: an API, and what it serves from. */
export class Service {
  #backend: BackendKeeper | null = null;
  #server: ApiServer | null = null;
  readonly #endTracing: () => Promise<void>;
  #ending = false;

  /** @param endTracing sends what is left of traces; default: there are none. */
  constructor({ endTracing = async () => {} }: { readonly endTracing?: () => Promise<void> } = {}) {
    this.#endTracing = endTracing;
  }

  /** Whether it has come to listen. */
  get listens(): boolean {
    return this.#server !== null;
  }

  /**
   * Starts it.
   * @param onFailure told when it turns out later that it cannot be served from this Valkey.
   * @returns where it listens, such as `http://127.0.0.1:4000`; null if it was ended meanwhile.
   * @throws what waiting does not mend: see BackendKeeper and ApiServer.
   */
  async start(options: ServiceOptions, onFailure: (error: unknown) => void): Promise<string | null> {
    const { warnings = () => [] } = options;
    const backend = await BackendKeeper.start(options, onFailure);
    this.#backend = backend;
    if (this.#ending) return null;
    this.#server = await ApiServer.listen({
      ...options,
      backend: () => backend.current(),
      store: backend,
      rateStore: { functions: (code) => backend.functions(code), keyPrefix: options.keyPrefix },
      health: async () => {
        const health = await backend.health();
        return { ...health, warnings: [...health.warnings, ...warnings()] };
      },
    });
    return this.#server.url;
  }

  /** What ends it in good order, however far it has come. */
  readonly endSteps: readonly Step[] = [
    () => {
      this.#ending = true;
      this.#server?.drain();
    },
    () => this.#backend?.endSubscriptions(),
    () => this.#server?.close(),
    () => this.#backend?.close(),
    () => this.#endTracing(),
  ];

  /** Breaks what is still open. */
  terminate(): void {
    this.#server?.terminate();
  }
}
