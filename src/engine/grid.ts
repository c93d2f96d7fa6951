import type { Milliseconds } from '../define/index.ts';

/** A cell whose whole stretch is at least this old spans this much, and starts at a multiple of it. */
export interface GridLevel {
  readonly fromAgeMs: Milliseconds;
  readonly sizeMs: Milliseconds;
}

/** What of a window decides how finely time must be kept. */
export interface Reach {
  readonly lengthMs: Milliseconds;
  readonly delayMs: Milliseconds;
}

/** An edge cuts one cell: that one must be a small part of what the window holds. */
const cellsPerWindow = 120;

/**
 * The grid on which old cells are put together, finest first: at each age, about a 120th of the shortest window that
 * still has an edge at that age or beyond. Each size is a multiple of the one before, so that coarse stretches are unions
 * of fine ones, whenever they are put together.
 */
export function gridOf(windows: readonly Reach[]): GridLevel[] {
  const ages = [0, ...windows.flatMap(({ lengthMs, delayMs }) => [delayMs, delayMs + lengthMs])].sort((a, b) => a - b);
  const levels: GridLevel[] = [];
  for (const fromAgeMs of ages) {
    const reaching = windows.filter(({ lengthMs, delayMs }) => delayMs + lengthMs > fromAgeMs);
    if (reaching.length === 0) break;
    const widest = Math.min(...reaching.map(({ lengthMs }) => lengthMs)) / cellsPerWindow;
    const finer = levels.at(-1)?.sizeMs ?? 1;
    const sizeMs = Math.max(1, Math.floor(widest / finer)) * finer;
    if (levels.length === 0 || sizeMs > finer) levels.push({ fromAgeMs, sizeMs });
  }
  return levels;
}
