import fc from 'fast-check';
import { getOperationAST, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { CompiledOperation } from '../../src/graphql/compiled/compile-operation.ts';
import { operationCost } from '../../src/graphql/index.ts';
import { holdsFor } from '../support/property.ts';

const user = '{ id riskProfile { txnCount1h } }';
const transaction = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1 };
const many = (count: number) => Array.from({ length: count }, () => transaction);

function costOf(query: string, variableValues: { readonly [name: string]: unknown } = {}): number {
  return operationCost({ schema, document: parse(query), operationName: null, variableValues });
}

describe('an operation costs', () => {
  it.each([
    ['{ __typename }', {}, 1],
    ['{ featureViews { name } }', {}, 1],
    ['{ user(id: "u") { id } }', {}, 1],
    [`{ user(id: "u") ${user} }`, {}, 1],
    [`{ a: user(id: "u") ${user} b: user(id: "v") ${user} }`, {}, 2],
    [`{ users(ids: ["a", "b", "c"]) ${user} }`, {}, 3],
    [`query ($ids: [ID!]!) { users(ids: $ids) ${user} }`, { ids: ['a', 'b'] }, 2],
    [`query ($ids: [ID!]!) { users(ids: $ids) ${user} }`, { ids: 'a' }, 1],
    [`query ($ids: [ID!]! = ["a", "b", "c", "d"]) { users(ids: $ids) ${user} }`, {}, 4],
    [
      'query ($ids: [ID!]!, $no: Boolean!) { users(ids: $ids) { riskProfile @skip(if: $no) { txnCount1h } } }',
      { ids: ['a', 'b'], no: true },
      1,
    ],
    [
      '{ users(ids: ["a", "b"]) { ...f } } fragment f on User { riskProfile { txnCount1h accuracy(features: [txnCount1h]) { exact } } }',
      {},
      4,
    ],
    [
      '{ user(id: "u") { riskProfileSeries(at: ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]) { txnCount1h } } }',
      {},
      2,
    ],
    ['mutation ($i: TransactionInput!) { recordTransaction(input: $i) { status } }', { i: transaction }, 1],
    [`mutation ($i: TransactionInput!) { recordTransaction(input: $i) { user ${user} } }`, { i: transaction }, 2],
    ['mutation ($i: [TransactionInput!]!) { recordTransactions(input: $i) { recorded } }', { i: many(7) }, 7],
    [
      `mutation ($i: [TransactionInput!]!) { recordTransactions(input: $i) { results { user ${user} } } }`,
      { i: many(7) },
      14,
    ],
    ['mutation { forgetUser(id: "u") { __typename } forgetMerchant(id: "m") { __typename } }', {}, 2],
    ['{ searchEntities(text: "u") { complete } }', {}, 100],
    ['query ($n: Int!) { searchEntities(text: "u", first: $n) { found { id } } }', { n: 1 }, 100],
    [
      `{ a: searchEntities(text: "u") { complete } b: searchEntities(text: "v") { complete } user(id: "u") ${user} }`,
      {},
      201,
    ],
    [
      'query ($no: Boolean!) { searchEntities(text: "u") @skip(if: $no) { complete } user(id: "u") { id } }',
      { no: true },
      1,
    ],
    [`subscription { userRiskProfileUpdated(userIds: ["a", "b", "c"]) { user ${user} } }`, {}, 3],
    // All are read, whatever is shown of them.
    ['subscription { userRiskProfileUpdated(userIds: ["a", "b", "c"]) { cause } }', {}, 3],
    ['subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids) { user { id } } }', { ids: ['a', 'b'] }, 2],
    [
      'subscription { userRiskProfileUpdated(userIds: ["a", "b"]) { user { riskProfile { accuracy(features: [txnCount1h]) { exact } } } } }',
      {},
      4,
    ],
    ['query ($i: TransactionInput!) { previewTransaction(input: $i) { status } }', { i: transaction }, 1],
    [
      `query ($i: TransactionInput!) { a: previewTransaction(input: $i) { status } b: previewTransaction(input: $i) { status user ${user} } }`,
      { i: transaction },
      3,
    ],
  ])('%s with %j: %i', (query, variables, cost) => {
    expect(costOf(query, variables)).toBe(cost);
  });

  it('the same, whether it is compiled or not', async () => {
    const roots = [
      `a: user(id: "u") ${user}`,
      `b: users(ids: $ids) ${user}`,
      `c: users(ids: ["x", "y"]) { riskProfile { txnCount1h } }`,
      `d: merchants(ids: $more) { activity { txnCount1h } id }`,
      'e: merchant(id: "m") { id }',
    ];
    const search = 'f: searchEntities(text: "u") { complete }';
    const mutations = [
      `a: recordTransactions(input: $many) { recorded results { user ${user} merchant { activity { txnCount1h } } } }`,
      'b: recordTransactions(input: $many) { recorded }',
      `c: recordTransaction(input: $one) { user ${user} }`,
    ];
    const list = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 });
    const picked = fc.oneof(
      fc.record({ kind: fc.constant('query'), fields: fc.subarray([...roots, search], { minLength: 1 }) }),
      fc.record({ kind: fc.constant('mutation'), fields: fc.subarray(mutations, { minLength: 1 }) }),
    );
    await holdsFor(fc.record({ picked, ids: list, more: list, count: fc.nat(5) }), 100, async (drawn) => {
      const { kind, fields } = drawn.picked;
      const text = fields.join(' ');
      const types = { ids: '[ID!]!', more: '[ID!]!', many: '[TransactionInput!]!', one: 'TransactionInput!' };
      const used = Object.entries(types).filter(([name]) => text.includes(`$${name}`));
      const definitions = used.length > 0 ? `(${used.map(([name, type]) => `$${name}: ${type}`).join(', ')})` : '';
      const query = `${kind} ${definitions} { ${text} }`;
      const all = { ids: drawn.ids, more: drawn.more, many: many(drawn.count), one: transaction };
      const variables = Object.fromEntries(used.map(([name]) => [name, all[name as keyof typeof all]]));
      const operation = getOperationAST(parse(query)) as OperationDefinitionNode;
      const compiled = CompiledOperation.of({ schema, operation, fragments: {}, variableValues: {} });
      const costs: number[] = [];
      // Nothing is done of what is not admitted.
      await compiled?.run(variables, {} as never, (cost) => {
        costs.push(cost);
        return false;
      });
      // What searches is left to the reference before it is paid for.
      expect(costs, query).toEqual(fields.includes(search) ? [] : [costOf(query, variables)]);
    });
  });
});
