import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ServerBinary } from './binary.ts';
import { containerDataDirectory, containerPort, dockerRunArguments, killContainer } from './docker.ts';
import { processTitle } from './orphan.ts';

export interface LaunchOptions {
  readonly binary: ServerBinary;
  /** An absolute path. */
  readonly directory: string;
  /** Whether to keep an append-only file; else nothing is written. */
  readonly persistent: boolean;
  /** Whether each write is on disk before it is answered; else within a second. Default false. */
  readonly syncsAlways?: boolean;
  /** On 127.0.0.1. */
  readonly port: number;
  /** By which the server is known again; see processTitle. */
  readonly token: string;
}

/** How a server ended. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it printed, oldest first. */
  readonly lastWords: readonly string[];
}

/** A server's process, which may not listen yet. */
export interface LaunchedServer {
  /** Of the server, or of the Docker client that runs it. */
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Asks it to end, which writes out its append-only file. Does nothing once it has ended. */
  terminate(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

const keptLines = 20;

/**
 * Starts a server, which is asked to end when this process exits, in whatever way Node gets to see.
 * @throws Error when the program cannot be executed.
 */
export async function launch(options: LaunchOptions): Promise<LaunchedServer> {
  const { binary, directory, port, token } = options;
  const container = `freshet-valkey-${token}-${port}`;
  const args =
    binary.kind === 'program'
      ? serverArguments(options, { host: '127.0.0.1', port, directory })
      : [
          ...dockerRunArguments(binary, container, directory, port),
          ...serverArguments(options, { host: '0.0.0.0', port: containerPort, directory: containerDataDirectory }),
          // Whoever connects comes from outside the container; outside, the port is on the loopback only.
          '--protected-mode',
          'no',
        ];
  const child = spawn(binary.command, args, {
    env: { ...binary.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a process group of its own, Ctrl-C in a terminal reaches the API only, which still has requests to answer.
    detached: true,
  });
  const lastWords = keepLastLines(child);
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, lastWords: lastWords() }));
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // All that can be done then. Nobody can wait any more, so the lock stays, and the next start finds its owner dead.
  const terminate = (): void => void child.kill('SIGTERM');
  process.once('exit', terminate);
  void exited.then(() => process.off('exit', terminate));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${binary.command} has started without a pid`);
  return {
    pid,
    exited,
    terminate,
    async kill() {
      if (binary.kind === 'docker') await killContainer(binary, container);
      child.kill('SIGKILL');
    },
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly directory: string;
}

function serverArguments(options: LaunchOptions, { host, port, directory }: Place): string[] {
  const settings: Readonly<Record<string, string>> = {
    bind: host,
    port: String(port),
    dir: directory,
    save: '',
    appendonly: options.persistent ? 'yes' : 'no',
    appendfsync: options.syncsAlways ? 'always' : 'everysec',
    daemonize: 'no',
    'proc-title-template': processTitle(options.token),
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A port of 127.0.0.1 that is free now; nothing keeps it so. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('the system gave no port'));
      });
    });
  });
}

/** Whether a server ended because its port was taken, in the words of Valkey or Docker. */
export function foundPortTaken({ lastWords }: ServerExit): boolean {
  return lastWords.some((line) => /address already in use|port is already allocated/i.test(line));
}

function keepLastLines(child: ChildProcessByStdio<null, Readable, Readable>): () => readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder('utf8');
    let unfinished = '';
    const keep = (text: string): void => {
      const parts = (unfinished + text).split('\n');
      // An endless line is cut, so that it cannot fill our memory.
      unfinished = (parts.pop() ?? '').slice(-1_000);
      lines.push(...parts.map((line) => line.trim()).filter((line) => line !== ''));
      lines.splice(0, lines.length - keptLines);
    };
    stream.on('data', (chunk: Buffer) => keep(decoder.write(chunk)));
    stream.on('end', () => keep('\n'));
  }
  return () => lines;
}
