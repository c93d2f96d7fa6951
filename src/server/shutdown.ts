import type { Logger } from 'pino';
import { type EndSignal, onEndSignal } from '../signals.ts';

export type Step = () => Promise<void> | void;

export interface ShutdownOptions {
  readonly log: Logger;
  /** In this order, one after the other. */
  readonly steps: readonly Step[];
  /** Breaks what the steps wait for. */
  readonly force: () => void;
  /** Whether others, who were to end first, had to break something off; default: nobody had. */
  readonly othersBroke?: () => boolean;
  /** How long the steps may take; default 10 s. */
  readonly deadlineMs?: number;
}

/** What is left to the remaining steps once the deadline has passed and all was broken that they wait for. */
const lastStepsMs = 2_000; // 2 seconds

/** Begins a shutdown, for a reason that is logged and with an exit code; false if it has begun already. */
export type BeginShutdown = (reason: string, exitCode: number) => boolean;

/** Ends the process in good order when it is told to: by what is returned. */
export function shutDownWhenTold(options: ShutdownOptions): BeginShutdown {
  let begun = false;
  return (reason, exitCode) => {
    if (begun) return false;
    begun = true;
    options.log.info(`Shutting down: ${reason}`);
    void runSteps(options).then((inTime) => process.exit(inTime && !options.othersBroke?.() ? exitCode : 1));
    return true;
  };
}

/**
 * The same when it is asked to by SIGTERM, SIGINT or SIGHUP, and at once when it is asked again.
 * @param exitCodeOf with what a signal ends the process, if all was done in time; default 0.
 * @returns how to begin without a signal.
 */
export function shutDownOnSignal(
  options: ShutdownOptions & { readonly exitCodeOf?: (signal: EndSignal) => number },
): BeginShutdown {
  const { log, force, exitCodeOf = () => 0 } = options;
  const begin = shutDownWhenTold(options);
  const leave = (signal: string) => {
    log.warn(`${signal} while shutting down: leaving at once`);
    force();
    process.exit(1);
  };
  onEndSignal({
    first: (signal) => {
      if (!begin(signal, exitCodeOf(signal))) leave(signal);
    },
    again: leave,
  });
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
