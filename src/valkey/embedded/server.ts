import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findServer, type SearchOptions, type ServerBinary } from './binary.ts';
import { EmbeddedValkeyError, reasonOf } from './embedded-valkey-error.ts';
import { findFreePort, foundPortTaken, type LaunchedServer, launch, type ServerExit } from './launch.ts';
import { type DataDirectoryLock, lockDataDirectory } from './lock.ts';
import { identifyServer, processTitle } from './orphan.ts';
import { identifyProcess } from './process-identity.ts';
import { ask, ReplyError } from './resp.ts';
import { createThrowawayDirectory, removeThrowawayDirectory } from './throwaway-directory.ts';

/** A Valkey that runs as our child, reachable from this machine only, and dies with us. */
export interface EmbeddedValkey {
  /** Such as `valkey://127.0.0.1:40123`. */
  readonly url: string;
  /** Of the child: the server, or the Docker client that runs it. */
  readonly pid: number;
  /** Such as `Valkey 8.0.1`. */
  readonly version: string;
  /** Settles when the server ends, of itself or by `stop`; never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Ends the server, which writes out its data first, and gives the directory back. May be called again. */
  stop(): Promise<void>;
}

/** With `persistent`, the data survives in `dataDir` (created if need be); else it is in memory and gone at `stop`. */
export type EmbeddedValkeyOptions = SearchOptions &
  (
    | { readonly persistent: true; readonly dataDir: string; readonly lockPatienceMs?: number }
    | { readonly persistent: false; readonly dataDir?: never; readonly lockPatienceMs?: never }
  ) & {
    /** Whether each write is on disk before it is answered; else within a second. Default false. */
    readonly syncsAlways?: boolean;
    /** Which port of 127.0.0.1 to try next; default any free one. */
    readonly choosePort?: () => Promise<number>;
  };

/** Given up when a server neither answers nor ends for so long; loading its data counts as an answer. */
const silenceMs = 30_000;
/** Until a server that was asked to end is killed. */
const stopPatienceMs = 20_000;
/** How many ports are tried, should others take them between our look and the server's. */
const portAttempts = 10;

/**
 * Starts an embedded Valkey and returns once it answers and has loaded its data.
 * @throws EmbeddedValkeyError: DATA_DIRECTORY_IN_USE (by a living process, which is left alone), DATA_DIRECTORY_UNUSABLE,
 * VALKEY_NOT_FOUND (what to install), VALKEY_START_FAILED (with the server's own last words), VALKEY_ORPHAN_STUCK.
 */
export async function startEmbeddedValkey(options: EmbeddedValkeyOptions): Promise<EmbeddedValkey> {
  const { persistent, report } = options;
  const binary = await findServer(options);
  const directory = persistent ? createDataDirectory(options.dataDir) : await createThrowawayDirectory(report);
  const lock = await takeLock(directory, options).catch((error: unknown) => {
    if (!persistent) removeThrowawayDirectory(directory);
    throw error;
  });
  const giveBack = (): void => {
    lock.release();
    if (!persistent) removeThrowawayDirectory(directory);
  };
  const { server, port } = await startOnFreePort(binary, directory, lock, options).catch((error: unknown) => {
    giveBack();
    throw error;
  });
  let stopping: Promise<void> | null = null;
  return {
    url: `valkey://127.0.0.1:${port}`,
    pid: server.pid,
    version: binary.version,
    exited: server.exited,
    stop() {
      stopping ??= end(server, report).finally(giveBack);
      return stopping;
    },
  };
}

function createDataDirectory(path: string): string {
  const directory = resolve(path);
  try {
    createDirectory(directory);
    return directory;
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** Level by level: where none can be created, as in /proc, Node's own `recursive` tries for ever. */
function createDirectory(path: string): void {
  if (isDirectory(path)) return;
  createDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Unless somebody else was quicker.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function takeLock(directory: string, options: EmbeddedValkeyOptions): Promise<DataDirectoryLock> {
  const { report, lockPatienceMs } = options;
  try {
    return await lockDataDirectory(directory, {
      report,
      ...(lockPatienceMs !== undefined && { patienceMs: lockPatienceMs }),
    });
  } catch (error) {
    throw error instanceof EmbeddedValkeyError ? error : unusable(directory, error);
  }
}

function unusable(directory: string, error: unknown): EmbeddedValkeyError {
  return new EmbeddedValkeyError(
    'DATA_DIRECTORY_UNUSABLE',
    `The data directory ${directory} cannot be used: ${reasonOf(error)}. ` +
      'Set FRESHET_DATA_DIR to a folder on a local disk that this user may write to.',
    { cause: error },
  );
}

async function startOnFreePort(
  binary: ServerBinary,
  directory: string,
  lock: DataDirectoryLock,
  options: EmbeddedValkeyOptions,
): Promise<{ server: LaunchedServer; port: number }> {
  const { persistent, report, syncsAlways = false, choosePort = findFreePort } = options;
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort();
    // Noted before there is a server, and again once it tells more: at no moment may one run that the lock does not know.
    lock.note({ port, valkeyPid: null, valkeyStartedAt: null, runId: null });
    const server = await launch({ binary, directory, persistent, syncsAlways, port, token: lock.token }).catch(
      (error: unknown) => {
        throw startFailed(binary, `it cannot be executed: ${reasonOf(error)}`, []);
      },
    );
    if (binary.kind === 'program') {
      lock.note({ valkeyPid: server.pid, valkeyStartedAt: identifyProcess(server.pid)?.startedAt ?? null });
    }
    const outcome = await Promise.race([server.exited, untilReady(server, port, lock, report)]).catch(
      async (error: unknown) => {
        await server.kill();
        await server.exited;
        throw error;
      },
    );
    if (outcome === 'ready') return { server, port };
    if (outcome === 'silent') {
      await server.kill();
      const { lastWords } = await server.exited;
      throw startFailed(binary, `it did not answer on port ${port} for ${silenceMs / 1_000} s`, lastWords);
    }
    if (!foundPortTaken(outcome) || attempt === portAttempts) {
      throw startFailed(binary, `it ended ${describeExit(outcome)}`, outcome.lastWords);
    }
  }
}

/** Waits until the server that answers on the port is this one and has loaded its data. */
async function untilReady(
  server: LaunchedServer,
  port: number,
  lock: DataDirectoryLock,
  report: (line: string) => void,
): Promise<'ready' | 'silent'> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  let silentSince = performance.now();
  let known = false;
  let loading = false;
  while (!ended && performance.now() - silentSince < silenceMs) {
    const identity = await identifyServer(port);
    // Whoever else answers has taken the port before our server could, which will end of it.
    if (identity?.title === processTitle(lock.token)) {
      silentSince = performance.now();
      if (!known) lock.note({ valkeyPid: identity.pid, runId: identity.runId });
      known = true;
      const state = await ping(port);
      if (state === 'ready') return 'ready';
      if (state === 'loading' && !loading) report('Valkey is loading its data');
      loading = state === 'loading';
    }
    await delay(10);
  }
  return 'silent';
}

async function ping(port: number): Promise<'ready' | 'loading' | 'silent'> {
  try {
    return (await ask(port, ['PING'])) === 'PONG' ? 'ready' : 'silent';
  } catch (error) {
    return error instanceof ReplyError && error.kind === 'LOADING' ? 'loading' : 'silent';
  }
}

async function end(server: LaunchedServer, report: (line: string) => void): Promise<void> {
  server.terminate();
  const ended = await Promise.race([server.exited.then(() => true), delay(stopPatienceMs, false, { ref: false })]);
  if (ended) return;
  report(`Valkey (process ${server.pid}) did not end within ${stopPatienceMs / 1_000} s and is killed`);
  await server.kill();
  await server.exited;
}

/** VALKEY_ENDED, for a server that ended although nobody stopped it. */
export function endedError(exit: ServerExit): EmbeddedValkeyError {
  return new EmbeddedValkeyError(
    'VALKEY_ENDED',
    `The embedded Valkey ended ${describeExit(exit)}.${quote(exit.lastWords)}`,
  );
}

function describeExit({ code, signal }: ServerExit): string {
  return signal === null ? `with status ${code}` : `by ${signal}`;
}

function quote(lastWords: readonly string[]): string {
  return lastWords.length === 0 ? '' : ` Its last words:${lastWords.map((line) => `\n  ${line}`).join('')}`;
}

function startFailed(binary: ServerBinary, what: string, lastWords: readonly string[]): EmbeddedValkeyError {
  return new EmbeddedValkeyError(
    'VALKEY_START_FAILED',
    `The embedded Valkey (${binary.command}, ${binary.version}) did not start: ${what}.${quote(lastWords)}`,
  );
}
