import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'iovalkey';
import { findServer, type ServerProgram } from '../../src/valkey/embedded/binary.ts';
import { findFreePort } from '../../src/valkey/embedded/launch.ts';
import { until } from './until.ts';

export interface ServerProcessOptions {
  /** As in valkey.conf. */
  readonly settings?: { readonly [name: string]: string };
  readonly port?: number;
  /** Writes a file of settings into its folder, and says how the program is told of it. */
  readonly configuration?: (folder: string) => Promise<readonly string[]>;
  /** Beside what it needs to run. */
  readonly environment?: { readonly [name: string]: string };
}

const mostAttempts = 5;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The program, and what it must be started with. @throws Error where there is only one in a container. */
async function findProgram(): Promise<ServerProgram> {
  const binary = await findServer({ report: () => {} });
  if (binary.kind !== 'program')
    throw new Error('only a Valkey in a container was found, of which several cannot be started here');
  return binary;
}

/** A server that a test starts as it wants it, and may break as it likes: always at the same port, in the same folder. */
export class ServerProcess {
  readonly port: number;
  readonly folder: string;
  readonly #options: ServerProcessOptions;
  #configuration: readonly string[] | null = null;
  #child: ChildProcess | null = null;
  #admin: Redis | null = null;

  private constructor(port: number, folder: string, options: ServerProcessOptions) {
    this.port = port;
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
      const server = new ServerProcess(options.port ?? (await findFreePort()), folder, options);
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.destroy();
        // Another may have taken a port since it was found to be free.
        if (options.port !== undefined || attempt === mostAttempts) throw error;
      }
    }
  }

  get url(): string {
    return `valkey://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  /** A connection by which the test does what it will. */
  get admin(): Redis {
    this.#admin ??= new Redis({ host: '127.0.0.1', port: this.port, maxRetriesPerRequest: 2 }).on('error', () => {});
    return this.#admin;
  }

  /** Starts it, and waits until it answers and has loaded what is in its folder. */
  async start(): Promise<void> {
    const { command, environment } = await findProgram();
    const { settings = {}, configuration } = this.#options;
    this.#configuration ??= (await configuration?.(this.folder)) ?? ['--save', ''];
    const all = { bind: '127.0.0.1', port: String(this.port), dir: this.folder, daemonize: 'no', ...settings };
    const args = [...this.#configuration, ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])];
    const child = spawn(command, args, {
      env: { ...environment, ...this.#options.environment },
      // What was inherited would keep open what the run itself writes to, should one outlive it.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const output of [child.stdout, child.stderr])
      output.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2_000);
      });
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#child = child;
    await until(async () => child.exitCode !== null || (await this.admin.ping().catch(() => null)) === 'PONG', 20_000);
    if (child.exitCode !== null)
      throw new Error(`valkey-server ${args.join(' ')} ended with ${child.exitCode}:\n${said}`);
  }

  /** Ends it as a machine that fails does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Stops answering, while its connections stay open, until `thaw`. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async destroy(): Promise<void> {
    this.#admin?.disconnect();
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
