import type { View } from '../../src/define/index.ts';
import type { Engine, Vector } from '../../src/engine/index.ts';

/**
 * How certain a value is. `EXACT`: it is the value. `INTERPOLATED`: a window's edge cuts a compacted cell, and the true
 * value lies from `lower` to `upper`. `SAMPLED`: it is estimated from a sample, and probably lies there.
 */
export interface Certainty {
  readonly exact: boolean;
  readonly lower: number;
  readonly upper: number;
  readonly method: 'EXACT' | 'INTERPOLATED' | 'SAMPLED';
}

/** An engine that tells how certain its values are: for each id, one for each stored feature in the order of the view. */
interface CandidEngine {
  accuracy(view: View, ids: readonly string[]): Promise<readonly (readonly Certainty[])[]>;
}

/** Whether an engine tells; one that does not claims that all its values are exact. */
export function tellsCertainty(engine: object): engine is CandidEngine {
  return typeof (engine as Partial<CandidEngine>).accuracy === 'function';
}

/** How certain each value of a vector is that was read just now. */
export async function certaintiesOf(engine: Engine, vector: Vector): Promise<readonly Certainty[]> {
  if (tellsCertainty(engine)) {
    const [certainties] = await engine.accuracy(vector.view, [vector.id]);
    if (certainties) return certainties;
  }
  return Array.from(vector.values, (value) => ({ exact: true, lower: value, upper: value, method: 'EXACT' }));
}
