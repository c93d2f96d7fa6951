import type { ExecutionResult, FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { withoutHttp } from '../../graphql/index.ts';

/** As libraries type it: what is not there may be undefined. */
type AnyResult = { readonly [Key in keyof ExecutionResult]: ExecutionResult[Key] | undefined };

/** An error in the same form. */
export function shownError(error: GraphQLError): GraphQLFormattedError {
  return withoutHttp(error).toJSON();
}

/** A result in the form in which clients see it where there is no HTTP about it. */
export function shownResult({ data, errors, extensions }: AnyResult): FormattedExecutionResult {
  return {
    ...(data !== undefined && { data }),
    ...(errors && { errors: errors.map(shownError) }),
    ...(extensions && { extensions }),
  };
}
