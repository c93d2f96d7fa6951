import type { Milliseconds } from '../define/index.ts';
import type { AggregatePlaces } from './layout.ts';
import type { Lane, Plan } from './plan.ts';

/** What a pass over the cells gathers: a lane from a delay on, and, in an array of its own, where. */
export interface Run {
  readonly lane: number;
  readonly delayMs: Milliseconds;
  readonly places: AggregatePlaces;
}

/** Doubles of a run, whatever its lane. */
const runDoubles = 9;

export function runsOf(plan: Plan): Run[] {
  const runs: Run[] = [];
  for (const { lane, delayMs } of plan.groups) {
    if (runs.some((run) => run.lane === lane && run.delayMs === delayMs)) continue;
    const at = 1 + runDoubles * runs.length;
    const values = (plan.lanes[lane] as Lane).column > 0;
    const places = {
      n: at,
      sum: values ? at + 1 : 0,
      least: values ? at + 4 : 0,
      spread: values ? at + 6 : 0,
      trues: at + 8,
    };
    runs.push({ lane, delayMs, places });
  }
  return runs;
}
