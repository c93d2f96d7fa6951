import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const endsWithParent = new URL('ends-with-parent.ts', import.meta.url).href;
const tellsMemory = new URL('tells-memory.ts', import.meta.url).href;

export interface ApiSettings {
  readonly valkeyUrl: string;
  readonly keyPrefix: string;
  /** `event`: a month of event time takes minutes. */
  readonly clock: 'event' | 'wall';
}

/** The API as its users start it, in a process of its own: what it computes is not what the bench computes. */
export interface ApiProcess {
  /** Where it answers, such as `http://127.0.0.1:40123/graphql`. */
  readonly url: string;
  /**
   * Sends an operation by POST, and returns its data.
   * @throws Error with what the API said instead.
   */
  ask<Data>(query: string, variables: { readonly [name: string]: unknown }): Promise<Data>;
  /** Collects its garbage, and tells what is left. */
  memory(): Promise<NodeJS.MemoryUsage>;
  stop(): Promise<void>;
}

/** Starts it on any free port, and returns once it listens. */
export async function startApi(settings: ApiSettings): Promise<ApiProcess> {
  const args = ['--expose-gc', '--import', endsWithParent, '--import', tellsMemory, main];
  const child = spawn(process.execPath, args, {
    env: { ...inherited(), ...environment(settings) },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child, 'close');
  const url = await saidUrl(child, /listens on (http\S+\/graphql)/);
  return {
    url,
    ask: (query, variables) => ask(url, query, variables),
    async memory() {
      const told = once(child, 'message');
      child.send('memory');
      return (await told)[0] as NodeJS.MemoryUsage;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/**
 * Waits until a process has printed where it listens.
 * @throws Error with what it printed instead, if it ends.
 */
export async function saidUrl(child: ChildProcess, where: RegExp): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface(stream).on('line', (line) => {
        said = `${said}${line}\n`.slice(-10_000);
        const found = where.exec(line)?.[1];
        if (found) resolve(found);
      });
    }
    child.once('close', () => reject(new Error(`a process ended before it listened:\n${said}`)));
  });
}

/** The environment but for what configures an API: it is to be the same wherever this runs. */
function inherited(): NodeJS.ProcessEnv {
  const ours = /^(FRESHET_|PORT$|HOST$|VALKEY_URL$|LOG_LEVEL$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function environment({ valkeyUrl, keyPrefix, clock }: ApiSettings): NodeJS.ProcessEnv {
  return {
    PORT: '0',
    LOG_LEVEL: 'warn',
    VALKEY_URL: valkeyUrl,
    FRESHET_KEY_PREFIX: keyPrefix,
    FRESHET_CLOCK: clock,
  };
}

async function ask<Data>(url: string, query: string, variables: { readonly [name: string]: unknown }): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: readonly { message: string }[] };
  if (!data || errors) throw new Error(`the API answers ${response.status}: ${JSON.stringify(errors)}`);
  return data;
}
