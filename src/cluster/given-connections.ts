import type { ChildProcess } from 'node:child_process';

/** Of a connection, as Node passes it from one process to another. */
interface Handle {
  close(): void;
}

/**
 * Node gives a worker one connection after the other, and closes its own end of each when the worker says that it has taken it. If
 * the worker ends before that, nobody would, and the client would wait for ever; this closes that end, too. What was taken
 * is closed already, which does no harm.
 */
export function closeWhatIsNotTaken(worker: ChildProcess): void {
  let newest: Handle | null = null;
  const send = worker.send.bind(worker) as (...given: unknown[]) => boolean;
  worker.send = (...given: unknown[]) => {
    const [, handle] = given;
    if (isHandle(handle)) newest = handle;
    return send(...given);
  };
  worker.once('exit', () => newest?.close());
}

function isHandle(given: unknown): given is Handle {
  return typeof given === 'object' && given !== null && 'close' in given && typeof given.close === 'function';
}
