import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60']);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await expect.poll(() => identifyProcess(pid)).toBeNull();
    expect(process.kill(pid, 0)).toBe(true);
    parent.kill('SIGKILL');
  });
});
