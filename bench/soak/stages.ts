import { most } from '../report/statistics.ts';
import { type Column, digits, percent, whole } from '../report/table.ts';
import type { Calls } from './calls.ts';

/** What one tenth of the way was like. */
export interface Stage {
  /** Events that were answered by its end. */
  readonly events: number;
  readonly seconds: number;
  readonly calls: Calls;
  /** The most that all keys of the merchant took, at any look. */
  readonly merchantBytes: number;
  readonly usedMemoryBytes: number;
}

export const stageTable: readonly Column[] = [
  'events',
  'events/s',
  'calls',
  'µs each',
  'processor',
  'slow',
  'merchant, bytes',
  'used_memory',
].map((head) => ({ head }));

export function stageRows(stages: readonly Stage[]): string[][] {
  return stages.map(({ events, seconds, calls, merchantBytes, usedMemoryBytes }, i) => [
    whole(events),
    whole((events - (stages[i - 1]?.events ?? 0)) / seconds),
    whole(calls.count),
    digits(calls.totalUs / calls.count),
    percent(calls.processorUs / calls.totalUs),
    whole(calls.slow.length),
    whole(merchantBytes),
    whole(usedMemoryBytes),
  ]);
}

/**
 * How flat memory is: the most of the second half to the most of the first, in which all windows but the longest fill. Twice
 * as many events make 2 of what grows with their number, 1.4 of what grows with its root, and 1.05 of what grows with its
 * logarithm. As a log grows it steps from one size of the allocator to the next, a fifth or a quarter larger: steps about the
 * middle are not growth.
 */
export function growth(stages: readonly Stage[]): number {
  const bytes = stages.map(({ merchantBytes }) => merchantBytes);
  const middle = Math.floor(stages.length / 2);
  return most(bytes.slice(middle)) / most(bytes.slice(0, middle));
}
