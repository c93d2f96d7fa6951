import { event } from '../src/define/index.ts';
import { builder } from './builder.ts';

export const transaction = event('Transaction', {
  description: 'A card payment of a user to a merchant.',
  id: 'transactionId',
  time: 'occurredAt',
  fields: {
    transactionId: { type: 'id', description: 'The id of the transaction.' },
    userId: { type: 'id', description: 'Who paid.' },
    merchantId: { type: 'id', description: 'Who was paid.' },
    amount: { type: 'number', description: 'How much, in the one currency of all amounts; at most 1e15 either way.' },
    occurredAt: { type: 'time', optional: true, description: 'When it happened.' },
    fraud: {
      type: 'boolean',
      optional: true,
      label: true,
      description: 'Whether it was fraud; null: not known yet.',
    },
  },
});

builder.mutationFields((t) => ({
  recordTransaction: t.record(transaction),
  recordTransactions: t.recordMany(transaction),
  labelTransaction: t.label(transaction),
  retractTransaction: t.retract(transaction, ['amount']),
}));
