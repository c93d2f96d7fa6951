import type { GraphQLError } from 'graphql';
import { contractError } from './errors.ts';
import { maxVectors } from './limits.ts';

/**
 * What one operation, or one message of a subscription, may still show. It counts what is shown and not what is read:
 * a vector that is read once may be asked for by fifty aliases. It bounds what cannot be measured before, such as a
 * team's own lists.
 */
export class ReadBudget {
  #left = maxVectors;

  /** @throws QUERY_TOO_COMPLEX */
  take(vectors = 1): void {
    this.#left -= vectors;
    if (this.#left < 0) throw tooManyVectors('shows more');
  }

  /** For the next message of a subscription. */
  renew(): void {
    this.#left = maxVectors;
  }
}

/** @param what the query does, such as `asks for 6000`. */
export function tooManyVectors(what: string): GraphQLError {
  return contractError(
    'QUERY_TOO_COMPLEX',
    `The query ${what} feature vectors: the limit is ${maxVectors}; ask in parts`,
  );
}
