import type { GraphQLError } from 'graphql';
import { contractError, type ErrorCode } from './errors.ts';

/** Most ids that one field takes, in queries and subscriptions. */
export const maxIds = 1_000;

/** Most events that one mutation field takes. */
export const maxBatch = 1_000;

/** Most moments that one series takes. */
export const maxMoments = 200;

/** Most entities that one search brings. */
export const maxFound = 100;

/**
 * Most vectors that one operation, or one message of a subscription, shows: five fields of a thousand entities. To look into
 * how sure one is counts as one more.
 */
export const maxVectors = 5_000;

/** Most values that it shows: so many vectors of some forty fields. */
export const maxShownValues = 200_000;

/** An argument that is a list, for whose items its field stands. */
export interface SizedArgument {
  readonly argument: string;
  readonly most: number;
  /** The error of a longer one. */
  readonly refuse: (place: string, size: number) => GraphQLError;
}

/** A list of ids; a longer one is `TOO_MANY_IDS`. */
export function idsArgument(argument: string): SizedArgument {
  return sizedArgument(argument, maxIds, 'ids', 'TOO_MANY_IDS', 'ask in parts');
}

/** A list of events; a longer one is `BATCH_TOO_LARGE`. */
export function batchArgument(argument: string): SizedArgument {
  return sizedArgument(argument, maxBatch, 'events', 'BATCH_TOO_LARGE', 'send them in parts; nothing was recorded');
}

/** A list of moments; a longer one is `QUERY_TOO_COMPLEX`. */
export function momentsArgument(argument: string): SizedArgument {
  return sizedArgument(argument, maxMoments, 'moments', 'QUERY_TOO_COMPLEX', 'ask in parts');
}

/** A list of a view's features; one that is longer than there are is `QUERY_TOO_COMPLEX`. */
export function featuresArgument(argument: string, most: number): SizedArgument {
  return sizedArgument(argument, most, 'features', 'QUERY_TOO_COMPLEX', 'name each once');
}

function sizedArgument(argument: string, most: number, items: string, code: ErrorCode, advice: string): SizedArgument {
  const refuse = (place: string, size: number) =>
    contractError(code, `${place} takes at most ${most} ${items}, and got ${size}: ${advice}`);
  return { argument, most, refuse };
}
