import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { EmbeddedValkeyError } from './embedded-valkey-error.ts';
import { lockFileName } from './lock.ts';
import { readLockFile } from './lock-file.ts';
import { belongsTo, identifyServer } from './orphan.ts';

/**
 * Where the embedded Valkey of another process listens that runs on this data directory. Touches nothing: neither the lock
 * nor the server are this process's.
 * @returns such as `valkey://127.0.0.1:40123`.
 * @throws EmbeddedValkeyError VALKEY_NOT_RUNNING, which says what to do; DATA_DIRECTORY_IN_USE where the lock file is damaged.
 */
export async function findEmbeddedValkey(dataDir: string): Promise<string> {
  const directory = resolve(dataDir);
  const record = readLockFile(join(directory, lockFileName));
  if (record === null) throw notRunning(`No Freshet runs on the data directory ${directory}.`);
  if (record.hostname !== hostname()) {
    throw notRunning(
      `The data directory ${directory} is used on another machine or in another container (“${record.hostname}”), whose Valkey cannot be reached from here.`,
    );
  }
  const server = record.port === null ? null : await identifyServer(record.port);
  if (server === null || !belongsTo(server, record)) {
    throw notRunning(`The Valkey of process ${record.ownerPid} on the data directory ${directory} does not answer.`);
  }
  return `valkey://127.0.0.1:${record.port}`;
}

function notRunning(what: string): EmbeddedValkeyError {
  return new EmbeddedValkeyError('VALKEY_NOT_RUNNING', what);
}
