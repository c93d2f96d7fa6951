import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started: the boot's id and clock ticks since then; null where there is no /proc to say so. */
  readonly startedAt: string | null;
}

/** The identity of a running process, or null when there is none with this pid. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const stat = readProcStat(pid);
  if (stat !== null) return stat.ended ? null : { pid, startedAt: stat.startedAt };
  return signalReaches(pid) ? { pid, startedAt: null } : null;
}

/** Whether that very process still runs. Where a start time is missing, any process with its pid counts as the same. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  if (now === null) return false;
  return identity.startedAt === null || now.startedAt === null || identity.startedAt === now.startedAt;
}

function readProcStat(pid: number): { ended: boolean; startedAt: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Counted from behind the program's name, which stands in parentheses and may hold blanks and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (state === undefined || ticks === undefined) return null;
    // A zombie has ended; in a container whose first process reaps nobody it would stay one for ever.
    return { ended: state === 'Z' || state === 'X', startedAt: `${bootId()}:${ticks}` };
  } catch {
    return null;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not permitted: it exists, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
