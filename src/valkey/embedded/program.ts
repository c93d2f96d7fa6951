import { type ExecFileException, execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Environment variables, such as `process.env`; read, never written. */
export type Environment = { readonly [name: string]: string | undefined };

/** The first executable file called `name` on the `PATH` of `environment`, or null. */
export function findOnPath(name: string, environment: Environment): string | null {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export interface RunOptions {
  readonly environment: Environment;
  readonly folder?: string;
  /** The program is killed after so many milliseconds, and the run has failed. Default 10 s. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end, or to ours, and returns what it wrote to its standard output.
 * @throws Error with the program's own last words when it fails, cannot be started, or takes too long.
 */
export function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { environment, folder, timeoutMs = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { env: { ...environment }, ...(folder && { cwd: folder }), timeout: timeoutMs, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        process.off('exit', end);
        if (error === null) resolve(stdout);
        else reject(new Error(`${command} ${args[0] ?? ''}: ${failure(error, stderr, timeoutMs)}`, { cause: error }));
      },
    );
    const end = (): void => void child.kill('SIGKILL');
    // Before whoever clears away what it writes.
    process.prependListener('exit', end);
  });
}

function failure(error: ExecFileException, stderr: string, timeoutMs: number): string {
  if (error.killed) return `took longer than ${timeoutMs / 1_000} s`;
  const words = stderr.trim().split('\n').slice(-3).join('\n');
  return words === '' ? error.message : words;
}
