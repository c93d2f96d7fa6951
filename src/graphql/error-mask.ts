import { type ExecutionResult, GraphQLError, type GraphQLErrorExtensions } from 'graphql';
import { clientError, contractError, type ErrorCode, httpExtension } from './errors.ts';
import { shortened } from './shorten.ts';

/** Whom a mask tells of what it hides, and how it names that. */
export interface ErrorMaskOptions {
  /** Told of each error that is hidden, with the id that the client gets instead. */
  readonly log: (error: unknown, requestId: string) => void;
  /** The id of the request in which the error arose. */
  readonly requestId: () => string;
}

/** Turns whatever a request failed with into what its client may see. It fits Yoga's `maskedErrors.maskError`. */
export type ErrorMask = (error: unknown) => GraphQLError;

/**
 * Makes a mask. What bears a code passes, and so does what GraphQL says of a client's own request, which is given its
 * code here; anything else is a fault of ours: it is logged, and the client gets INTERNAL_SERVER_ERROR with the
 * request's id and no word of what happened. A resolver of the team's own that wants to be heard throws a GraphQLError
 * with `extensions.code`.
 */
export function createErrorMask({ log, requestId }: ErrorMaskOptions): ErrorMask {
  return (error) => {
    const located = error instanceof GraphQLError ? error : undefined;
    const root = rootOf(error);
    const known = clientError(root);
    if (known instanceof GraphQLError) {
      if (known.extensions.code === 'OPERATION_RESOLUTION_FAILURE') return noOperation();
      if (known.extensions.code !== undefined) {
        const passed = withExtensions(located ?? known, known, withoutCaught(known.extensions));
        return echoing.has(known.extensions.code) ? shortened(passed) : passed;
      }
      const code = codeOfRequestError(located ?? known, known);
      if (code) {
        const extensions = { ...known.extensions, code, ...httpExtension(code) };
        return shortened(withExtensions(located ?? known, known, extensions));
      }
    }
    const id = requestId();
    log(root, id);
    const masked = contractError('INTERNAL_SERVER_ERROR', 'Something went wrong on our side.');
    return withExtensions(located, masked, { ...masked.extensions, requestId: id });
  };
}

/** Codes of errors whose message may be GraphQL's own, which repeats what it was sent, however long. */
const echoing: ReadonlySet<unknown> = new Set(['GRAPHQL_PARSE_FAILED', 'BAD_USER_INPUT']);

/** Of a body that is no JSON Yoga tells what it caught, which repeats all of it; there is no GraphQL in it, whatever is accepted. */
function withoutCaught(extensions: GraphQLErrorExtensions): GraphQLErrorExtensions {
  if (extensions.originalError === undefined) return extensions;
  const { originalError: _, ...rest } = extensions;
  return { ...rest, http: { status: 400 } };
}

/** Yoga's code for it is its own; over a WebSocket, where Yoga does not look, it never was. */
function noOperation(): GraphQLError {
  return contractError('BAD_USER_INPUT', 'operationName does not name one operation of the query');
}

/** What was thrown in the first place: GraphQL wraps an error once to say where, and coercion once more. */
function rootOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? rootOf(error.originalError) : error;
}

/** The code of an error that GraphQL itself found in the request; undefined if it did not. */
function codeOfRequestError(located: GraphQLError, root: GraphQLError): ErrorCode | undefined {
  if (root.message.startsWith('Syntax Error')) return 'GRAPHQL_PARSE_FAILED';
  // Before execution there is no path: variables, or the choice of operation. During it, only arguments are the
  // client's; what a result cannot be coerced to is our fault.
  return located.path === undefined || root.message.startsWith('Argument "') ? 'BAD_USER_INPUT' : undefined;
}

/** The error of `at`, its place kept, with other extensions; its message is that of `said` unless it already tells it. */
function withExtensions(
  at: GraphQLError | undefined,
  said: GraphQLError,
  extensions: GraphQLErrorExtensions,
): GraphQLError {
  if (at?.extensions === extensions) return at;
  return new GraphQLError(at?.message.endsWith(said.message) ? at.message : said.message, {
    ...(at?.nodes && { nodes: at.nodes }),
    ...(at?.source && { source: at.source }),
    ...(at?.positions && { positions: at.positions }),
    ...(at?.path && { path: at.path }),
    extensions,
  });
}

/**
 * Takes the HTTP status out of errors that stand beside data: such a response is a 200 whatever befell a part of it.
 * Yoga itself would take the worst of them.
 */
export function settleHttpStatus<Result extends Pick<ExecutionResult, 'data' | 'errors'>>(result: Result): Result {
  if (result.data === null || result.data === undefined || !result.errors) return result;
  return { ...result, errors: result.errors.map(withoutHttp) };
}

/** The error without what is only for HTTP: for a WebSocket, or for a response that has data. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  if (error.extensions.http === undefined) return error;
  const { http: _, ...extensions } = error.extensions;
  return withExtensions(error, error, extensions);
}
