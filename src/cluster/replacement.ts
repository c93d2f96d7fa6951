import type { WorkerExit } from './seat.ts';

const shortestPauseMs = 100;
const longestPauseMs = 10_000; // 10 seconds
/** Who has served for so long had no fault that whoever comes next will have at once. */
const steadyMs = 60_000; // a minute

/** When the next worker takes the place of one that has ended: at once, so to say, but ever later the more often they end soon. */
export class ReplacementPauses {
  #soon = 0;

  /** In how many milliseconds, after this one has ended. */
  after({ servedMs }: WorkerExit): number {
    if (servedMs !== null && servedMs >= steadyMs) this.#soon = 0;
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** this.#soon);
    this.#soon++;
    return pauseMs;
  }
}
