import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDirectory, lockFileName } from './lock.ts';

const prefix = 'freshet-valkey-';
/** What a Valkey that keeps its data has in its folder. */
const keptData = 'appendonlydir';

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

/**
 * Removes a folder that another process had its server in, which has ended, however that went: a server that it left running is stopped.
 * @throws EmbeddedValkeyError if that process or its server still runs, which the next throwaway folder will see to.
 */
export async function clearThrowawayDirectory(directory: string, report: (line: string) => void): Promise<void> {
  // Where it ended in good order there is no lock any more.
  if (existsSync(join(directory, lockFileName))) await lockDataDirectory(directory, { report });
  removeThrowawayDirectory(directory);
}

async function clearIfAbandoned(directory: string, report: (line: string) => void): Promise<void> {
  const wasServed = existsSync(join(directory, keptData)); // looked at first: a start locks before it keeps anything
  if (!existsSync(join(directory, lockFileName))) {
    // Its server has ended in good order, and whoever was to remove it is gone. Else it is that of a start which has not come to its lock yet.
    if (wasServed) removeThrowawayDirectory(directory);
    return;
  }
  try {
    await lockDataDirectory(directory, { report, patienceMs: 0 });
    removeThrowawayDirectory(directory);
  } catch {
    // In use, or another user's: not ours to clear.
  }
}
