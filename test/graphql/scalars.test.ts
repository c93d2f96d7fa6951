import fc from 'fast-check';
import { execute, type GraphQLError, type GraphQLSchema, Kind, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { anyone } from '../../src/access/index.ts';
import { DateTime, Float, ID } from '../../src/graphql/index.ts';
import { newBuilder } from './deployments.ts';

const schema = echoSchema();

/** A schema that returns what it is given. */
function echoSchema(): GraphQLSchema {
  const builder = newBuilder();
  builder.queryFields((t) => ({
    id: t.id({
      authScopes: { known: true },
      nullable: false,
      args: { of: t.arg.id({ required: true }) },
      resolve: (_, { of }) => of,
    }),
    ids: t.idList({
      authScopes: { known: true },
      nullable: false,
      args: { of: t.arg.idList({ required: true }) },
      resolve: (_, { of }) => of,
    }),
    time: t.field({
      authScopes: { known: true },
      type: 'DateTime',
      nullable: false,
      args: { of: t.arg({ type: 'DateTime', required: true }) },
      resolve: (_, { of }) => of,
    }),
    number: t.float({
      authScopes: { known: true },
      nullable: false,
      args: { of: t.arg.float({ required: true }) },
      resolve: (_, { of }) => of,
    }),
    date: t.field({ authScopes: { known: true }, type: 'DateTime', nullable: false, resolve: () => new Date(0) }),
    broken: t.field({ authScopes: { known: true }, type: 'DateTime', nullable: true, resolve: () => Number.NaN }),
  }));
  return builder.toSchema();
}

async function run(source: string, variableValues?: { readonly [name: string]: unknown }) {
  const document = parse(source);
  const invalid = validate(schema, document);
  return invalid.length > 0
    ? { errors: invalid, data: undefined }
    : await execute({ schema, document, variableValues: variableValues ?? {}, contextValue: { caller: anyone } });
}

const codes = ({ errors }: { readonly errors?: readonly GraphQLError[] }) =>
  errors?.map(({ extensions }) => extensions.code);

describe('ID', () => {
  test('stands in for the built-in one wherever a schema of the plugin has an id', () => {
    expect(schema.getType('ID')).toBe(ID);
    expect(schema.getQueryType()?.getFields().id?.args[0]?.type).toMatchObject({ ofType: ID });
  });

  test.for([
    ['user_001', 'user_001'],
    ['', ''],
    ['9007199254740993', '9007199254740993'],
    [7, '7'],
    [-7, '-7'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    [Number.MIN_SAFE_INTEGER, '-9007199254740991'],
  ] as const)('takes %s in variables and inline', async ([value, id]) => {
    expect(await run('query ($id: ID!) { id(of: $id) }', { id: value })).toEqual({ data: { id } });
    expect(await run(`{ id(of: ${JSON.stringify(value)}) }`)).toEqual({ data: { id } });
  });

  test.for(['9007199254740992', '-9007199254740992', '9007199254740993', '123456789012345678901234567890'])(
    'refuses the integer %s in variables and inline',
    async (literal) => {
      const variables = JSON.parse(`{ "id": ${literal} }`) as { id: unknown };
      expect(codes(await run('query ($id: ID!) { id(of: $id) }', variables))).toEqual(['BAD_USER_INPUT']);
      expect(codes(await run(`{ id(of: ${literal}) }`))).toEqual(['BAD_USER_INPUT']);
    },
  );

  test.for(['1.5', 'true', '{}', '[["a"]]'])('refuses %s, which is neither string nor integer', async (json) => {
    const variables = { id: JSON.parse(json) as unknown };
    expect(codes(await run('query ($id: ID!) { id(of: $id) }', variables))).toEqual(['BAD_USER_INPUT']);
  });

  test('says its rules', () => {
    expect(schema.getType('ID')?.description).toMatch(/1 to 256 bytes of UTF-8 without control characters.*2\^53 − 1/);
  });

  test('shows little of a wrong value, however long or deep', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => ID.parseValue(deep)).toThrow('ID cannot represent a list: expected a string or an integer');
    expect(() => ID.parseValue({ deep })).toThrow('ID cannot represent an object');
    expect(() => DateTime.parseValue(deep)).toThrow('DateTime cannot represent a list');
    const long = '\ud83d\ude00'.repeat(100_000);
    expect(() => DateTime.parseValue(long)).toThrow(/^.{1,300}$/u);
    expect(() => DateTime.parseLiteral({ kind: Kind.STRING, value: long }, {})).toThrow(/^.{1,300}$/u);
    expect(() => ID.parseLiteral({ kind: Kind.ENUM, value: long }, {})).toThrow(/^.{1,300}$/u);
  });

  test('says where in a list the bad one is', async () => {
    const { errors } = await run('query ($ids: [ID!]!) { ids(of: $ids) }', { ids: ['a', 2 ** 53] });
    expect(errors?.[0]?.message).toContain('at "ids[1]"');
  });

  test('any string comes back as it was sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (id) => {
        expect(await run('query ($id: ID!) { id(of: $id) }', { id })).toEqual({ data: { id } });
      }),
    );
  });
});

describe('Float', () => {
  test('stands in for the built-in one wherever a schema of the plugin has a number', () => {
    expect(schema.getType('Float')).toBe(Float);
  });

  test.for(['0', '-7', '1.5', '1e15', '1e-400', '123456789012345678901234567890'])(
    'takes %s in variables and inline',
    async (literal) => {
      const data = { number: Number(literal) };
      expect(await run('query ($of: Float!) { number(of: $of) }', { of: JSON.parse(literal) })).toEqual({ data });
      expect(await run(`{ number(of: ${literal}) }`)).toEqual({ data });
    },
  );

  test.for([
    ['a number beyond all doubles', '1e999'],
    ['one beyond them below zero', '-1e999'],
    ['an integer of four hundred digits', '9'.repeat(400)],
    ['a string', '"1"'],
    ['a boolean', 'true'],
    ['a list', '[1, 2]'],
    ['an object', '{}'],
  ] as const)('refuses %s in variables and inline', async ([, literal]) => {
    for (const { errors } of [
      await run('query ($of: Float!) { number(of: $of) }', { of: JSON.parse(literal) }),
      await run(`{ number(of: ${literal}) }`),
    ]) {
      expect(codes({ errors: errors ?? [] })).toEqual(['BAD_USER_INPUT']);
      expect(errors?.[0]?.message).toMatch(/Float cannot represent .{1,101}: expected a finite number$/u);
    }
  });
});

describe('DateTime', () => {
  test('is read and written in variables and inline', async () => {
    const sent = '2026-01-31T10:30:00.1239+01:00';
    const data = { time: '2026-01-31T09:30:00.123Z' };
    expect(await run('query ($at: DateTime!) { time(of: $at) }', { at: sent })).toEqual({ data });
    expect(await run(`{ time(of: "${sent}") }`)).toEqual({ data });
  });

  test.for(['"2026-02-30T00:00:00Z"', '"2026-01-31"', '1769851800000', 'null', 'true'])(
    'refuses %s before anything is executed',
    async (json) => {
      const { errors, data } = await run('query ($at: DateTime!) { time(of: $at) }', {
        at: JSON.parse(json) as unknown,
      });
      expect(data).toBeUndefined();
      // What is null where it may not be is GraphQL's own affair, and gets its code from the error mask.
      expect(codes({ errors: errors ?? [] })).toEqual([json === 'null' ? undefined : 'BAD_USER_INPUT']);
    },
  );

  test('refuses a bad literal', async () => {
    expect(codes(await run('{ time(of: "tomorrow") }'))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await run('{ time(of: 12) }'))).toEqual(['BAD_USER_INPUT']);
  });

  test('writes a Date of a team’s own, and nothing that is no instant', async () => {
    expect(await run('{ date }')).toEqual({ data: { date: '1970-01-01T00:00:00.000Z' } });
    expect((await run('{ broken }')).errors).toHaveLength(1);
  });

  test('names its specification', () => {
    expect(DateTime.specifiedByURL).toBe('https://scalars.graphql.org/andimarek/date-time');
  });
});
