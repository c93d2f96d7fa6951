import { type GraphQLInputType, isInputObjectType, isLeafType, isListType, isNonNullType } from 'graphql';

/** What a value that is not plainly of its type comes to. */
export const notPlain = Symbol('not plain');

/** What GraphQL coerces a value to, where that is plainly of its type; else `notPlain`. */
export type PlainCoercion = (value: unknown) => unknown;

/**
 * Coercion without the paths that GraphQL's own keeps for errors that it hardly ever has. It only takes what needs no rule: all fields that
 * must be there and no others, lists that are lists, and leaves by their types' own functions. All else is for `coerceInputValue`.
 */
export function plainCoercion(type: GraphQLInputType): PlainCoercion {
  if (isNonNullType(type)) {
    const coerce = some(type.ofType);
    return (value) => (value === null || value === undefined ? notPlain : coerce(value));
  }
  const coerce = some(type);
  return (value) => (value === null ? null : coerce(value));
}

function some(type: GraphQLInputType): PlainCoercion {
  if (isListType(type)) return list(plainCoercion(type.ofType));
  if (isInputObjectType(type)) return type.isOneOf ? () => notPlain : object(Object.values(type.getFields()));
  if (!isLeafType(type)) return () => notPlain;
  return (value) => {
    try {
      return type.parseValue(value) ?? notPlain;
    } catch {
      return notPlain;
    }
  };
}

function list(coerce: PlainCoercion): PlainCoercion {
  return (values) => {
    if (!Array.isArray(values)) return notPlain;
    const coerced: unknown[] = [];
    for (const value of values) {
      const one = coerce(value);
      if (one === notPlain) return notPlain;
      coerced.push(one);
    }
    return coerced;
  };
}

function object(
  definitions: readonly { readonly name: string; readonly type: GraphQLInputType; readonly defaultValue?: unknown }[],
): PlainCoercion {
  const fields = definitions.map(({ name, type, defaultValue }) => {
    return { name, coerce: plainCoercion(type), mayBeLeftOut: !isNonNullType(type) && defaultValue === undefined };
  });
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return notPlain;
    const coerced: { [name: string]: unknown } = {};
    let left = Object.keys(value).length;
    for (const { name, coerce, mayBeLeftOut } of fields) {
      const given = (value as typeof coerced)[name];
      if (given === undefined) {
        if (!mayBeLeftOut) return notPlain;
        continue;
      }
      const one = coerce(given);
      if (one === notPlain) return notPlain;
      coerced[name] = one;
      left -= 1;
    }
    return left === 0 ? coerced : notPlain;
  };
}
