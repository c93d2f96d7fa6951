import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, inject } from 'vitest';
import { type Ended, ending } from '../support/ended.ts';

export const header = 'transaction_id,occurred_at,user_id,merchant_id,amount,fraud';

/** A folder for a test file's own files, from its first test to its last. */
export function testFolder(): {
  path(name: string): string;
  file(name: string, lines: readonly string[]): Promise<string>;
} {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'freshet-replay-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  return {
    path,
    /** Gzipped if its name says so. */
    async file(name, lines) {
      const text = `${lines.join('\n')}\n`;
      await writeFile(path(name), name.endsWith('.gz') ? gzipSync(text) : text);
      return path(name);
    },
  };
}

/** Runs the command as a user would, into the tests' Valkey under a fresh prefix. */
export function replay(...args: string[]): Promise<Ended> {
  return replayUnder(`test-replay-${crypto.randomUUID()}`, ...args);
}

export function replayUnder(prefix: string, ...args: string[]): Promise<Ended> {
  return ending(startReplay(['--valkey', inject('valkeyUrl'), '--prefix', prefix, ...args]));
}

export function startReplay(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, ['src/cli/replay.ts', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
}
