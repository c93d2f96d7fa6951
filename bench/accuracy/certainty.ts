import type { Certainty, Engine, Vector } from '../../src/engine/index.ts';

/** How certain each value of a vector is that was read just now, in the order of the view. */
export async function certaintiesOf(engine: Engine, vector: Vector): Promise<readonly Certainty[]> {
  const [found] = await engine.past(vector.view, [{ id: vector.id, moments: [vector.asOf] }]);
  const [past] = found ?? [];
  if (!past) throw new Error(`the engine told nothing of ${vector.id}`);
  return past.certainties;
}
