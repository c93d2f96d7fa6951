import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const endsWithParent = new URL('ends-with-parent.ts', import.meta.url).href;

/** The API as its users start it, in a process of its own: what it computes is not what the bench computes. */
export interface ApiProcess {
  /**
   * Sends an operation by POST, and returns its data.
   * @throws Error with what the API said instead.
   */
  ask<Data>(query: string, variables: { readonly [name: string]: unknown }): Promise<Data>;
  stop(): Promise<void>;
}

/** Starts it under the event clock, on any free port, and returns once it listens. */
export async function startApi(valkeyUrl: string, keyPrefix: string): Promise<ApiProcess> {
  const child = spawn(process.execPath, ['--import', endsWithParent, main], {
    env: { ...inherited(), ...settings(valkeyUrl, keyPrefix) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        said = `${said}${line}\n`.slice(-10_000);
        const found = /listens on (http\S+\/graphql)/.exec(line)?.[1];
        if (found) resolve(found);
      });
    }
    ended.then(() => reject(new Error(`the API ended before it listened:\n${said}`)), reject);
  });
  return { ask: (query, variables) => ask(url, query, variables), stop };
}

/** The environment but for what configures an API: it is to be the same wherever this runs. */
function inherited(): NodeJS.ProcessEnv {
  const ours = /^(FRESHET_|PORT$|HOST$|VALKEY_URL$|LOG_LEVEL$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

function settings(valkeyUrl: string, keyPrefix: string): NodeJS.ProcessEnv {
  return {
    PORT: '0',
    LOG_LEVEL: 'warn',
    VALKEY_URL: valkeyUrl,
    FRESHET_KEY_PREFIX: keyPrefix,
    FRESHET_CLOCK: 'event', // a month of event time takes minutes
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
