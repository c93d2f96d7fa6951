import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDirectory, lockFileName } from './lock.ts';

const prefix = 'freshet-valkey-';

/**
 * A new folder for a server whose data nobody keeps. Those of earlier runs that were killed are cleared away first,
 * with the servers that they left running: nobody else would ever start on them again.
 */
export async function createThrowawayDirectory(report: (line: string) => void): Promise<string> {
  const parent = tmpdir();
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) await clearIfAbandoned(join(parent, name), report);
  }
  return mkdtempSync(join(parent, prefix));
}

export function removeThrowawayDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

async function clearIfAbandoned(directory: string, report: (line: string) => void): Promise<void> {
  // Without a lock it is that of a start which has not come to it yet.
  if (!existsSync(join(directory, lockFileName))) return;
  try {
    await lockDataDirectory(directory, { report, patienceMs: 0 });
    removeThrowawayDirectory(directory);
  } catch {
    // In use, or another user's: not ours to clear.
  }
}
