import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedValkeyError, reasonOf } from './embedded-valkey-error.ts';
import type { LockRecord } from './lock-file.ts';
import { isRunning } from './process-identity.ts';
import { ask, HungUpError, ReplyError } from './resp.ts';

/** Who listens on a port, in its own words. */
interface ServerIdentity {
  readonly runId: string;
  readonly pid: number;
  /** The title that its start gave it, which holds the lock's token; null where it will not say. */
  readonly title: string | null;
}

/** How a server is named in a list of processes. By the token it is known before it has told its run id. */
export function processTitle(token: string): string {
  return `freshet-valkey ${token}`;
}

/**
 * The Valkey or Redis that answers on 127.0.0.1:`port`, also while it loads its data.
 * Null when nobody listens there, or somebody who is neither or keeps it to himself.
 */
export async function identifyServer(port: number): Promise<ServerIdentity | null> {
  try {
    const text = String(await ask(port, ['INFO', 'server']));
    const runId = /^run_id:(\w+)/m.exec(text)?.[1];
    const pid = /^process_id:(\d+)/m.exec(text)?.[1];
    if (runId === undefined || pid === undefined) return null;
    const title = await ask(port, ['CONFIG', 'GET', 'proc-title-template']).catch(() => null);
    return { runId, pid: Number(pid), title: Array.isArray(title) && title[1] !== undefined ? String(title[1]) : null };
  } catch {
    return null;
  }
}

/**
 * Stops the server that a dead owner of `record` left running, if there is one: it is asked to shut down, which writes
 * out its append-only file, and waited for. A server that is not provably the record's is left alone.
 * @throws EmbeddedValkeyError VALKEY_ORPHAN_STUCK when it refuses, or does not end within `timeoutMs`.
 */
export async function stopOrphan(
  record: LockRecord,
  report: (line: string) => void,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const orphan = await findOrphan(record, deadline);
  if (orphan === null) return;
  report(`Stopping the Valkey (process ${orphan.pid}, port ${orphan.port}) that an earlier run left behind`);
  try {
    await ask(orphan.port, ['SHUTDOWN'], timeoutMs);
  } catch (error) {
    // A refusal is a reply; hanging up is what it does when it obeys, and it may have been quicker than we.
    if (error instanceof ReplyError) throw stuck(record, `refuses to shut down: ${reasonOf(error)}`);
    if (!(error instanceof HungUpError) && (await answers(orphan))) throw stuck(record, reasonOf(error));
  }
  while ((await answers(orphan)) || processRuns(record)) {
    if (performance.now() > deadline) throw stuck(record, `has not ended ${timeoutMs / 1_000} s after it was asked to`);
    await delay(20);
  }
}

interface Orphan {
  readonly port: number;
  readonly pid: number;
  readonly runId: string;
}

async function findOrphan(record: LockRecord, deadline: number): Promise<Orphan | null> {
  const { port } = record;
  if (port === null) return null;
  for (;;) {
    const server = await identifyServer(port);
    if (server !== null && belongsTo(server, record)) return { port, pid: server.pid, runId: server.runId };
    // Its process runs and does not answer as itself: just started, busy, or just ending.
    if (!processRuns(record)) return null;
    if (performance.now() > deadline) throw stuck(record, 'does not answer');
    await delay(50);
  }
}

/** Whether a server is the one that a record tells of. */
export function belongsTo(server: ServerIdentity, record: LockRecord): boolean {
  // Killed before it had asked for the run id, the owner still had put its token into the server's title.
  if (record.runId === null) return server.title === processTitle(record.token);
  return server.runId === record.runId && server.pid === record.valkeyPid;
}

async function answers(orphan: Orphan): Promise<boolean> {
  return (await identifyServer(orphan.port))?.runId === orphan.runId;
}

function processRuns(record: LockRecord): boolean {
  // Without a start time the pid proves nothing: it may be another's by now, or one inside a container.
  if (record.valkeyPid === null || record.valkeyStartedAt === null) return false;
  return isRunning({ pid: record.valkeyPid, startedAt: record.valkeyStartedAt });
}

function stuck(record: LockRecord, what: string): EmbeddedValkeyError {
  return new EmbeddedValkeyError(
    'VALKEY_ORPHAN_STUCK',
    `The Valkey (process ${record.valkeyPid ?? 'unknown'}, port ${record.port}) that an earlier run left behind on this ` +
      `data directory ${what}. Stop it, then start again.`,
  );
}
