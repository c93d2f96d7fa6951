import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const endsWithParent = new URL('ends-with-parent.ts', import.meta.url).href;

/** What configures an API; see config.ts. */
const settings = /^(FRESHET_|OTEL_|PORT$|HOST$|WORKERS$|VALKEY_URL$|LOG_LEVEL$)/;
const keptWords = 10_000; // characters

export interface ApiProcessOptions {
  /** Settings by their variables. None of this process's own are handed on: it is to be the same wherever this runs. */
  readonly settings: { readonly [name: string]: string };
  /** Told each line that it prints. */
  readonly onLine?: (line: string) => void;
  /** Where its program is; default: beside this file. */
  readonly program?: string;
  /** Of Node, before the program: for whoever measures. */
  readonly nodeOptions?: readonly string[];
}

/**
 * The API as its users start it, in a process of its own, which ends with this one, however that ends. It hears no signal
 * but ours: Ctrl-C in a terminal is for whoever started it to deal with.
 */
export class ApiProcess {
  /** Settles with its exit code, or the signal that ended it; rejects if there could be no such process. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly child: ChildProcess;
  readonly #listening: Promise<string>;
  #said = '';

  constructor({ settings, onLine = () => {}, program = main, nodeOptions = [] }: ApiProcessOptions) {
    this.child = spawn(process.execPath, [...nodeOptions, '--import', endsWithParent, program], {
      env: { ...withoutSettings(process.env), ...settings },
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
    this.#listening = new Promise((resolve, reject) => {
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (!stream) continue;
        createInterface(stream).on('line', (line) => {
          this.#said = `${this.#said}${line}\n`.slice(-keptWords);
          onLine(line);
          const url = /listens on (http\S+\/graphql)/.exec(line)?.[1];
          if (url) resolve(url);
        });
      }
      this.exited.then(() => reject(new Error(`the API ended before it listened:\n${this.#said}`)), reject);
    });
    this.#listening.catch(() => {});
  }

  /**
   * Where its GraphQL is, such as `http://127.0.0.1:4000/graphql`, once it listens there.
   * @throws Error with what it said, if it ends before that.
   */
  listening(): Promise<string> {
    return this.#listening;
  }

  /** What it answers to a message, if one of its modules does. */
  async answer(message: string): Promise<unknown> {
    const answered = once(this.child, 'message');
    this.child.send(message);
    return (await answered)[0];
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
  }
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings.test(name)));
}
