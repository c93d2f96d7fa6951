import type { Logger } from 'pino';
import { type EndSignal, onEndSignal } from '../signals.ts';

export interface ShutdownOptions {
  readonly log: Logger;
  /** In this order, one after the other. */
  readonly steps: readonly (() => Promise<void> | void)[];
  /** Breaks what the steps wait for. */
  readonly force: () => void;
  /** With what a signal ends the process, if all was done in time; default 0. */
  readonly exitCodeOf?: (signal: EndSignal) => number;
  /** How long the steps may take; default 10 s. */
  readonly deadlineMs?: number;
}

/** What is left to the remaining steps once the deadline has passed and all was broken that they wait for. */
const lastStepsMs = 2_000; // 2 seconds

/**
 * Ends the process in good order when it is asked to by SIGTERM, SIGINT or SIGHUP, and at once when it is asked again.
 * @returns how to begin the same without a signal, and with another exit code.
 */
export function shutDownOnSignal(options: ShutdownOptions): (reason: string, exitCode: number) => void {
  const { log, force, exitCodeOf = () => 0 } = options;
  let begun = false;
  const begin = (reason: string, exitCode: number) => {
    if (begun) return;
    begun = true;
    log.info(`Shutting down: ${reason}`);
    void runSteps(options).then((inTime) => process.exit(inTime ? exitCode : 1));
  };
  const leave = (signal: string) => {
    log.warn(`${signal} while shutting down: leaving at once`);
    force();
    process.exit(1);
  };
  onEndSignal({ first: (signal) => (begun ? leave(signal) : begin(signal, exitCodeOf(signal))), again: leave });
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
