import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { HotOperations } from '../../../src/graphql/index.ts';
import { until } from '../../support/until.ts';

const asks = (n: number) => ({ query: `{ user(id: ${n}) { id } }`, operationName: null });

it('an operation that is asked for all the time is not the one that makes room for others', async () => {
  const faults: unknown[] = [];
  const hot = new HotOperations(schema, (error) => faults.push(error), 1);
  const note = async (n: number) => {
    hot.note(asks(n), parse(asks(n).query));
    await until(() => hot.find(asks(n), {}));
  };
  await note(0);
  // More than are kept, of which none but the first is asked for.
  for (let n = 1; n <= 1_200; n += 50) {
    for (let i = n; i < n + 50; i++) {
      hot.note(asks(i), parse(asks(i).query));
      expect(hot.find(asks(0), {})).not.toBe(null);
    }
    await until(() => hot.counts.counted === 0);
  }
  expect(hot.counts.compiled).toBe(1_000);
  expect(hot.find(asks(1_200), {})).not.toBe(null);
  expect(hot.find(asks(0), {})).not.toBe(null);
  expect(hot.find(asks(1), {})).toBe(null);
  expect(faults).toEqual([]);
});
