import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedValkey, startEmbeddedValkey } from '../../src/valkey/index.ts';

/** A Valkey of a test's own, which it may break: always at the same address, with the same data. */
export class ThrowawayValkey {
  readonly #port: number;
  readonly #dataDir: string;
  #server: EmbeddedValkey | null = null;

  private constructor(port: number, dataDir: string) {
    this.#port = port;
    this.#dataDir = dataDir;
  }

  static async create(): Promise<ThrowawayValkey> {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return new ThrowawayValkey(port, await mkdtemp(join(tmpdir(), 'freshet-test-')));
  }

  get url(): string {
    return `valkey://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = await startEmbeddedValkey({
      persistent: true,
      dataDir: this.#dataDir,
      choosePort: async () => this.#port,
      report: () => {},
    });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
  }

  /** Ends without a word, as a machine that loses its power does: what was written within the last second may be lost. */
  async crash(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    await server.stop(); // lets go of its directory
  }

  /** Stops answering, while its connections stay open, until `thaw`. */
  freeze(): void {
    if (this.#server) process.kill(this.#server.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#server) process.kill(this.#server.pid, 'SIGCONT');
  }

  async destroy(): Promise<void> {
    this.thaw();
    await this.stop();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
