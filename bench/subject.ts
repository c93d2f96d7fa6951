import { activity } from '../schema/merchant.ts';
import { transaction } from '../schema/transaction.ts';
import { riskProfile } from '../schema/user.ts';
import type { Milliseconds, View } from '../src/define/index.ts';
import type { Transaction } from '../src/simulate/index.ts';

/** A view that is measured, on entities of its own: all else that a transaction names is drawn. */
export interface Subject {
  readonly name: 'user' | 'merchant';
  readonly view: View;
  /** How far back its windows reach. */
  readonly spanMs: Milliseconds;
  /** What the plain patterns call whom it deals with: `unique_merchants`. */
  readonly partners: 'merchants' | 'users';
  transaction(id: string, partner: string, rest: Omit<Transaction, 'userId' | 'merchantId'>): Transaction;
}

/** The views of this deployment. */
export const subjects: readonly Subject[] = [
  {
    name: 'user',
    view: riskProfile,
    spanMs: spanOf(riskProfile),
    partners: 'merchants',
    transaction: (userId, merchantId, rest) => ({ ...rest, userId, merchantId }),
  },
  {
    name: 'merchant',
    view: activity,
    spanMs: spanOf(activity),
    partners: 'users',
    transaction: (merchantId, userId, rest) => ({ ...rest, userId, merchantId }),
  },
];

/** The event that feeds both. */
export const event = transaction;

function spanOf({ features }: View): Milliseconds {
  return Math.max(
    ...features.map(({ aggregation: { window } }) =>
      window.kind === 'sliding' ? window.lengthMs + window.delayMs : 0,
    ),
  );
}
