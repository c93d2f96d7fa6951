import { entity, event } from '../../src/define/index.ts';

/** An event with a field of each type, required and optional, for tests of definitions. */
export const transaction = event('Transaction', {
  description: 'A card payment.',
  id: 'transactionId',
  time: 'occurredAt',
  fields: {
    transactionId: { type: 'id', description: 'The key of idempotence.' },
    userId: { type: 'id', description: 'Who paid.' },
    deviceId: { type: 'id', optional: true, description: 'Where from, if known.' },
    amount: { type: 'number', description: 'How much.' },
    fraud: { type: 'boolean', optional: true, description: 'Known late.' },
    occurredAt: { type: 'time', optional: true, description: 'When.' },
  },
});

export const user = entity('User', { description: 'Who pays.' });

/** What every view of these tests has in common. */
export const base = {
  version: 1,
  entity: user,
  from: transaction,
  by: 'userId',
  description: 'How a user pays.',
} as const;
