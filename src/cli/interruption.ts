import { type EndSignal, exitCodeOf, onEndSignal } from '../signals.ts';

/** The user, or the system, wants the command to end. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly code = 'INTERRUPTED';
  readonly exitCode: number;

  constructor(signal: EndSignal) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCodeOf(signal);
  }
}

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into an abort whose reason is an InterruptedError. Who does not end by then
 * within the patience, by default 5 s, or before it is asked again, is ended at once; an embedded Valkey is asked to end even so.
 */
export function abortOnSignal(patienceMs = 5_000): AbortSignal {
  const controller = new AbortController();
  onEndSignal({
    first(signal) {
      const error = new InterruptedError(signal);
      controller.abort(error);
      setTimeout(() => process.exit(error.exitCode), patienceMs).unref();
    },
    again: (signal) => process.exit(new InterruptedError(signal).exitCode),
  });
  return controller.signal;
}
