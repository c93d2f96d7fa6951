import { GraphQLError } from 'graphql';

/** To a client that sends too many requests. */
export function tooManyRequests(waitMs: number): GraphQLError {
  return rateLimited('Too many requests', waitMs);
}

/** To a client whose operations cost too much together. */
export function tooMuchCost(waitMs: number, cost: number): GraphQLError {
  return rateLimited(`Too much at a time: this costs ${cost}`, waitMs);
}

/** When a client that has too much of something may come again: nobody knows when it has less. */
export const heldRetrySeconds = '5';

/** To a client that has too much of something. By HTTP its status is 429, of every media type. */
export function tooManyHeld(message: string): GraphQLError {
  const http = { status: 429, headers: { 'retry-after': heldRetrySeconds } };
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', http } });
}

/** As the header `retry-after` has it. */
export function retryAfterSeconds(waitMs: number): string {
  return String(Math.max(1, Math.ceil(waitMs / 1_000)));
}

/** By HTTP its status is 429, of every media type. */
function rateLimited(message: string, waitMs: number): GraphQLError {
  const headers = { 'retry-after': retryAfterSeconds(waitMs) };
  const retryAfterMs = Math.ceil(waitMs);
  return new GraphQLError(`${message}: try again in ${headers['retry-after']} s`, {
    extensions: { code: 'RATE_LIMITED', retryAfterMs, http: { status: 429, headers } },
  });
}
