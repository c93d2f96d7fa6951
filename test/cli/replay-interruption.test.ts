import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ending } from '../support/ended.ts';
import { until } from '../support/until.ts';
import { header, startReplay, testFolder } from './replay-command.ts';

const { file, path: inFolder } = testFolder();

// One user: each row is a batch of its own, so that this takes far longer than a test waits.
const endless = Array.from(
  { length: 100_000 },
  (_, i) => `t${i},${new Date(1_704_067_200_000 + i * 1_000).toISOString()},u1,m1,10,0`,
);

let history: string;
beforeAll(async () => {
  history = await file('endless.csv', [header, ...endless]);
});

/** A replay into an embedded Valkey, with a folder of its own for temporary files and one for its output. */
async function startLong(name: string) {
  const temporary = inFolder(`tmp-${name}`);
  const outputs = inFolder(`out-${name}`);
  await mkdir(temporary);
  await mkdir(outputs);
  await writeFile(join(outputs, 'training.csv'), 'of an earlier run\n');
  const child = startReplay(['--out', join(outputs, 'training.csv'), history], { TMPDIR: temporary });
  return { child, ended: ending(child), temporary, outputs };
}

/** The server's process, by the lock of its folder; null while there is none. */
function serverIn(temporary: string): number | null {
  const folder = readdirSync(temporary).find((name) => name.startsWith('freshet-valkey-'));
  const lock = folder ? join(temporary, folder, 'freshet.lock') : '';
  return existsSync(lock) ? (JSON.parse(readFileSync(lock, 'utf8')) as { valkeyPid: number | null }).valkeyPid : null;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a replay that is interrupted', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s takes its Valkey along and exits with %d', async (signal, status) => {
    const { child, ended, temporary, outputs } = await startLong(signal);
    const server = await until(() => serverIn(temporary));
    await until(async () => (await readdir(outputs)).some((name) => name.endsWith('.partial')));
    child.kill(signal);
    expect(await ended).toMatchObject({
      status,
      stderr: expect.stringMatching(new RegExp(`^interrupted by ${signal}\n$`)),
    });
    expect(runs(server)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
    expect(await readdir(outputs)).toEqual(['training.csv']);
    expect(readFileSync(join(outputs, 'training.csv'), 'utf8')).toBe('of an earlier run\n');
  });

  it('by its terminal and by npm at once is interrupted once', async () => {
    const { child, ended, temporary } = await startLong('echo');
    const server = await until(() => serverIn(temporary));
    // Not the same one twice: the system may make one of those.
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ stderr: expect.stringMatching(/^interrupted by \w+\n$/) });
    expect(runs(server)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('while its Valkey starts leaves none behind', async () => {
    const { child, ended, temporary } = await startLong('starting');
    const server = await until(() => serverIn(temporary));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130 });
    expect(runs(server)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('twice does not wait for what hangs, and still asks its Valkey to end', async () => {
    const { child, ended, temporary, outputs } = await startLong('twice');
    const server = await until(() => serverIn(temporary));
    await until(async () => (await readdir(outputs)).some((name) => name.endsWith('.partial')));
    process.kill(server, 'SIGSTOP');
    try {
      // Until it is taken for a second request.
      await until(() => {
        child.kill('SIGINT');
        return child.exitCode !== null;
      });
      expect(await ended).toMatchObject({ status: 130 });
    } finally {
      process.kill(server, 'SIGCONT');
    }
    await until(() => !runs(server));
    expect(await readdir(outputs)).toEqual(['training.csv']);
  });
});
