import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { OperationVariants } from '../../src/graphql/compiled/operation-variants.ts';

function variantsOf(query: string, operationName: string | null = null): OperationVariants {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  return new OperationVariants(schema, document, operationName);
}

describe('an operation that is compiled', () => {
  it('is so once, where no variable decides about what is selected', () => {
    const variants = variantsOf('query ($x: ID!) { user(id: $x) { id } }');
    expect(variants.for({ x: '1' })).not.toBeNull();
    expect(variants.for({ x: '1' })).toBe(variants.for({ x: '2' }));
    expect(variants.most).toBe(1);
  });

  it('is so once for each outcome of its conditions', () => {
    const variants = variantsOf(
      'query ($x: Boolean!, $y: Boolean!) { user(id: 1) { id @skip(if: $x) ...F } } fragment F on User { a: id @include(if: $y) }',
    );
    const outcomes = [true, false].flatMap((x) => [true, false].map((y) => variants.for({ x, y })));
    expect(outcomes).not.toContain(null);
    expect(new Set(outcomes).size).toBe(4);
    expect(variants.for({ x: true, y: true, z: 1 })).toBe(outcomes[0]);
    expect(variants.most).toBe(4);
  });

  it('has no conditions of another one in its document, whose variables may be called like its own', () => {
    const variants = variantsOf(
      `query A($x: ID!) { user(id: $x) { id } }
      query B($x: Boolean!, $y: Boolean!, $z: Boolean!, $u: Boolean!) { user(id: 1) { ...F } }
      fragment F on User { id @skip(if: $x) ...G }
      fragment G on User { a: id @skip(if: $y) b: id @skip(if: $z) c: id @skip(if: $u) }`,
      'A',
    );
    expect(variants.for({ x: '1' })).not.toBeNull();
    expect(variants.for({ x: '1' })).toBe(variants.for({ x: '2' }));
  });

  it('is none where more conditions are than are worth it, or a condition is none', () => {
    const four = ['a', 'b', 'c', 'd'];
    const query = `query (${four.map((name) => `$${name}: Boolean!`).join()}) {
      user(id: 1) { ${four.map((name) => `${name}: id @skip(if: $${name})`).join(' ')} }
    }`;
    expect(variantsOf(query).for({ a: true, b: true, c: true, d: true })).toBeNull();
    const nullable = variantsOf('query ($a: Boolean = true) { user(id: 1) { id @skip(if: $a) __typename } }');
    expect(nullable.for({ a: null })).toBeNull();
    expect(nullable.for({ a: 'x' })).toBeNull();
    expect(nullable.for({})).not.toBeNull();
  });

  it('is none where its document has several and none is named', () => {
    const two = 'query A { user(id: 1) { id } } query B { user(id: 2) { id } }';
    expect(variantsOf(two).for({})).toBeNull();
    expect(variantsOf(two, 'C').for({})).toBeNull();
    expect(variantsOf(two, 'B').for({})).not.toBeNull();
  });
});
