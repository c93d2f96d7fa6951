import { describe, expect, test } from 'vitest';
import { DefinitionError } from '../../src/define/index.ts';
import { payloadEntities } from '../../src/graphql/payload-entities.ts';
import { plural } from '../../src/graphql/plural.ts';
import { account, bank, transfer, transferView } from './deployments.ts';

const sent = transferView('account_sent', account, 'senderId');
const sentToo = transferView('account_sent_too', account, 'senderId');
const received = transferView('account_received', account, 'receiverId');
const booked = transferView('bank_booked', bank, 'bankId');
const bankReceived = transferView('bank_received', bank, 'receiverId');

const names = (...args: Parameters<typeof payloadEntities>) =>
  payloadEntities(...args).map(({ name, by }) => [name, by]);

describe('the entities of a payload', () => {
  test('are named like their type', () => {
    expect(names(transfer, [sent, booked], [])).toEqual([
      ['account', 'senderId'],
      ['bank', 'bankId'],
    ]);
  });

  test('are one field for all views of the same entity by the same field', () => {
    expect(payloadEntities(transfer, [sent, booked, sentToo], []).map(({ views }) => views)).toEqual([
      [sent, sentToo],
      [booked],
    ]);
  });

  test('are named after the fields of the event where it has two of one type', () => {
    expect(names(transfer, [sent, received, booked], [])).toEqual([
      ['sender', 'senderId'],
      ['receiver', 'receiverId'],
      ['bank', 'bankId'],
    ]);
  });

  test('may be of two types by the same field', () => {
    expect(names(transfer, [sent, bankReceived], [])).toEqual([
      ['account', 'senderId'],
      ['bank', 'receiverId'],
    ]);
  });

  test('collide with other fields of the payload only in a definition error that names the view', () => {
    expect(() => payloadEntities(transfer, [booked], ['status', 'bank'])).toThrow(DefinitionError);
    expect(() => payloadEntities(transfer, [booked], ['status', 'bank'])).toThrow(/view bank_booked: .* bank .* taken/);
  });

  test('collide with each other only in a definition error', () => {
    const both = [transferView('a', account, 'senderId'), transferView('b', account, 'receiverId')];
    const sender = transferView('c', { name: 'Sender', description: '' }, 'bankId');
    expect(() => payloadEntities(transfer, [...both, sender], [])).toThrow(
      /view c: its Sender would be the field sender/,
    );
  });
});

test.for([
  ['Transaction', 'Transactions'],
  ['Delivery', 'Deliveries'],
  ['Play', 'Plays'],
  ['Purchase', 'Purchases'],
  ['Class', 'Classes'],
  ['Search', 'Searches'],
] as const)('several of %s are %s', ([one, many]) => {
  expect(plural(one)).toBe(many);
});
