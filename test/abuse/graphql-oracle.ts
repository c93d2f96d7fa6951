import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  parse,
  validate,
} from 'graphql';
import { type Expected, executed, requestError } from './outcome.ts';

/** What parameters ask for, however they came. */
export interface AskedParameters {
  readonly query: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

const mostTokens = 15_000;

/**
 * What a query must come to, as GraphQL itself reads it. Of what is beyond the limits it knows nothing: that a valid query may be
 * refused as too complex is all that it says, and bombs are held to more where they are made.
 */
export function expectedOfQuery(schema: GraphQLSchema, asked: AskedParameters, takesStatus: boolean): Expected {
  const { query, operationName, variables } = asked;
  const wrong = (...codes: string[]) => requestError(takesStatus, ...codes);
  let document: DocumentNode;
  try {
    document = parse(String(query), { maxTokens: mostTokens });
  } catch (error) {
    const isTooLong = error instanceof RangeError || /more tha[nt] \d+ tokens/.test(String(error));
    return wrong(isTooLong ? 'QUERY_TOO_COMPLEX' : 'GRAPHQL_PARSE_FAILED');
  }
  if (!isValid(schema, document)) return wrong('GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT', 'QUERY_TOO_COMPLEX');
  const operation = getOperationAST(document, operationName as string | null | undefined);
  if (!operation) return wrong('BAD_USER_INPUT', 'QUERY_TOO_COMPLEX');
  // It needs a stream, or has variables that do not fit: which of the two is told is not held.
  if (operation.operation === 'subscription')
    return {
      status: takesStatus ? [400, 406] : [200, 400, 406],
      codes: [...(executed.codes ?? []), null],
      fails: true,
    };
  const given = (variables ?? {}) as { [name: string]: unknown };
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: 1 });
  if (errors) return wrong('BAD_USER_INPUT', 'QUERY_TOO_COMPLEX');
  return executed;
}

function isValid(schema: GraphQLSchema, document: DocumentNode): boolean {
  try {
    return validate(schema, document).length === 0;
  } catch (error) {
    // One of GraphQL's own rules looks for values of variables, of which there are none yet.
    if (error instanceof GraphQLError) return false;
    throw error;
  }
}
