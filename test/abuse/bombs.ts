import type { Draw } from '../support/draw.ts';

/** A request that is to cost more than it may, with the codes that it must be refused by; none: it is within the limits. */
export interface Bomb {
  readonly kind: string;
  readonly query: string;
  /** As JSON: what is deep enough can be written, and not be put into words by Node. */
  readonly variables?: string;
  readonly codes: readonly string[];
  /** Whether it may be answered all the same. */
  readonly mayPass?: boolean;
}

const tooComplex = ['QUERY_TOO_COMPLEX'];

function times(count: number, make: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => make(n)).join(' ');
}

/** Around a limit as often as far beyond it. */
function around(draw: Draw, limit: number, most: number): number {
  return draw.chance(50) ? limit - 2 + draw.upTo(4) : limit + draw.upTo(most - limit);
}

const makers: readonly ((draw: Draw) => Bomb)[] = [
  (draw) => {
    const count = around(draw, 50, 2_000);
    const query = `{ ${times(count, (n) => `a${n}: user(id: "${n}") { id }`)} }`;
    // An alias each, of which there may be a hundred.
    return { kind: 'root fields', query, codes: count > 50 ? tooComplex : [] };
  },
  (draw) => {
    const count = around(draw, 100, 4_000);
    const query = `{ user(id: "u") { ${times(count, (n) => `a${n}: id`)} } }`;
    return { kind: 'aliases', query, codes: count > 100 ? tooComplex : [] };
  },
  (draw) => {
    const depth = 1 + draw.upTo(30);
    const fragments = times(depth, (n) => `fragment f${n} on User { ...f${n + 1} ...f${n + 1} }`);
    const query = `{ user(id: "u") { ...f0 } } ${fragments} fragment f${depth} on User { id }`;
    return { kind: 'fragments', query, codes: 2 ** depth + 1 > 2_000 ? tooComplex : [] };
  },
  (draw) => {
    const count = 1 + draw.upTo(50);
    const fragments = times(count, (n) => `fragment f${n} on User { id ...f${(n + 1) % count} }`);
    return {
      kind: 'a circle of fragments',
      query: `{ user(id: "u") { ...f0 } } ${fragments}`,
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    };
  },
  (draw) => {
    const depth = draw.chance(50) ? 1 + draw.upTo(20) : draw.upTo(100_000);
    const query = `{ ${'a { '.repeat(depth)} a ${'} '.repeat(depth)} }`;
    return { kind: 'depth', query, codes: depth + 1 > 12 ? tooComplex : ['GRAPHQL_VALIDATION_FAILED'] };
  },
  (draw) => {
    const depth = 2 + draw.upTo(draw.chance(50) ? 10 : 20_000);
    const query = `{ users(ids: ${'['.repeat(depth)}"u"${']'.repeat(depth)}) { id } }`;
    return { kind: 'lists within lists', query, codes: ['BAD_USER_INPUT', 'QUERY_TOO_COMPLEX'] };
  },
  (draw) => {
    const depth = 2 + draw.upTo(draw.chance(50) ? 10 : 20_000);
    const deep = `${'['.repeat(depth)}"u"${']'.repeat(depth)}`;
    const query = 'query ($ids: [ID!]!) { users(ids: $ids) { id } }';
    return { kind: 'lists within lists of variables', query, variables: `{"ids":${deep}}`, codes: ['BAD_USER_INPUT'] };
  },
  (draw) => {
    const depth = 1 + draw.upTo(20_000);
    const deep = `${'{"transactionId":'.repeat(depth)}"u"${'}'.repeat(depth)}`;
    const query = 'mutation ($i: TransactionInput!) { recordTransaction(input: $i) { status } }';
    return { kind: 'objects within objects', query, variables: `{"i":${deep}}`, codes: ['BAD_USER_INPUT'] };
  },
  (draw) => {
    const query = `{ user(id: "u") { id ${'@include(if: true) '.repeat(2 + draw.upTo(1_500))} } }`;
    return { kind: 'directives', query, codes: ['GRAPHQL_VALIDATION_FAILED'] };
  },
  (draw) => {
    const query = `query (${times(1 + draw.upTo(2_000), (n) => `$v${n}: ID`)}) { user(id: "u") { id } }`;
    return { kind: 'variables that nobody uses', query, codes: ['GRAPHQL_VALIDATION_FAILED'] };
  },
  (draw) => {
    const count = around(draw, 1_000, 30_000);
    const ids = Array.from({ length: count }, (_, n) => `u${n}`);
    const query = 'query ($ids: [ID!]!) { users(ids: $ids) { id } }';
    return { kind: 'ids', query, variables: JSON.stringify({ ids }), codes: count > 1_000 ? ['TOO_MANY_IDS'] : [] };
  },
  (draw) => {
    const count = around(draw, 1_000, 20_000);
    const query = `{ users(ids: [${times(count, (n) => `"${n}"`)}]) { id } }`;
    const codes = count > 14_900 ? ['QUERY_TOO_COMPLEX', 'TOO_MANY_IDS'] : count > 1_000 ? ['TOO_MANY_IDS'] : [];
    return { kind: 'ids in the query', query, codes };
  },
  (draw) => {
    const count = 1_001 + draw.upTo(8_000);
    const input = Array.from({ length: count }, (_, n) => ({
      ...{ transactionId: `t${n}`, userId: 'u', merchantId: 'm', amount: n },
    }));
    const query = 'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }';
    return { kind: 'events', query, variables: JSON.stringify({ input }), codes: ['BATCH_TOO_LARGE'] };
  },
  (draw) => {
    const count = 50_001 + draw.upTo(100_000);
    const ids = Array.from({ length: count }, () => 'u');
    const query = 'query ($ids: [ID!]!) { users(ids: $ids) { id } }';
    return { kind: 'values', query, variables: JSON.stringify({ ids }), codes: tooComplex };
  },
  (draw) => {
    const count = 6 + draw.upTo(40);
    const ids = Array.from({ length: 1_000 }, (_, n) => `u${n}`);
    const query = `query ($ids: [ID!]!) { ${times(count, (n) => `a${n}: users(ids: $ids) { riskProfile { txnCount1h } }`)} }`;
    return { kind: 'vectors', query, variables: JSON.stringify({ ids }), codes: tooComplex };
  },
  (draw) => {
    const depth = 8 + draw.upTo(200);
    const query = `{ __schema { types { ${'fields { type { '.repeat(depth)} name ${'} } '.repeat(depth)} } } }`;
    return { kind: 'the schema of the schema', query, codes: tooComplex };
  },
  (draw) => {
    const name = 'x'.repeat(1 + draw.upTo(500_000));
    const isField = draw.chance(50);
    const query = isField ? `{ ${name} }` : `query ${name} { user(id: "u") { id } }`;
    return { kind: 'a long name', query, codes: isField ? ['GRAPHQL_VALIDATION_FAILED'] : [] };
  },
  (draw) => {
    const query = `{ user(id: "${'x'.repeat(257 + draw.upTo(500_000))}") { riskProfile { txnCount1h } } }`;
    return { kind: 'a long id', query, codes: ['ID_INVALID'] };
  },
  (draw) => {
    const count = 1 + draw.upTo(400);
    const same = `{ ${'id '.repeat(count)} }`;
    const query = `{ ${times(5, () => `user(id: "u") ${same}`)} }`;
    // To compare them takes time in their square, of which there is so much.
    return { kind: 'the same fields', query, codes: tooComplex, mayPass: 5 * (count + 1) <= 2_000 };
  },
  (draw) => {
    const query = `{ user(id: "u") { id } } #${draw.one(['#', '\u2028', '💳', ' '])}`.padEnd(
      1 + draw.upTo(700_000),
      '#',
    );
    return { kind: 'a long comment', query, codes: [] };
  },
  (draw) => {
    const query = `{ searchEntities(entity: "User", text: "u", first: ${'9'.repeat(1 + draw.upTo(5_000))}) { id } }`;
    return { kind: 'a long number', query, codes: ['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED'] };
  },
];

/** A bomb of some kind. */
export function drawnBomb(draw: Draw): Bomb {
  return draw.one(makers)(draw);
}

/** The body by which it is sent, and the payload of its message. */
export function bombText({ query, variables }: Bomb): string {
  return `{"query":${JSON.stringify(query)}${variables === undefined ? '' : `,"variables":${variables}`}}`;
}
