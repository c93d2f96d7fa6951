import { GraphQLError } from 'graphql';

/** The error of a request that is refused with this status in every media type: there is no GraphQL in it. */
export function refusal(status: number, code: 'BAD_REQUEST', message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}
