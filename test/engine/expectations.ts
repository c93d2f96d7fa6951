import { expect } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { disagreements, type History, validUntilAt, valuesAt } from '../support/oracle.ts';

/** A vector's values by name, with null for NaN. */
export function valuesOf({ view, values }: Vector): { [feature: string]: number | null } {
  const named = view.features.map(({ name }, i) => [name, Number.isNaN(values[i]) ? null : values[i]]);
  return Object.fromEntries(named);
}

/** Asserts that a vector says of its own moment what the oracle says. */
export function expectTrue(vector: Vector, history: History): void {
  const { view, asOf } = vector;
  expect(disagreements(view, vector.values, valuesAt(view, history, asOf))).toEqual([]);
  expect(vector).toMatchObject({
    validUntil: validUntilAt(view, history, asOf),
    lastEventAt: history.length > 0 ? Math.max(...history.map(({ at }) => at)) : null,
    eventSeq: history.length,
  });
}

/** Asserts that the revision rose if any value changed, and stayed if none did. */
export function expectHonestRevision(before: Vector, after: Vector): void {
  const changed = !before.values.every((value, i) => Object.is(value, after.values[i]));
  if (changed) expect(after.revision).toBeGreaterThan(before.revision);
  else expect(after.revision).toBe(before.revision);
}
