import { GraphQLError } from 'graphql';

/**
 * The error of a request that is refused with this status in every media type: there is no GraphQL in it.
 * @param headers of the answer.
 */
export function refusal(
  status: number,
  code: 'BAD_REQUEST' | 'RATE_LIMITED',
  message: string,
  headers?: { readonly [name: string]: string },
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, ...(headers && { headers }) } } });
}
