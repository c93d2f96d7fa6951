import { count, entity, event, sum, view } from '../../src/define/index.ts';

export const payment = event('Payment', {
  description: 'Something that happens.',
  id: 'paymentId',
  time: 'at',
  fields: {
    paymentId: { type: 'id', description: 'Its id.' },
    payer: { type: 'id', description: 'Who paid.' },
    amount: { type: 'number', description: 'How much.' },
    at: { type: 'time', optional: true, description: 'When.' },
  },
});

export const payments = view('payments', {
  version: 1,
  entity: entity('Payer', { description: 'Someone who pays.' }),
  from: payment,
  by: 'payer',
  description: 'What a payer paid.',
  features: { count1h: count({ window: '1h' }), sum1h: sum('amount', { window: '1h' }) },
});
