import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './owner-main.ts';

/** Another process that takes, or tries to take, a data directory. */
export interface OwnerProcess {
  readonly pid: number;
  /** Makes it begin, and tells how that went. */
  go(): Promise<Outcome>;
  /** Sends a message or a signal, and waits for its end. */
  end(how: 'stop' | 'exit' | 'SIGKILL'): Promise<void>;
}

/** `lock` takes the lock only, `start` runs a server too, `throwaway` runs one that keeps nothing. */
export type OwnerMode = 'lock' | 'start' | 'throwaway';

/** Starts one, and returns once it only waits for its `go`. */
export async function ownerProcess(mode: OwnerMode, dataDir: string): Promise<OwnerProcess> {
  const script = fileURLToPath(new URL('owner-main.ts', import.meta.url));
  const child: ChildProcess = fork(script, [mode, dataDir], { execArgv: [] });
  const ended = once(child, 'exit');
  await once(child, 'message');
  return {
    pid: child.pid as number,
    async go() {
      child.send('go');
      const [outcome] = await once(child, 'message');
      return outcome as Outcome;
    },
    async end(how) {
      if (how === 'SIGKILL') child.kill(how);
      else if (child.connected) child.send(how);
      await ended;
    },
  };
}
