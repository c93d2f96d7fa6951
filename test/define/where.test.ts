import { describe, expect, test } from 'vitest';
import { compileWhere, count, describeWhere, type Where } from '../../src/define/index.ts';

const event = { amount: 10, fraud: true, merchantId: 'm1', deviceId: null };

/** Whether the event passes; a field that is left out of the event is null. */
const passes = (where: Where) => compileWhere(where)(event);

describe('a filter', () => {
  test.each<[Where, boolean]>([
    [{ amount: { eq: 10 } }, true],
    [{ amount: { eq: 11 } }, false],
    [{ amount: { ne: 10 } }, false],
    [{ amount: { ne: 11 } }, true],
    [{ amount: { gt: 9 } }, true],
    [{ amount: { gt: 10 } }, false],
    [{ amount: { gte: 10 } }, true],
    [{ amount: { gte: 10.5 } }, false],
    [{ amount: { lt: 11 } }, true],
    [{ amount: { lt: 10 } }, false],
    [{ amount: { lte: 10 } }, true],
    [{ amount: { lte: 9 } }, false],
    [{ amount: { in: [1, 10] } }, true],
    [{ fraud: { eq: true } }, true],
    [{ fraud: { eq: false } }, false],
    [{ merchantId: { in: ['m1', 'm2'] } }, true],
    [{ merchantId: { eq: 'M1' } }, false],
  ])('%j: %s', (where, expected) => {
    expect(passes(where)).toBe(expected);
  });

  test('holds when all of its conditions and all of their operators do', () => {
    expect(passes({ amount: { gte: 5, lt: 20 }, fraud: { eq: true } })).toBe(true);
    expect(passes({ amount: { gte: 5, lt: 10 }, fraud: { eq: true } })).toBe(false);
    expect(passes({ amount: { gte: 5, lt: 20 }, fraud: { eq: false } })).toBe(false);
  });

  test.each(['deviceId', 'leftOut'])('of the operators, only ne holds for %s, which is null', (field) => {
    expect(passes({ [field]: { ne: 'x' } })).toBe(true);
    expect(passes({ [field]: { eq: 'x' } })).toBe(false);
    expect(passes({ [field]: { in: ['x'] } })).toBe(false);
    for (const order of [{ gt: -1 }, { gte: -1 }, { lt: -1 }, { lte: -1 }]) {
      expect(passes({ [field]: order })).toBe(false);
    }
  });

  test('without conditions is no filter', () => {
    expect(count({ window: '1h', where: {} }).where).toBeUndefined();
  });

  test('is described in words that do not depend on the order in which it was written', () => {
    const words = 'amount ≥ 1000 and amount < 5000 and fraud = true';
    expect(describeWhere({ amount: { gte: 1000, lt: 5000 }, fraud: { eq: true } })).toBe(words);
    expect(describeWhere({ fraud: { eq: true }, amount: { lt: 5000, gte: 1000 } })).toBe(words);
    expect(describeWhere({ merchantId: { in: ['m"1', 'm2'] } })).toBe('merchantId in ["m\\"1","m2"]');
  });
});
