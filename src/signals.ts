import { constants } from 'node:os';

const endSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** What asks a process to end: the system, Ctrl-C, a terminal that closes. */
export type EndSignal = (typeof endSignals)[number];

/** The exit code of what a signal ended before it was done, as a shell has it: 128 and the signal's number. */
export function exitCodeOf(signal: EndSignal): number {
  return 128 + constants.signals[signal];
}

export interface EndSignalListener {
  first(signal: EndSignal): void;
  /** Whoever asks again has lost patience. */
  again(signal: EndSignal): void;
}

/** A signal to the process group comes twice to a script of npm: npm, which has it too, passes it on some milliseconds later. */
const sameRequestMs = 500; // half a second

/** Tells of SIGTERM, SIGINT and SIGHUP, which no longer end the process; those within half a second of the first are one request. */
export function onEndSignal({ first, again }: EndSignalListener): void {
  let askedAt: number | null = null;
  for (const signal of endSignals) {
    process.on(signal, () => {
      if (askedAt === null) {
        askedAt = performance.now();
        first(signal);
      } else if (performance.now() - askedAt > sameRequestMs) {
        again(signal);
      }
    });
  }
}

/** Leaves SIGTERM, SIGINT and SIGHUP to somebody else: they do not end this process. */
export function ignoreEndSignals(): void {
  for (const signal of endSignals) process.on(signal, () => {});
}

/** Whether what ended a process asks to end. */
export function isEndSignal(signal: NodeJS.Signals | null): signal is EndSignal {
  return endSignals.some((one) => one === signal);
}
