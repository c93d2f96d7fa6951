import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { contractDifferences } from '../../src/cli/contract.ts';

const contract = `
  scalar Time @specifiedBy(url: "https://example.org/time")
  type Query { user(id: ID!, at: Time, deep: Boolean = true): User!  all(only: [Kind!]): [User!]! }
  type User { id: ID!  score: Float  mean: Float  count: Int! }
  input Filter { kind: Kind!  limit: Int }
  enum Kind { GOOD BAD }
  type Mutation { set(filter: Filter!): User }
`;

/** Differences of the contract with one text in it replaced. */
function differences(from: string, to: string): string[] {
  expect(contract).toContain(from);
  return contractDifferences(buildSchema(contract), buildSchema(contract.replace(from, to)));
}

describe('a schema keeps a contract', () => {
  test('that it equals', () => {
    expect(differences('', '')).toEqual([]);
  });

  test.for([
    ['a field', 'count: Int!', 'count: Int!  sum: Float'],
    ['a type', 'enum Kind', 'type More { a: Int } enum Kind'],
    ['an optional argument', 'id: ID!, at', 'id: ID!, brief: Boolean, at'],
    ['an optional input field', 'limit: Int', 'limit: Int  offset: Int'],
    ['an enum value', 'GOOD BAD', 'GOOD BAD UGLY'],
  ] as const)('to which it adds %s', ([_, from, to]) => {
    expect(differences(from, to)).toEqual([]);
  });
});

describe('a schema breaks a contract by', () => {
  test.for([
    ['lacking a field', 'score: Float  ', '', /User.score/],
    ['lacking a type', 'type Mutation { set(filter: Filter!): User }', '', /Mutation/],
    ['lacking an argument', ', at: Time', '', /Query.user.*at/],
    ['lacking an input field', '  limit: Int', '', /Filter.limit/],
    ['lacking an enum value', 'GOOD BAD', 'GOOD', /BAD/],
    ['a type of another kind', 'enum Kind { GOOD BAD }', 'scalar Kind', /Kind/],
    ['a field that may be null', 'count: Int!', 'count: Int', /User.count is Int, and by the contract Int!/],
    ['a field that is no longer null', 'score: Float', 'score: Float!', /User.score is Float!/],
    ['a field of another type', 'count: Int!', 'count: Float!', /User.count is Float!/],
    ['a list that may hold null', '[User!]!', '[User]!', /Query.all is \[User\]!/],
    ['an argument that may be left out', 'id: ID!, at', 'id: ID, at', /Query.user\(id:\) is ID, /],
    ['an argument that is required', 'at: Time,', 'at: Time!,', /Query.user\(at:\) is Time!/],
    ['another default', 'deep: Boolean = true', 'deep: Boolean = false', /Query.user\(deep:\) is Boolean = false/],
    ['a new argument that is required', 'id: ID!, at', 'id: ID!, key: ID!, at', /key.*Query.user/],
    ['a new input field that is required', 'limit: Int', 'limit: Int  key: ID!', /key.*Filter/],
    ['an input field that is required', 'limit: Int', 'limit: Int!', /Filter\(limit:\) is Int!/],
    ['an input field that may be null', 'kind: Kind!', 'kind: Kind', /Filter\(kind:\) is Kind, /],
    ['a scalar of another specification', 'example.org/time', 'example.org/other', /Time @specifiedBy/],
  ] as const)('%s', ([_, from, to, message]) => {
    const found = differences(from, to);
    expect(found).toEqual([expect.stringMatching(message)]);
  });
});

test('this deployment’s printed schema breaks if a feature loses its nullability', () => {
  const printed = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');
  const broken = printed.replace('txnCount1m: Int!', 'txnCount1m: Int');
  expect(contractDifferences(buildSchema(printed), buildSchema(broken))).toEqual([
    'UserRiskProfile.txnCount1m is Int, and by the contract Int!',
  ]);
});
