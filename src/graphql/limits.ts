import { contractError } from './errors.ts';

/** Most ids that one field takes, in queries and subscriptions. */
export const maxIds = 1_000;

/** Most events that one mutation field takes. */
export const maxBatch = 1_000;

/** Most vectors that one operation, or one message of a subscription, shows: five fields of a thousand entities. */
export const maxVectors = 5_000;

/** @throws TOO_MANY_IDS */
export function assertIdsWithinLimit(ids: readonly string[], argument: string): void {
  if (ids.length > maxIds) {
    throw contractError('TOO_MANY_IDS', `${argument} takes at most ${maxIds} ids, and got ${ids.length}: ask in parts`);
  }
}

/** @throws BATCH_TOO_LARGE */
export function assertBatchWithinLimit(events: readonly unknown[]): void {
  if (events.length > maxBatch) {
    throw contractError(
      'BATCH_TOO_LARGE',
      `input takes at most ${maxBatch} events, and got ${events.length}: send them in parts; none of these was recorded`,
    );
  }
}
