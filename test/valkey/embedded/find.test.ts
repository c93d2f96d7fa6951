import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findEmbeddedValkey } from '../../../src/valkey/embedded/find.ts';
import type { LockRecord } from '../../../src/valkey/embedded/lock-file.ts';
import { startEmbeddedValkey } from '../../../src/valkey/embedded/server.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-test-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const lockPath = () => join(dataDir, 'freshet.lock');
const notRunning = (message: string) => ({ code: 'VALKEY_NOT_RUNNING', message: expect.stringContaining(message) });

describe('findEmbeddedValkey', () => {
  it('finds the server that runs on a directory, and leaves it and its lock alone', async () => {
    const valkey = await startEmbeddedValkey({ persistent: true, dataDir, report: () => {} });
    try {
      const lock = readFileSync(lockPath(), 'utf8');
      expect(await findEmbeddedValkey(dataDir)).toBe(valkey.url);
      expect(readFileSync(lockPath(), 'utf8')).toBe(lock);

      // What answers on the port that a lock names may be another's by now.
      const record = JSON.parse(lock) as LockRecord;
      writeFileSync(lockPath(), JSON.stringify({ ...record, runId: 'another' }));
      await expect(findEmbeddedValkey(dataDir)).rejects.toMatchObject(notRunning('does not answer'));
      writeFileSync(lockPath(), JSON.stringify({ ...record, hostname: 'elsewhere' }));
      await expect(findEmbeddedValkey(dataDir)).rejects.toMatchObject(notRunning('in another container (“elsewhere”)'));
      writeFileSync(lockPath(), lock);
    } finally {
      await valkey.stop();
    }
    await expect(findEmbeddedValkey(dataDir)).rejects.toMatchObject(notRunning(`on the data directory ${dataDir}`));
  });

  it('finds none where there is no directory, and says so of a damaged lock', async () => {
    await expect(findEmbeddedValkey(join(dataDir, 'none'))).rejects.toMatchObject(notRunning('No Freshet runs'));
    writeFileSync(lockPath(), 'nonsense');
    await expect(findEmbeddedValkey(dataDir)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
  });
});
