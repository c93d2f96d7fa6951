import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';

/** Something to ask of a root field. */
export interface Question {
  /** Such as `Query.user`. */
  readonly coordinate: string;
  readonly query: string;
  readonly variables: { readonly [name: string]: unknown };
}

/** One that some callers may see or change, and one that they may not. */
export const ids = ['acme-1', 'other-1'] as const;

const deepest = 8;
let events = 0;

/** The fields by which operations of a schema begin. */
export function rootFields(
  schema: GraphQLSchema,
): readonly (readonly [GraphQLObjectType, GraphQLField<unknown, unknown>])[] {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
    type ? Object.values(type.getFields()).map((field) => [type, field] as const) : [],
  );
}

/**
 * What there is to ask of a field: where it takes a list, of all ids at once; else of each by itself. All that it may show is asked
 * for, but where `isPlain` only what takes no arguments.
 * @throws Error of an argument of which nobody has said here what to send.
 */
export function questionsOf(
  type: GraphQLObjectType,
  field: GraphQLField<unknown, unknown>,
  isPlain: boolean,
): Question[] {
  const coordinate = `${type.name}.${field.name}`;
  const given = field.args.filter((arg) => isRequiredArgument(arg));
  const definitions = given.map((arg) => `$${arg.name}: ${arg.type}`).join(', ');
  const args = given.map(({ name }) => `${name}: $${name}`).join(', ');
  const selected = selection(field, isPlain, 0);
  const operation = type.name.toLowerCase();
  const query = `${operation} Ask${definitions && `(${definitions})`} { ${field.name}${args && `(${args})`} ${selected} }`;
  const variants = given.length === 0 ? [[]] : given.map((arg) => valuesOf(coordinate, arg));
  const most = Math.max(1, ...variants.map((values) => values.length));
  return Array.from({ length: most }, (_, i) => ({
    coordinate,
    query,
    variables: Object.fromEntries(given.map(({ name }, n) => [name, variants[n]?.[i % (variants[n]?.length ?? 1)]])),
  }));
}

/** Each value that is sent for an argument. */
function valuesOf(coordinate: string, { name, type }: GraphQLArgument): readonly unknown[] {
  const isList = isListType(getNullableType(type));
  const named = getNamedType(type);
  if (named.name === 'ID') return isList ? [ids] : ids;
  if (name === 'text') return [''];
  if (!isInputObjectType(named)) throw new Error(`${coordinate}(${name}:): say here what is sent for it`);
  const inputs = ids.flatMap((userId) =>
    ids.map((merchantId) => {
      const known: { readonly [field: string]: unknown } = {
        transactionId: `event ${++events}`,
        userId,
        merchantId,
        amount: 1,
        occurredAt: new Date().toISOString(),
        fraud: true,
      };
      const fields = Object.keys(named.getFields());
      const unknownField = fields.find((one) => !(one in known));
      if (unknownField) throw new Error(`${coordinate}(${name}: { ${unknownField} }): say here what is sent for it`);
      return Object.fromEntries(fields.map((one) => [one, known[one]]));
    }),
  );
  return isList ? [inputs] : inputs;
}

/** What a field has beneath it, each object with its type. */
function selection({ type }: GraphQLField<unknown, unknown>, isPlain: boolean, depth: number): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  if (depth > deepest) throw new Error(`${named}: nests more deeply than is asked for here`);
  const fields = Object.values(named.getFields()).flatMap((field) => {
    const args = field.args.filter((arg) => isRequiredArgument(arg));
    if (isPlain && args.length > 0) return [];
    const given = args.map((arg) => `${arg.name}: ${literalFor(`${named}.${field.name}`, arg)}`).join(', ');
    return [`${field.name}${given && `(${given})`} ${selection(field, isPlain, depth + 1)}`];
  });
  return `{ __typename ${fields.join(' ')} }`;
}

function literalFor(coordinate: string, { name, type }: GraphQLArgument): string {
  const named = getNamedType(type);
  if (name === 'at') {
    const now = Date.now();
    return JSON.stringify([1_000, 2_000].map((ms) => new Date(now - ms).toISOString()));
  }
  const [value] = isEnumType(named) ? named.getValues() : [];
  if (!value) throw new Error(`${coordinate}(${name}:): say here what is sent for it`);
  return `[${value.name}]`;
}
