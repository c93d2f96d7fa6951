import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTooManyValues } from '../../src/server/json-values.ts';

/** Scalars, lists and objects, all that are in a value and itself. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, one) => sum + valuesIn(one), 1);
}

describe('values in a JSON text', () => {
  it('are never more than what is counted, nor less than half of it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const [json, values] = [JSON.stringify(value), valuesIn(value)];
        expect(hasTooManyValues(json, 2 * values)).toBe(false);
        if (values > 2) expect(hasTooManyValues(json, Math.floor(values / 2) - 1)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are not what only looks like them in a string', () => {
    const text = '{[,'.repeat(100);
    for (const one of [text, `${text}"${text}`, `${text}\\"${text}\\`, `\\\\${text}\\\\`]) {
      expect(hasTooManyValues(JSON.stringify({ [one]: one }), 3)).toBe(false);
    }
  });

  it('are counted in a text that breaks off, without end', () => {
    expect(hasTooManyValues(`"${',['.repeat(100)}`, 3)).toBe(false);
    expect(hasTooManyValues(',['.repeat(100), 3)).toBe(true);
  });
});
