import { GraphQLError } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { beforeEach, describe, expect, test } from 'vitest';
import { anyone } from '../../src/access/index.ts';
import { InvalidIdError, UnavailableError } from '../../src/engine/index.ts';
import { contractError, createErrorMask, settleHttpStatus, withoutHttp } from '../../src/graphql/index.ts';
import { newBuilder } from './deployments.ts';

const failures: { readonly [name: string]: () => Error } = {
  bug: () => new Error('the password is hunter2'),
  uncoded: () => new GraphQLError('the password is hunter2'),
  unavailable: () => new UnavailableError('Valkey did not answer within 3 s'),
  badId: () => new InvalidIdError('the User’s id is empty'),
  tooMany: () => contractError('TOO_MANY_IDS', 'at most 1000'),
  forbidden: () => new GraphQLError('not yours', { extensions: { code: 'FORBIDDEN' } }),
};

function failingSchema() {
  const builder = newBuilder();
  const fail = (name: string): string => {
    const failure = failures[name];
    if (failure) throw failure();
    return name;
  };
  builder.queryFields((t) => ({
    maybe: t.string({
      authScopes: { known: true },
      nullable: true,
      args: { how: t.arg.string({ required: true }) },
      resolve: (_, { how }) => fail(how),
    }),
    surely: t.string({
      authScopes: { known: true },
      nullable: false,
      args: { how: t.arg.string({ required: true }) },
      resolve: (_, { how }) => fail(how),
    }),
    number: t.float({
      authScopes: { known: true },
      nullable: true,
      args: { of: t.arg.float({ required: true }) },
      resolve: (_, { of }) => of,
    }),
    at: t.field({
      authScopes: { known: true },
      type: 'DateTime',
      nullable: true,
      args: { of: t.arg({ type: 'DateTime', required: true }) },
      resolve: (_, { of }) => of,
    }),
    huge: t.int({ authScopes: { known: true }, nullable: true, resolve: () => 2 ** 40 }),
  }));
  return builder.toSchema();
}

const logged: { error: unknown; requestId: string }[] = [];
beforeEach(() => {
  logged.length = 0;
});

const yoga = createYoga({
  schema: failingSchema(),
  context: { caller: anyone },
  logging: false,
  maskedErrors: {
    maskError: createErrorMask({ log: (error, requestId) => logged.push({ error, requestId }), requestId: () => 'r1' }),
  },
  plugins: [
    {
      onResultProcess: ({ result, setResult }) => {
        if (result && 'data' in result) setResult(settleHttpStatus(result));
      },
    },
  ],
});

interface Answer {
  readonly status: number;
  readonly data?: unknown;
  readonly errors?: readonly { message: string; path?: unknown; extensions?: { [name: string]: unknown } }[];
}

async function ask(body: object | string, accept = 'application/graphql-response+json'): Promise<Answer> {
  const response = await yoga.fetch('http://test/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

describe('an error that is nobody’s business', () => {
  test.for(['bug', 'uncoded'])('is hidden behind the request’s id, and logged: %s', async (how) => {
    const answer = await ask({ query: `{ maybe(how: "${how}") }` });
    expect(answer).toMatchObject({
      status: 200,
      data: { maybe: null },
      errors: [{ path: ['maybe'], extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'r1' } }],
    });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ requestId: 'r1', error: { message: 'the password is hunter2' } });
  });

  test('is a 500 where it leaves no data, and a 200 in application/json', async () => {
    const query = '{ surely(how: "bug") }';
    expect((await ask({ query })).status).toBe(500);
    expect((await ask({ query }, 'application/json')).status).toBe(200);
  });

  test('may be a result that its type cannot hold', async () => {
    const answer = await ask({ query: '{ huge }' });
    expect(answer.errors?.[0]?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(answer)).not.toContain(String(2 ** 40));
  });
});

describe('an error for the client', () => {
  test.for([
    ['unavailable', 'UNAVAILABLE', 503],
    ['tooMany', 'TOO_MANY_IDS', 400],
    ['badId', 'ID_INVALID', 200],
    ['forbidden', 'FORBIDDEN', 200],
  ] as const)('keeps its message and code: %s', async ([how, code, status]) => {
    const error = { message: failures[how]?.().message, extensions: { code } };
    expect(await ask({ query: `{ surely(how: "${how}") }` })).toMatchObject({ status, data: null, errors: [error] });
    expect(await ask({ query: `{ maybe(how: "${how}") }` })).toMatchObject({
      status: 200,
      data: { maybe: null },
      errors: [{ ...error, path: ['maybe'] }],
    });
    expect(logged).toEqual([]);
  });

  test('does not show what is meant for HTTP', async () => {
    expect(JSON.stringify(await ask({ query: '{ surely(how: "tooMany") }' }))).not.toContain('"http"');
    expect(withoutHttp(contractError('TOO_MANY_IDS', 'at most 1000')).extensions).toEqual({ code: 'TOO_MANY_IDS' });
  });
});

describe('a request that GraphQL itself refuses', () => {
  test.for([
    ['a variable of the wrong type', 'query ($of: Float!) { number(of: $of) }', { of: 'x' }, 'BAD_USER_INPUT'],
    ['a variable that is missing', 'query ($of: Float!) { number(of: $of) }', {}, 'BAD_USER_INPUT'],
    ['a variable that is null', 'query ($of: Float!) { number(of: $of) }', { of: null }, 'BAD_USER_INPUT'],
    ['a malformed date', 'query ($of: DateTime!) { at(of: $of) }', { of: '2026-02-30T00:00:00Z' }, 'BAD_USER_INPUT'],
    ['a malformed date inline', '{ at(of: "2026-02-30T00:00:00Z") }', {}, 'BAD_USER_INPUT'],
    ['an unknown field', '{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['a syntax error', '{ huge', {}, 'GRAPHQL_PARSE_FAILED'],
  ] as const)('gets its code and a 400: %s', async ([_, query, variables, code]) => {
    const answer = await ask({ query, variables });
    expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code } }] });
    expect(answer).not.toHaveProperty('data');
    expect((await ask({ query, variables }, 'application/json')).status).toBe(200);
    expect(logged).toEqual([]);
  });

  test('is told where in the input the fault lies', async () => {
    const { errors } = await ask({ query: 'query ($of: DateTime!) { at(of: $of) }', variables: { of: 'noon' } });
    expect(errors?.[0]?.message).toMatch(/^Variable "\$of" got invalid value "noon"; DateTime cannot represent "noon"/);
  });

  test('keeps Yoga’s code where it is no GraphQL', async () => {
    expect(await ask('{ not json')).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  test.for([undefined, 'C'])('gets the table’s code where it names no operation: %s', async (operationName) => {
    const body = { query: 'query A { huge } query B { huge }', operationName };
    expect(await ask(body)).toEqual({
      status: 400,
      errors: [
        {
          message: 'operationName does not name one operation of the query',
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ],
    });
    expect((await ask(body, 'application/json')).status).toBe(200);
  });

  test('does not get back all that it sent', async () => {
    const long = 'x'.repeat(100_000);
    const wrong = [
      { query: 'query ($of: Float!) { number(of: $of) }', variables: { of: long } },
      { query: 'query ($of: DateTime!) { at(of: $of) }', variables: { of: long } },
      { query: `{ at(of: "${long}") }` },
      { query: `{ huge "${long}" }` },
    ];
    for (const body of wrong) {
      const answer = await ask(body);
      expect(answer).toMatchObject({ status: 400, errors: [{ message: expect.stringMatching(/x…/) }] });
      expect(JSON.stringify(answer).length).toBeLessThan(1_000);
    }
  });
});

test('a mask leaves what it has made as it is', () => {
  const mask = createErrorMask({ log: () => {}, requestId: () => 'r1' });
  const masked = mask(new Error('secret'));
  expect(mask(masked)).toBe(masked);
  expect(mask('not even an error').extensions.code).toBe('INTERNAL_SERVER_ERROR');
});
