import { expect } from 'vitest';
import { derivedValue, servedValues, type Vector } from '../../src/engine/index.ts';
import { type Answer, disagreements, type History, ratioOf, validUntilAt, valuesAt } from '../support/oracle.ts';

/** A vector's values by name, as they are served, with null for NaN. */
export function valuesOf(vector: Vector): { [feature: string]: Answer | null } {
  const served = servedValues(vector);
  const named = vector.view.features.map(({ name }, i) => [name, Number.isNaN(served[i]) ? null : served[i]]);
  return Object.fromEntries(named);
}

/** Asserts that a vector says of its own moment what the oracle says, when so many corrections were done. */
export function expectTrue(vector: Vector, history: History, corrections = 0): void {
  const { view, asOf } = vector;
  const served = servedValues(vector);
  expect(disagreements(view, served, valuesAt(view, history, asOf))).toEqual([]);
  for (const one of view.derived) expect(derivedValue(vector, one)).toBe(finite(ratioOf(view, one, served)));
  expect(vector).toMatchObject({
    validUntil: validUntilAt(view, history, asOf),
    lastEventAt: history.length > 0 ? Math.max(...history.map(({ at }) => at)) : null,
    eventSeq: history.length + corrections,
  });
}

const finite = (value: number | null) => (Number.isFinite(value) ? value : null);

/** Asserts that the revision rose if any value changed, and stayed if none did. */
export function expectHonestRevision(before: Vector, after: Vector): void {
  const changed = !before.values.every((value, i) => Object.is(value, after.values[i]));
  if (changed) expect(after.revision).toBeGreaterThan(before.revision);
  else expect(after.revision).toBe(before.revision);
}
