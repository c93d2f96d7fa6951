/** What asks a process to end: the system, Ctrl-C, a terminal that closes. */
export type EndSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

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
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
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
