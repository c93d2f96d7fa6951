import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ApiProcess } from '../../src/api-process.ts';
import type { PeerSettings } from '../peers/peer.ts';
import type { Usage } from '../tells-usage.ts';

const tellsUsage = new URL('../tells-usage.ts', import.meta.url).href;
const endsWithParent = new URL('../../src/ends-with-parent.ts', import.meta.url).href;
const userViewAlone = new URL('user-view-alone.ts', import.meta.url).href;
const nodeOptions = ['--expose-gc', '--import', tellsUsage];

/** The contenders that are not ours, by their files. */
export type Peer = 'apollo' | 'mercurius' | 'plain-client' | 'raw' | 'yoga';

/** A contender in a process of its own. */
export interface ContenderProcess {
  /** Where it listens; 0: it does not. */
  readonly port: number;
  usage(collected?: 'collected'): Promise<Usage>;
  /** Asks what it answers to a message. */
  ask(message: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export interface OwnSettings {
  readonly valkeyUrl: string;
  readonly keyPrefix: string;
  /** How many processes share the port; see `WORKERS`. */
  readonly workers: number;
  /** Serves the user's view and nothing else; default all views. */
  readonly userViewAlone?: boolean;
  /** What must have become of an event before it is acknowledged; see `FRESHET_ACK`. */
  readonly acknowledge?: string;
}

/** Starts the API as its users do, and returns once it listens. */
export async function startOwn(settings: OwnSettings): Promise<ContenderProcess> {
  const api = new ApiProcess({
    settings: {
      NODE_ENV: 'production',
      PORT: '0',
      LOG_LEVEL: 'warn',
      VALKEY_URL: settings.valkeyUrl,
      FRESHET_KEY_PREFIX: settings.keyPrefix,
      WORKERS: String(settings.workers),
      ...(settings.acknowledge !== undefined && { FRESHET_ACK: settings.acknowledge }),
    },
    nodeOptions: settings.userViewAlone ? [...nodeOptions, '--import', userViewAlone] : nodeOptions,
  });
  const url = await api.listening();
  return contender(api.child, Number(new URL(url).port), () => api.stop());
}

/** Starts another, and returns once it listens. */
export async function startPeer(peer: Peer, settings: PeerSettings): Promise<ContenderProcess> {
  const program = fileURLToPath(new URL(`../peers/${peer}.ts`, import.meta.url));
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--import', endsWithParent, program, JSON.stringify(settings)],
    { env: { ...process.env, NODE_ENV: 'production' }, stdio: ['pipe', 'pipe', 'inherit', 'ipc'] },
  );
  const ended = once(child, 'close');
  const listening = once(createInterface(child.stdout as Readable), 'line').then(
    ([line]) => /listens on (\S+)/.exec(line)?.[1],
  );
  const url = await Promise.race([listening, ended.then(() => undefined)]);
  if (url === undefined) throw new Error(`${peer} ended before it listened`);
  return contender(child, Number(new URL(url).port || 0), async () => {
    child.kill('SIGTERM');
    await ended;
  });
}

function contender(child: ChildProcess, port: number, stop: () => Promise<void>): ContenderProcess {
  const ended = once(child, 'close').then(() => Promise.reject(new Error('a contender ended while it was measured')));
  ended.catch(() => {});
  const ask = async (message: unknown) => {
    const answered = once(child, 'message');
    child.send(message as string);
    return (await Promise.race([answered, ended]))[0];
  };
  return { port, ask, stop, usage: (collected) => ask(collected ?? 'usage') as Promise<Usage> };
}
