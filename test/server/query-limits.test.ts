import { buildSchema, type DocumentNode, getIntrospectionQuery, parse } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { defaultQueryLimits, type QueryLimits, useQueryLimits } from '../../src/graphql/index.ts';
import { excesses } from '../../src/graphql/query-limits.ts';

const limits = { tokens: 1_000, depth: 3, introspectionDepth: 20, rootFields: 4, aliases: 2, fields: 10, values: 9 };

function excessOf(query: string | DocumentNode): string | undefined {
  return excesses(typeof query === 'string' ? parse(query) : query, limits)[0]?.message;
}

describe('a query within the limits', () => {
  it.each([
    '{ a { b { c } } }',
    '{ a b c d }',
    '{ x: a y: b }',
    '{ a { b c d } e { f g h i } }',
    'query A { a { b { c } } } query B { a { b { c } } }',
    'query { ...f } fragment f on T { a { b { c } } }',
    'query { ... on T { ... on T { a { b { c } } } } }',
  ])('passes: %s', (query) => {
    expect(excessOf(query)).toBeUndefined();
  });

  it('may be the one by which tools learn a schema', () => {
    const document = parse(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, oneOf: true }));
    expect(excesses(document, defaultQueryLimits)).toEqual([]);
  });
});

describe('a query beyond the limits', () => {
  it.each([
    ['{ a { b { c { d } } } }', 'The query is nested too deeply: the limit is 3'],
    ['{ a b c d e }', 'The query has 5 root fields: the limit is 4'],
    ['{ x: a { y: b z: c } }', 'The query has 3 aliases: the limit is 2'],
    ['{ a { b c d e f g h i j k } }', 'The query has 11 fields: the limit is 10'],
    ['query A { a } query B { a b c d e }', 'The query has 5 root fields: the limit is 4'],
    ['mutation { a b c d e }', 'The query has 5 root fields: the limit is 4'],
  ])('is refused: %s', (query, message) => {
    expect(excessOf(query)).toBe(message);
  });

  it.each([
    ['{ a { ...f } } fragment f on T { b { c { d } } }', 'is nested too deeply'],
    ['{ ...f ...f ...f ...f ...f } fragment f on T { a }', 'has 5 root fields'],
    ['{ ...f ...f ...f } fragment f on T { x: a }', 'has 3 aliases'],
    ['{ a { ...f ...f } } fragment f on T { b c d e f }', 'has 11 fields'],
    ['{ ... on T { a b } ... on T { c d e } }', 'has 5 root fields'],
  ])('does not hide in fragments: %s', (query, what) => {
    expect(excessOf(query)).toContain(what);
  });

  it('does not hide behind inline fragments, however many', () => {
    const hidden = `{ ${'... on T { '.repeat(50)} a { b { c { d } } } ${'} '.repeat(50)} }`;
    expect(excessOf(hidden)).toContain('is nested too deeply');
  });

  it('may not ask for the schema in circles', () => {
    const circle = `{ __schema { ${'types { fields { type { '.repeat(8)} name ${'} } } '.repeat(8)} } }`;
    expect(excessOf(circle)).toBe('The query asks for the schema too deeply: the limit is 20');
  });
});

describe('the price of a refusal', () => {
  it('does not grow with what fragments would expand to', () => {
    // 2^200 fields, in 200 lines.
    const doublings = Array.from({ length: 200 }, (_, n) => `fragment f${n} on T { ...f${n + 1} ...f${n + 1} }`);
    const document = parse(`{ ...f0 } ${doublings.join('\n')} fragment f200 on T { a }`);
    const begun = performance.now();
    expect(excessOf(document)).toContain('root fields');
    expect(performance.now() - begun).toBeLessThan(500);
  });

  it('is bounded for fragments in circles, which validation refuses', () => {
    expect(excessOf('{ ...a } fragment a on T { x ...b } fragment b on T { y ...a }')).toBeUndefined();
  });

  const yogaWith = (bounds?: QueryLimits) =>
    createYoga({
      schema: buildSchema('type Query { a(x: [Int]): Int } type Subscription { s(x: [Int]): Int }'),
      plugins: [useQueryLimits(bounds)],
      logging: false,
    });

  function post(yoga: ReturnType<typeof yogaWith>, body: string, accept = 'application/graphql-response+json') {
    const headers = { 'content-type': 'application/json', accept };
    return yoga.fetch('http://test/graphql', { method: 'POST', headers, body });
  }

  async function ask(yoga: ReturnType<typeof yogaWith>, query: string, variables = '{}') {
    const response = await post(yoga, `{ "query": ${JSON.stringify(query)}, "variables": ${variables} }`);
    const { errors } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
    return { status: response.status, code: errors?.[0]?.extensions.code, message: errors?.[0]?.message };
  }

  it('is that of reading its first tokens, if it has too many', async () => {
    const yoga = yogaWith(limits);
    const refused = { status: 400, code: 'QUERY_TOO_COMPLEX' };
    const many = `{ ${'a '.repeat(1_000)} }`;
    const nested = `{ ${'a { '.repeat(20)} a ${'} '.repeat(20)} }`;
    // Twice, since parsed documents and their faults are cached.
    for (const _ of [1, 2]) {
      expect(await ask(yoga, many)).toEqual({
        ...refused,
        message: 'The query has too many tokens: the limit is 1000',
      });
      expect(await ask(yoga, nested)).toEqual({
        ...refused,
        message: 'The query is nested too deeply: the limit is 3',
      });
    }
  });

  it('is that of counting the values in its variables, if they are too many, as a subscription too', async () => {
    const yoga = yogaWith({ ...limits, values: 9 });
    const message = 'The query has too many values in its variables: the limit is 9';
    const query = 'query ($x: [Int]) { a(x: $x) }';
    expect(await ask(yoga, query, '{ "x": [0, 1, 2, 3, 4, 5, 6, 7] }')).toEqual({ status: 200 });
    const refused = { status: 400, code: 'QUERY_TOO_COMPLEX', message };
    expect(await ask(yoga, query, '{ "x": [0, 1, 2, 3, 4, 5, 6, 7, 8] }')).toEqual(refused);
    // Of a kind that is wrong besides, and of a variable that nobody asked for.
    expect(await ask(yoga, query, '{ "x": { "a": [0, 1, 2], "b": [[0, 1, 2]], "c": {} } }')).toEqual(refused);
    expect(await ask(yoga, query, `{ "y": ${'['.repeat(100_000)}${']'.repeat(100_000)} }`)).toEqual(refused);
    const watch = { query: 'subscription ($x: [Int]) { s(x: $x) }', variables: { x: Array(9).fill(0) } };
    expect(await (await post(yoga, JSON.stringify(watch), 'text/event-stream')).text()).toContain(message);
  });

  it('is told some twenty times, and then that there is more', async () => {
    const query = `query (${Array.from({ length: 2_400 }, (_, n) => `$v${n}: Int`).join(' ')}) { a }`;
    const { errors } = (await (await post(yogaWith(), JSON.stringify({ query }))).json()) as { errors: unknown[] };
    expect(errors).toHaveLength(21);
    expect(errors[20]).toMatchObject({
      message: expect.stringContaining('Too many validation errors'),
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  });

  it.each([
    ['selections', `{${'a{'.repeat(5_000)}a${'}'.repeat(5_000)}}`, 'QUERY_TOO_COMPLEX'],
    ['selections that never end', '{a'.repeat(7_000), 'QUERY_TOO_COMPLEX'],
    ['values', `{ a(x: ${'['.repeat(7_000)}${']'.repeat(7_000)}) }`, /QUERY_TOO_COMPLEX|GRAPHQL_VALIDATION_FAILED/],
    ['types', `query ($x: ${'['.repeat(7_000)}Int${']'.repeat(7_000)}) { a(x: $x) }`, /QUERY_TOO_COMPLEX|VALIDATION/],
  ])('does not exhaust the stack, however deeply nested its %s are', async (_, query, code) => {
    const answer = await ask(yogaWith(), query);
    expect(answer.status).toBe(400);
    expect(answer.code).toMatch(code);
  });
});
