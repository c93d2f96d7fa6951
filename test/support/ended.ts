import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a program said, and how it ended. */
export interface Ended {
  /** Null: by a signal. */
  readonly status: number | null;
  /** Empty where it was not listened to. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits until a program that has just been started ends. */
export async function ending(child: ChildProcess): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}
