import { type ASTNode, type GraphQLError, GraphQLFloat, GraphQLID, GraphQLScalarType, Kind, print } from 'graphql';
import type { EpochMs } from '../engine/index.ts';
import { formatDateTime, isDateTime, parseDateTime } from './date-time.ts';
import { contractError } from './errors.ts';
import { shownText, shownValue } from './shorten.ts';

/** The scalars of a builder that uses the plugin, for its type parameters. */
export type FreshetScalars = {
  DateTime: { Input: EpochMs; Output: EpochMs | Date };
  ID: { Input: string; Output: string | number | bigint };
};

/** An instant: epoch milliseconds inside, RFC 3339 outside. */
export const DateTime = new GraphQLScalarType<EpochMs, string>({
  name: 'DateTime',
  description:
    'An instant by RFC 3339, such as `2026-01-31T09:30:00.000Z`. Out: always in UTC with milliseconds. In: with any offset; digits past the millisecond are cut.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  serialize(value) {
    const instant = value instanceof Date ? value.getTime() : value;
    if (typeof instant !== 'number' || !isDateTime(instant)) {
      throw new TypeError('DateTime takes whole milliseconds since 1970 within the years 0 to 9999');
    }
    return formatDateTime(instant);
  },
  parseValue: (value) => dateTimeOf(typeof value === 'string' ? value : null, () => shownValue(value)),
  parseLiteral: (node) => dateTimeOf(node.kind === Kind.STRING ? node.value : null, () => shownText(print(node)), node),
});

function dateTimeOf(text: string | null, shown: () => string, node?: ASTNode): EpochMs {
  const instant = text === null ? null : parseDateTime(text);
  if (instant !== null) return instant;
  throw coercionError(
    `DateTime cannot represent ${shown()}: expected an RFC 3339 date and time with an offset, such as "2026-01-31T09:30:00.000Z"`,
    node,
  );
}

/**
 * GraphQL's own ID, but for integers that JSON has already bent: past ±(2^53 − 1) two different ids would become one,
 * and one user's events would count for another. An exact inline literal is refused alike, so that a client does not
 * work in a query's text and fail in its variables.
 */
export const ID = new GraphQLScalarType<string, string>({
  ...GraphQLID.toConfig(),
  description:
    'An identifier: 1 to 256 bytes of UTF-8 without control characters. In: a string, or an integer up to 2^53 − 1 either way; larger ones go as strings. Out: always a string.',
  parseValue(value) {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' && Number.isInteger(value)) return idOfInteger(value);
    throw coercionError(`ID cannot represent ${shownValue(value)}: expected a string or an integer`);
  },
  parseLiteral(node) {
    if (node.kind === Kind.STRING) return node.value;
    if (node.kind === Kind.INT) return idOfInteger(Number(node.value), node);
    throw coercionError(`ID cannot represent ${shownText(print(node))}: expected a string or an integer`, node);
  },
});

function idOfInteger(value: number, node?: ASTNode): string {
  if (Number.isSafeInteger(value)) return String(value);
  throw coercionError('ID cannot represent an integer past 2^53 − 1 exactly: send it as a string', node);
}

/**
 * GraphQL's own Float, but for inline literals: it takes one that is too large for a double, such as `1e999`, for
 * infinity, which it refuses in variables.
 */
export const Float = new GraphQLScalarType<number, number>({
  ...GraphQLFloat.toConfig(),
  parseValue: (value) => finiteNumber(value, () => shownValue(value)),
  parseLiteral(node) {
    const value = node.kind === Kind.INT || node.kind === Kind.FLOAT ? Number(node.value) : null;
    return finiteNumber(value, () => shownText(print(node)), node);
  },
});

function finiteNumber(value: unknown, shown: () => string, node?: ASTNode): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw coercionError(`Float cannot represent ${shown()}: expected a finite number`, node);
}

function coercionError(message: string, node?: ASTNode): GraphQLError {
  return contractError('BAD_USER_INPUT', message, node);
}
