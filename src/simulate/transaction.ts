import type { Milliseconds } from '../define/index.ts';

/** A card payment of the simulation, with all that the event of the schema may hold. */
export type Transaction = {
  readonly transactionId: string;
  readonly userId: string;
  readonly merchantId: string;
  /** In whole cents. */
  readonly amount: number;
  readonly occurredAt: Milliseconds;
  readonly fraud: boolean;
};
