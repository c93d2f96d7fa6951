import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a process holds, once its garbage is collected. */
export interface ProcessState {
  readonly heapBytes: number;
  /** Of what it holds outside of the heap. */
  readonly externalBytes: number;
  /** What keeps it alive or could: sockets, timers and the like. */
  readonly handles: number;
  /** The longest that its event loop was held up since it was last asked. */
  readonly heldUpMs: number;
}

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();

/** Loaded before a program's own module, it tells of the process whenever the test asks. */
process.on('message', () => {
  const heldUpMs = delay.max / 1e6;
  // What is only reachable by what a first collection finalizes goes with a second.
  for (let i = 0; i < 2; i++) globalThis.gc?.();
  delay.reset();
  const { heapUsed, external } = process.memoryUsage();
  const state: ProcessState = {
    heapBytes: heapUsed,
    externalBytes: external,
    handles: process.getActiveResourcesInfo().length,
    heldUpMs,
  };
  process.send?.(state);
});
process.channel?.unref();
