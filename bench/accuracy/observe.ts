import type { Certainty, Vector } from '../../src/engine/index.ts';
import { EngineContender, largestBatch } from '../contenders/engine.ts';
import type { Deadline } from '../deadline.ts';
import type { BenchServer } from '../server.ts';
import { type History, transactionsOf } from '../simulate/history.ts';
import { certaintiesOf } from './certainty.ts';
import { type ComparedKind, isCompared, Reference } from './reference.ts';

/** One value of one vector beside the true one. */
export interface Observation {
  readonly kind: ComparedKind;
  readonly method: Certainty['method'];
  /** Of the true value. */
  readonly error: number;
  /** From `lower` to `upper`, of the value. */
  readonly width: number;
  /** It was said to be exact, or to lie within bounds, and does not. */
  readonly wrong: boolean;
}

/** What rounding may make of a sum. */
const rounding = 1e-9;

/**
 * Records what happens to an entity, in batches that end at each of the events `looks`, and compares what is served then.
 * @throws OutOfTimeError
 */
export async function observe(
  server: BenchServer,
  history: History,
  looks: readonly number[],
  deadline: Deadline,
): Promise<Observation[]> {
  const contender = await EngineContender.open(server.valkey, server.prefix(), history.subject);
  const reference = new Reference(history);
  const observations: Observation[] = [];
  let next = 0;
  for (const look of looks) {
    let vector: Vector | null = null;
    while (next <= look) {
      deadline.check();
      const end = Math.min(look + 1, next + largestBatch);
      vector = await contender.record(transactionsOf(history, next, end));
      next = end;
    }
    if (vector) observations.push(...compare(vector, await certaintiesOf(contender.engine, vector), reference));
  }
  return observations;
}

function compare(vector: Vector, certainties: readonly Certainty[], reference: Reference): Observation[] {
  return vector.view.features.flatMap(({ aggregation }, i) => {
    if (!isCompared(aggregation)) return [];
    const served = vector.values[i] as number;
    const certainty = certainties[i] as Certainty;
    const truth = reference.value(aggregation, vector.asOf);
    return [
      {
        kind: aggregation.kind,
        method: certainty.method,
        error: relative(served - truth, truth, Object.is(served, truth)),
        width: relative(certainty.upper - certainty.lower, served, Object.is(certainty.upper, certainty.lower)),
        wrong: certainty.method !== 'SAMPLED' && !contains(certainty, truth),
      },
    ];
  });
}

/** A difference as a share of a value; where one of two is null, or 0, and the other is not, it is infinite. */
function relative(difference: number, of: number, same: boolean): number {
  if (same || difference === 0) return 0;
  const share = Math.abs(difference / of);
  return Number.isNaN(share) ? Number.POSITIVE_INFINITY : share;
}

function contains({ lower, upper }: Certainty, truth: number): boolean {
  if (Number.isNaN(truth)) return Number.isNaN(lower) || Number.isNaN(upper);
  const slack = rounding * Math.abs(truth);
  return truth >= lower - slack && truth <= upper + slack;
}
