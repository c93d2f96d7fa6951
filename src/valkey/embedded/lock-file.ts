import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { EmbeddedValkeyError } from './embedded-valkey-error.ts';

/** What a lock file says, as JSON: who holds the data directory, and which server runs on it. */
export interface LockRecord {
  /** Unlike any other lock's. */
  readonly token: string;
  readonly hostname: string;
  readonly ownerPid: number;
  /** See ProcessIdentity; null where the system does not tell. */
  readonly ownerStartedAt: string | null;
  /** Where the server listens; null until one is about to be started. */
  readonly port: number | null;
  /** The server's pid as it knows it itself; null until it has been started. */
  readonly valkeyPid: number | null;
  /** When that process started; null where the system does not tell, or the server is in a container. */
  readonly valkeyStartedAt: string | null;
  /** The server's `run_id`; null until it has been asked. */
  readonly runId: string | null;
}

/** Creates the file with the whole record in it, unless there is one: then false. */
export function createLockFile(path: string, record: LockRecord): boolean {
  const draft = writeDraft(path, record);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Replaces the file in one step. */
export function replaceLockFile(path: string, record: LockRecord): void {
  renameSync(writeDraft(path, record), path);
}

/**
 * The record in the file; null when there is no file.
 * @throws EmbeddedValkeyError DATA_DIRECTORY_IN_USE when it is not a lock's: then nothing tells whether it is held.
 */
export function readLockFile(path: string): LockRecord | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const record = parse(text);
  if (record !== null) return record;
  throw new EmbeddedValkeyError(
    'DATA_DIRECTORY_IN_USE',
    `The lock file ${path} is damaged, so it cannot be told whether another Freshet runs on this data directory. ` +
      'If none does, delete the file and start again.',
  );
}

function writeDraft(path: string, record: LockRecord): string {
  const draft = `${path}.draft-${crypto.randomUUID()}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify(record, null, 2)}\n`);
    // Else a power failure may leave the name without the content.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function parse(text: string): LockRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as { readonly [name: string]: unknown };
  const { token, hostname, ownerPid, ownerStartedAt, port, valkeyPid, valkeyStartedAt, runId } = fields;
  if (typeof token !== 'string' || !/^[\w-]+$/.test(token)) return null;
  if (typeof hostname !== 'string' || typeof ownerPid !== 'number') return null;
  if (!isStringOrNull(ownerStartedAt) || !isStringOrNull(valkeyStartedAt) || !isStringOrNull(runId)) return null;
  if (!isNumberOrNull(port) || !isNumberOrNull(valkeyPid)) return null;
  return { token, hostname, ownerPid, ownerStartedAt, port, valkeyPid, valkeyStartedAt, runId };
}

function isStringOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}
