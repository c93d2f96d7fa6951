import { buildSchema, GraphQLScalarType, parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { useInputErrors } from '../../src/graphql/index.ts';
import { variableErrors } from '../../src/graphql/input-errors.ts';

const typeDefs = `
  input Inner { flag: Boolean! }
  input Row { id: ID! amount: Float! tags: [String!] inner: Inner kind: Kind }
  enum Kind { GOOD BAD }
  scalar Never
  type Query { one(input: Row!): Int  many(input: [Row!]!, limit: Int = 3): Int  never(of: [Never!]!): Int }
`;
const schema = buildSchema(typeDefs);
const many = parse('query ($rows: [Row!]!, $limit: Int = 3) { many(input: $rows, limit: $limit) }');

function faults(variableValues: { readonly [name: string]: unknown }) {
  return variableErrors({ schema, document: many, variableValues }).map(({ message, extensions }) => ({
    message,
    ...extensions,
  }));
}

const http = { status: 400, spec: true };
const code = 'BAD_USER_INPUT';

describe('variables', () => {
  it('that fit have no faults', () => {
    expect(faults({ rows: [{ id: 1, amount: 2.5, tags: ['a'], inner: { flag: true }, kind: 'BAD' }] })).toEqual([]);
    expect(faults({ rows: { id: 'one is a list of one', amount: 1 }, unknown: true })).toEqual([]);
    expect(faults({ rows: [], limit: null })).toEqual([]);
  });

  it('that do not fit have the place of each fault', () => {
    const rows = [
      { id: 'a', amount: 1 },
      { id: {}, amount: '1', tags: ['a', 1], inner: {}, kind: 'UGLY', colour: 'red' },
    ];
    expect(faults({ rows, limit: 1.5 })).toMatchObject([
      { inputPath: ['rows', 1, 'id'], code, http },
      { inputPath: ['rows', 1, 'amount'], message: 'rows[1].amount: Float cannot represent non numeric value: "1"' },
      { inputPath: ['rows', 1, 'tags', 1] },
      { inputPath: ['rows', 1, 'inner'], message: expect.stringContaining('"flag"') },
      { inputPath: ['rows', 1, 'kind'] },
      { inputPath: ['rows', 1], message: expect.stringContaining('"colour"') },
      { inputPath: ['limit'] },
    ]);
  });

  it('that are missing or null are named', () => {
    expect(faults({})).toEqual([
      { message: 'rows: a value of type [Row!]! is required', inputPath: ['rows'], code, http },
    ]);
    expect(faults({ rows: null })).toMatchObject([{ inputPath: ['rows'] }]);
    expect(faults({ rows: [null] })).toMatchObject([{ inputPath: ['rows', 0] }]);
  });

  it('that are wrong a thousand times are told some twenty times', () => {
    expect(faults({ rows: Array(1_000).fill({}) })).toHaveLength(20);
  });
});

describe('an operation whose input does not fit', () => {
  let calls = 0;
  let looks = 0;
  const Never = new GraphQLScalarType({
    name: 'Never',
    parseValue: () => {
      looks++;
      throw new TypeError('never right');
    },
  });
  const resolvers = { Never, Query: { one: () => ++calls, many: () => ++calls } };
  const yoga = createYoga({
    schema: createSchema({ typeDefs, resolvers }),
    plugins: [useInputErrors()],
    logging: false,
  });

  async function ask(query: string, variables?: unknown, accept = 'application/graphql-response+json') {
    const response = await yoga.fetch('http://test/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as { data?: unknown; errors?: unknown }) };
  }

  it('is refused before it begins, with the place in its variables', async () => {
    const query = 'query ($input: Row!) { one(input: $input) }';
    const answer = await ask(query, { input: { id: 'a', amount: {} } });
    expect(answer).toMatchObject({
      status: 400,
      errors: [{ extensions: { code, inputPath: ['input', 'amount'] }, locations: [{ line: 1, column: 8 }] }],
    });
    expect(answer).not.toHaveProperty('data');
    // The specification wants 200 from a server that answers in application/json.
    expect(await ask(query, {}, 'application/json')).toMatchObject({ status: 200, errors: [{ extensions: { code } }] });
    expect(calls).toBe(0);
  });

  it('is read no further than is told of it', async () => {
    const { errors } = await ask('query ($of: [Never!]!) { never(of: $of) }', { of: Array(1_000).fill(0) });
    expect(errors).toHaveLength(20);
    expect(looks).toBe(20);
  });

  it.each([
    ['{ one(input: { id: "a", amount: "1" }) }', ['input', 'amount']],
    [
      '{ many(input: [{ id: "a", amount: 1 }, { id: "b", amount: 1, inner: { flag: 3 } }]) }',
      ['input', 1, 'inner', 'flag'],
    ],
    ['{ many(input: [{ id: "a", amount: 1, tags: ["x", 2] }]) }', ['input', 0, 'tags', 1]],
    ['{ many(input: [{ id: "a" }]) }', ['input', 0]],
    ['{ many(input: [], limit: "no") }', ['limit']],
    ['query ($limit: Int = "no") { many(input: [], limit: $limit) }', ['limit']],
  ])('is refused with the place of an inline value: %s', async (query, inputPath) => {
    expect(await ask(query)).toMatchObject({ status: 400, errors: [{ extensions: { code, inputPath } }] });
    expect(calls).toBe(0);
  });

  it('is told other mistakes as ever', async () => {
    expect(await ask('{ nothing }')).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    expect(await ask('{ one }')).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    expect(await ask('{ many(input: []) }')).toEqual({ status: 200, data: { many: 1 } });
  });
});
