import type { Logger } from 'pino';

export interface ShutdownOptions {
  readonly log: Logger;
  /** In this order, one after the other. */
  readonly steps: readonly (() => Promise<void> | void)[];
  /** Breaks what the steps wait for. */
  readonly force: () => void;
  /** How long the steps may take; default 10 s. */
  readonly deadlineMs?: number;
}

/** What is left to the remaining steps once the deadline has passed and all was broken that they wait for. */
const lastStepsMs = 2_000; // 2 seconds

/**
 * Ends the process in good order at the first SIGTERM, SIGINT or SIGHUP, at once at the second.
 * @returns how to begin the same without a signal, and with another exit code.
 */
export function shutDownOnSignal(options: ShutdownOptions): (reason: string, exitCode: number) => void {
  const { log, force } = options;
  let begun = false;
  const begin = (reason: string, exitCode: number) => {
    if (begun) return;
    begun = true;
    log.info(`Shutting down: ${reason}`);
    void runSteps(options).then((inTime) => process.exit(inTime ? exitCode : 1));
  };
  // SIGHUP: a closed terminal must not leave an embedded Valkey behind.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!begun) return begin(signal, 0);
      log.warn(`${signal} again: leaving at once`);
      force();
      process.exit(1);
    });
  }
  return begin;
}

/** @returns whether all were done before the deadline. */
export async function runSteps({ log, steps, force, deadlineMs = 10_000 }: ShutdownOptions): Promise<boolean> {
  let inTime = true;
  const { promise: over, resolve: giveUp } = Promise.withResolvers<void>();
  let timer = setTimeout(() => {
    inTime = false;
    log.warn(`Not done after ${deadlineMs} ms: breaking what is still open`);
    force();
    timer = setTimeout(giveUp, lastStepsMs);
  }, deadlineMs);
  for (const step of steps) {
    try {
      await Promise.race([step(), over]);
    } catch (error) {
      log.error({ err: error }, 'A step of the shutdown failed');
    }
  }
  clearTimeout(timer);
  return inTime;
}
