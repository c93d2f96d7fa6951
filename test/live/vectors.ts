import type { Vector } from '../../src/engine/index.ts';
import { payments } from './payments.ts';

/** A vector of payments as some read might have brought it. */
export function vectorOf(id: string, facts: Partial<Vector> = {}): Vector {
  return {
    view: payments,
    id,
    values: new Float64Array(),
    revision: 0,
    asOf: 0,
    validUntil: null,
    lastEventAt: null,
    eventSeq: 0,
    completeSince: 0,
    ...facts,
  };
}
