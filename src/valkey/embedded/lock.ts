import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedValkeyError } from './embedded-valkey-error.ts';
import { createLockFile, type LockRecord, readLockFile, replaceLockFile } from './lock-file.ts';
import { stopOrphan } from './orphan.ts';
import { identifyProcess, isRunning } from './process-identity.ts';

/*
 * One Freshet to a data directory, by the file `freshet.lock` in it. Where there is none, whoever creates it holds the
 * directory. One whose owner lives is never touched. One whose owner is dead is stale and is taken over, for which
 * deleting it would not do: of two who found it stale, the slower would delete the quicker one's new lock. So:
 *
 * - Every lock has a token of its own. To take a lock over is first to create `freshet.lock.claim-<its token>`, which
 *   succeeds for one only. A claim is a lock itself; when its owner died over it, it is claimed in the same way by its own token.
 * - Whoever holds the claim looks whether the stale lock is still there. If so nobody else may change it: its owner is dead,
 *   and others need the claim. He stops the server that the dead owner left, then replaces the lock by his own.
 * - Claims are removed only once the lock that they were for is gone, or by their own owner. So one who creates the claim
 *   late, after it was removed, sees another token in the lock and lets go.
 */

export interface DataDirectoryLock {
  /** Unlike any other lock's; the server bears it in its process title. */
  readonly token: string;
  /** Notes down which server runs here, for whoever has to stop it should we be killed. */
  note(server: Partial<Pick<LockRecord, 'port' | 'valkeyPid' | 'valkeyStartedAt' | 'runId'>>): void;
  /** Gives the directory back. To be called once the server has ended. */
  release(): void;
}

export interface LockOptions {
  readonly report: (line: string) => void;
  /** How many milliseconds to wait for a living owner, who may be shutting down just now. Default 3 s. */
  readonly patienceMs?: number;
}

export const lockFileName = 'freshet.lock';

/**
 * Takes the data directory for this process, and stops the server that a killed owner left running on it.
 * @throws EmbeddedValkeyError DATA_DIRECTORY_IN_USE while another process holds it, which is left alone;
 * VALKEY_ORPHAN_STUCK when the server that was left cannot be stopped.
 */
export async function lockDataDirectory(directory: string, options: LockOptions): Promise<DataDirectoryLock> {
  const { report, patienceMs = 3_000 } = options;
  const path = join(directory, lockFileName);
  const deadline = performance.now() + patienceMs;
  const mine = newRecord();
  for (let attempt = 0; ; attempt += 1) {
    const holder = await tryToLock(path, mine, report);
    if (holder === 'mine') break;
    if (holder !== 'changed') {
      if (isElsewhere(holder) || performance.now() >= deadline) throw inUse(directory, path, holder);
      if (attempt === 0) report(`Waiting for process ${holder.ownerPid}, which uses ${directory}, to end`);
    }
    await delay(50);
  }
  removeClaims(directory);
  return heldLock(path, mine);
}

function heldLock(path: string, mine: LockRecord): DataDirectoryLock {
  let record = mine;
  return {
    token: mine.token,
    note(server) {
      record = { ...record, ...server };
      replaceLockFile(path, record);
    },
    release() {
      rmSync(path, { force: true });
    },
  };
}

/** Who holds the lock now; `changed` when it changed hands meanwhile and is to be looked at again. */
async function tryToLock(
  path: string,
  mine: LockRecord,
  report: (line: string) => void,
): Promise<LockRecord | 'mine' | 'changed'> {
  if (createLockFile(path, mine)) return 'mine';
  const found = readLockFile(path);
  if (found === null) return 'changed';
  return isHeld(found) ? found : takeOver(path, found, mine, report);
}

async function takeOver(
  path: string,
  stale: LockRecord,
  mine: LockRecord,
  report: (line: string) => void,
): Promise<LockRecord | 'mine' | 'changed'> {
  let claimPath = `${path}.claim-${stale.token}`;
  while (!createLockFile(claimPath, newRecord())) {
    const other = readLockFile(claimPath);
    if (other === null) return 'changed';
    if (isHeld(other)) return other;
    claimPath = `${path}.claim-${other.token}`;
  }
  try {
    if (readLockFile(path)?.token !== stale.token) return 'changed';
    // Before the lock is replaced: the stale one is all that tells of the server, should we die over this.
    await stopOrphan(stale, report);
    replaceLockFile(path, mine);
    return 'mine';
  } finally {
    rmSync(claimPath, { force: true });
  }
}

/** What those left who died while they took over. Safe for whoever holds the lock: these claims are all on other locks. */
function removeClaims(directory: string): void {
  for (const name of readdirSync(directory)) {
    // Not the draft of a claim that somebody is about to make.
    if (name.startsWith(`${lockFileName}.claim-`) && !name.includes('.draft-'))
      rmSync(join(directory, name), { force: true });
  }
}

function newRecord(): LockRecord {
  return {
    token: crypto.randomUUID(),
    hostname: hostname(),
    ownerPid: process.pid,
    ownerStartedAt: identifyProcess(process.pid)?.startedAt ?? null,
    port: null,
    valkeyPid: null,
    valkeyStartedAt: null,
    runId: null,
  };
}

function isHeld(record: LockRecord): boolean {
  return isElsewhere(record) || isRunning({ pid: record.ownerPid, startedAt: record.ownerStartedAt });
}

function isElsewhere(record: LockRecord): boolean {
  return record.hostname !== hostname();
}

function inUse(directory: string, path: string, holder: LockRecord): EmbeddedValkeyError {
  const message = isElsewhere(holder)
    ? `The data directory ${directory} is locked by process ${holder.ownerPid} on another machine or in another ` +
      `container (“${holder.hostname}”), which cannot be looked at from here. If it has ended, delete ${path} and start again.`
    : `Another Freshet is running on this data directory (process ${holder.ownerPid}, ${directory}). ` +
      'Stop it, or give this one a directory of its own with FRESHET_DATA_DIR.';
  return new EmbeddedValkeyError('DATA_DIRECTORY_IN_USE', message);
}
