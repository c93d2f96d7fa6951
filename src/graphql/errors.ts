import { ForbiddenError } from '@pothos/plugin-scope-auth';
import { type ASTNode, GraphQLError } from 'graphql';
import { InvalidIdError, UnavailableError } from '../engine/index.ts';

/**
 * The codes of the contract that arise here, each with its HTTP status where a response has no data. An invalid id, or a
 * moment too far back, always stands beside data, so it has none.
 */
const httpStatus = {
  BAD_USER_INPUT: 400,
  ID_INVALID: undefined,
  OUT_OF_HISTORY: undefined,
  TOO_MANY_IDS: 400,
  BATCH_TOO_LARGE: 400,
  QUERY_TOO_COMPLEX: 400,
  GRAPHQL_PARSE_FAILED: 400,
  PERSISTED_QUERY_NOT_FOUND: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNAVAILABLE: 503,
  INTERNAL_SERVER_ERROR: 500,
} as const satisfies { readonly [code: string]: number | undefined };

/** What a client may find in `extensions.code`. */
export type ErrorCode = keyof typeof httpStatus;

export const errorCodes = Object.keys(httpStatus) as ErrorCode[];

/**
 * What Yoga reads from `extensions.http`. `spec: true` leaves the status to GraphQL over HTTP: as said for
 * `application/graphql-response+json`, and 200 for `application/json`.
 */
export interface HttpExtension {
  readonly status: number;
  readonly spec: true;
}

/** The `extensions.http` of a code; empty if it has no status of its own. */
export function httpExtension(code: ErrorCode): { readonly http?: HttpExtension } {
  const status = httpStatus[code];
  return status === undefined ? {} : { http: { status, spec: true } };
}

/**
 * An error for the client, who sees its message.
 * @param node where in the query it lies, if it was found before execution.
 */
export function contractError(code: ErrorCode, message: string, node?: ASTNode): GraphQLError {
  return new GraphQLError(message, { ...(node && { nodes: node }), extensions: { code, ...httpExtension(code) } });
}

/** @param what is not for this caller, such as `User.riskProfile`. */
export function forbidden(what: string, node?: ASTNode): GraphQLError {
  return contractError('FORBIDDEN', `${what} is not for this caller: none of its scopes allows it`, node);
}

/** What an error of the engine, or of scope-auth, is to a client; anything else is returned as it is, to be masked. */
export function clientError(error: unknown): unknown {
  if (error instanceof InvalidIdError) return contractError('ID_INVALID', error.message);
  if (error instanceof UnavailableError) return contractError('UNAVAILABLE', error.message);
  if (error instanceof ForbiddenError) return contractError('FORBIDDEN', error.message);
  return error;
}
