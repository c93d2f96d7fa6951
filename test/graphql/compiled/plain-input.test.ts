import fc from 'fast-check';
import { buildSchema, coerceInputValue, type GraphQLInputType, isInputType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { notPlain, plainCoercion } from '../../../src/graphql/compiled/plain-input.ts';

const others = buildSchema(`
  enum Sign { PLUS MINUS }
  input Inner { sign: Sign, count: Int!, names: [String!], deep: [[Boolean]] }
  input Outer { inner: Inner!, others: [Inner], id: ID, weight: Float = 1.5, flag: Boolean! = true }
  input One @oneOf { a: Int, b: String }
  type Query { none(a: Outer, b: One): Int }
`);

const types = [schema, others].flatMap((of) =>
  Object.values(of.getTypeMap()).filter((type) => isInputType(type) && !type.name.startsWith('__')),
) as GraphQLInputType[];

const scalar = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 1, 1.5, 2 ** 53, 1e21, '', 'u1', 'PLUS', '1', 'RECORDED', '2026-01-31'),
  fc.constantFrom('2026-01-31T09:30:00.000Z', '2026-02-30T09:30:00.000Z', '2026-01-31T09:30:00+02:00'),
  fc.double(),
  fc.string(),
);
const names = fc.constantFrom(
  ...'inner others id weight flag sign count names deep a b transactionId userId merchantId amount occurredAt fraud'.split(
    ' ',
  ),
  '__proto__',
  'constructor',
);
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie('value')), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;

/** What GraphQL itself makes of a value; notPlain if it refuses it. */
function coerced(value: unknown, type: GraphQLInputType): unknown {
  const refused = new Error('refused');
  try {
    return coerceInputValue(value, type, () => {
      throw refused;
    });
  } catch {
    return notPlain;
  }
}

describe('an input that is plainly of its type', () => {
  it.each(types.map((type) => [String(type), type] as const))('is coerced as GraphQL does: %s', (_, type) => {
    const coerce = plainCoercion(type);
    fc.assert(
      fc.property(values, (sent) => {
        const value: unknown = JSON.parse(JSON.stringify(sent) ?? 'null');
        const plain = coerce(value);
        if (plain !== notPlain) expect(plain).toStrictEqual(coerced(value, type));
      }),
    );
  });

  it('is all that well-behaved clients send', () => {
    const type = schema.getType('TransactionInput') as GraphQLInputType;
    const event = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1.5 };
    for (const value of [event, { ...event, occurredAt: '2026-01-31T09:30:00.000Z', fraud: null }]) {
      expect(plainCoercion(type)(value)).toStrictEqual(coerced(value, type));
    }
  });

  it.each([
    ['one for a list of one', '[ID!]', 'u'],
    [
      'a field that is not known',
      'TransactionInput',
      { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1, more: 1 },
    ],
    ['a field that is missing', 'TransactionInput', { transactionId: 't', userId: 'u', merchantId: 'm' }],
  ])('does not hold of %s', (_, name, value) => {
    const list = [...(schema.getQueryType()?.getFields().users?.args ?? [])][0]?.type as GraphQLInputType;
    const type = name === '[ID!]' ? list : (schema.getType(name) as GraphQLInputType);
    expect(plainCoercion(type)(value)).toBe(notPlain);
  });
});
