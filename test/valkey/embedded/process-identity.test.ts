import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { identifyProcess, isRunning } from '../../../src/valkey/embedded/process-identity.ts';

describe('a process', () => {
  it('is known again while it runs, and not after', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const identity = identifyProcess(child.pid ?? 0);
    if (identity === null) throw new Error('not found');
    expect(isRunning(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isRunning(identity)).toBe(false);
    expect(identifyProcess(identity.pid)).toBeNull();
  });

  it.runIf(process.platform === 'linux')('is not another that has its pid later', () => {
    expect(isRunning({ pid: process.pid, startedAt: 'before:1' })).toBe(false);
    expect(isRunning({ pid: process.pid, startedAt: null })).toBe(true);
  });

  it.runIf(process.platform === 'linux')('has ended when it is a zombie that its parent does not reap', async () => {
    // The child lives until its pipe closes: by then its parent has become a program that reaps nobody.
    const parent = spawn('sh', ['-c', 'cat <&3 >/dev/null & echo $!; exec sleep 60 3<&-'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    const [line] = (await once(parent.stdout as Readable, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
    (parent.stdio[3] as Writable).end();
    await expect.poll(() => identifyProcess(pid)).toBeNull();
    expect(process.kill(pid, 0)).toBe(true);
    parent.kill('SIGKILL');
  });
});
