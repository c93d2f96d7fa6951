import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type GraphQLObjectType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { HotOperations } from '../../src/graphql/index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const megabyte = 1024 * 1024;

function operations(hotAfter?: number): HotOperations {
  return new HotOperations(
    schema,
    (error) => {
      throw error;
    },
    hotAfter,
  );
}

/** As a client asks for it so many times; waits until what is to be compiled is. */
async function ask(hot: HotOperations, query: string, times: number, operationName: string | null = null) {
  for (let i = 0; i < times; i++) hot.note({ query, operationName }, parse(query));
  await turn();
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const known = '{ user(id: 1) { id } }';
const distinct = (n: number) => `{ user(id: "u${n}") { a${n}: id riskProfile { txnCount1h } } }`;

describe('an operation', () => {
  it('is compiled once it was executed so often, and not before', async () => {
    const hot = operations();
    await ask(hot, known, 2);
    expect(hot.counts).toEqual({ counted: 1, compiled: 0 });
    expect(hot.find({ query: known, operationName: null }, {})).toBeNull();
    await ask(hot, known, 1);
    expect(hot.counts).toEqual({ counted: 0, compiled: 1 });
    expect(hot.find({ query: known, operationName: null }, {})).not.toBeNull();
  });

  it('is another by another name', async () => {
    const hot = operations(1);
    await ask(hot, `query A ${known} query B ${known}`, 1, 'A');
    expect(hot.find({ query: `query A ${known} query B ${known}`, operationName: 'B' }, {})).toBeNull();
    expect(hot.find({ query: `query A ${known} query B ${known}`, operationName: null }, {})).toBeNull();
  });

  it('that is longer than what is sent again is not even counted', async () => {
    const hot = operations(1);
    await ask(hot, `${known} # ${'x'.repeat(40_000)}`, 5);
    expect(hot.counts).toEqual({ counted: 0, compiled: 0 });
  });

  it('that comes while many wait is compiled when it comes again', async () => {
    const hot = operations(1);
    for (let n = 0; n < 1_000; n++) hot.note({ query: distinct(n), operationName: null }, parse(distinct(n)));
    while (hot.counts.compiled < 100) await turn();
    await turn();
    expect(hot.counts.compiled).toBe(100);
    await ask(hot, distinct(999), 1);
    expect(hot.find({ query: distinct(999), operationName: null }, {})).not.toBeNull();
  });
});

describe('a flood of operations', () => {
  const long = (n: number) => `{ user(id: "u${n}") { ${'id '.repeat(2_000)} } }`;
  const features = Object.keys((schema.getType('MerchantActivity') as GraphQLObjectType).getFields()).slice(0, 10);
  const several = (n: number) => `query ($x: Boolean!, $y: Boolean!, $z: Boolean!) {
    ${Array.from({ length: 20 }, (_, i) => `m${i}: merchant(id: "m${n}") { activity { ${features.join(' ')} } }`).join(' ')}
    user(id: 1) { a: id @skip(if: $x) b: id @skip(if: $y) c: id @skip(if: $z) }
  }`;
  const outcomes = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => ({ x: n % 2 === 0, y: n % 4 < 2, z: n < 4 }));

  it.each([
    ['that come twice each', 20_000, 2, distinct, [{}]],
    ['that become hot', 5_000, 3, distinct, [{}]],
    ['that are as long as they may be', 200, 3, long, [{}]],
    ['of which each is eight', 200, 3, several, outcomes],
  ] as const)('%s takes no more than its bounds', async (_, count, times, query, variables) => {
    const hot = operations();
    const before = heapBytes();
    for (let n = 0; n < count; n++) {
      await ask(hot, query(n), times);
      for (const given of variables) hot.find({ query: query(n), operationName: null }, given);
    }
    const { counted, compiled } = hot.counts;
    expect(counted).toBeLessThanOrEqual(5_000);
    expect(compiled).toBeLessThanOrEqual(times < 3 ? 0 : 1_000);
    expect((heapBytes() - before) / megabyte).toBeLessThan(32);
    // The counts are there still: so were the operations, when the heap was measured.
    expect(hot.counts).toEqual({ counted, compiled });
  });
});
