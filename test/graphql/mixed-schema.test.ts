import { printType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { account, bank, newBuilder, transfer, transferView } from './deployments.ts';

const sent = transferView('account_sent', account, 'senderId');
const received = transferView('account_received', account, 'receiverId');
const booked = transferView('bank_booked', bank, 'bankId');

/** A team's schema: types of its own, and entities with fields of its own beside their views. */
function bankingSchema() {
  const builder = newBuilder();
  const currency = builder.enumType('Currency', { values: ['EUR', 'USD'] as const });
  const accountType = builder.entityType(account, {
    description: 'An account, as our bank knows it.',
    fields: (t) => ({
      sentSeries: t.featureViewSeries(sent),
      sent: t.featureView(sent),
      received: t.featureView(received, { description: 'What came in.', deprecationReason: 'use sent' }),
      currency: t.field({
        authScopes: { known: true },
        type: currency,
        nullable: false,
        resolve: () => 'EUR' as const,
      }),
      iban: t.string({ authScopes: { known: true }, resolve: ({ id }) => `DE${id}` }),
    }),
  });
  builder.entityType(bank, { fields: (t) => ({ booked: t.featureView(booked) }) });
  const customer = builder.objectRef<{ name: string; accountId: string }>('Customer').implement({
    fields: (t) => ({
      name: t.exposeString('name'),
      account: t.field({ type: accountType, resolve: ({ accountId }) => ({ id: accountId }) }),
    }),
  });
  builder.queryFields((t) => ({
    customers: t.field({
      authScopes: { known: true },
      type: [customer],
      resolve: () => [{ name: 'Ada', accountId: '1' }],
    }),
    account: t.entity(account, { description: 'An account of ours.' }),
    accounts: t.entities(account),
  }));
  builder.mutationType({
    fields: (t) => ({
      recordTransfer: t.record(transfer),
      recordTransfers: t.recordMany(transfer),
      rename: t.boolean({ authScopes: { known: true }, args: { name: t.arg.string() }, resolve: () => true }),
    }),
  });
  builder.subscriptionType({ fields: (t) => ({ accountSentUpdated: t.featureUpdates(sent) }) });
  return builder.toSchema({ views: [sent, received, booked], sortSchema: false });
}

const schema = bankingSchema();
/** A type's SDL without its descriptions. */
const sdl = (name: string) =>
  printType(schema.getType(name) as Parameters<typeof printType>[0])
    .replace(/ *"""[\s\S]*?"""\n/g, '')
    .replace(/\n{2,}/g, '\n');

describe('a team’s schema with types and fields of its own', () => {
  test('has the entity with its id, its views and the team’s fields', () => {
    expect(sdl('Account')).toMatchInlineSnapshot(`
      "type Account {
        id: ID!
        sentSeries(
          at: [DateTime!]!
        ): [AccountSent]!
        sent(
          asOf: DateTime
        ): AccountSent
        received(
          asOf: DateTime
        ): AccountReceived @deprecated(reason: "use sent")
        currency: Currency!
        iban: String
      }"
    `);
    expect(schema.getType('Account')?.description).toBe('An account, as our bank knows it.');
  });

  test('names and types the input after the event’s fields', () => {
    expect(sdl('TransferInput')).toMatchInlineSnapshot(`
      "input TransferInput {
        transferId: ID!
        senderId: ID!
        receiverId: ID!
        bankId: ID!
        sum: Float!
        bookedAt: DateTime
        instant: Boolean
      }"
    `);
  });

  test('names the entities of a payload after the event’s fields where there are two', () => {
    expect(sdl('RecordTransferPayload')).toMatchInlineSnapshot(`
      "type RecordTransferPayload {
        transferId: ID!
        status: RecordStatus!
        reason: String
        bookedAt: DateTime
        sender: Account
        receiver: Account
        bank: Bank
      }"
    `);
    expect(sdl('RecordTransfersPayload')).toMatchInlineSnapshot(`
      "type RecordTransfersPayload {
        recorded: Int!
        duplicates: Int!
        tooLate: Int!
        rejected: Int!
        unavailable: Int!
        results(
          only: [RecordStatus!]
        ): [RecordTransferResult!]!
      }"
    `);
    expect(sdl('RecordTransferResult')).toMatchInlineSnapshot(`
      "type RecordTransferResult {
        index: Int!
        transferId: ID!
        status: RecordStatus!
        reason: String
        bookedAt: DateTime
        sender: Account
        receiver: Account
        bank: Bank
      }"
    `);
  });

  test('watches by the entity’s name', () => {
    expect(sdl('Subscription')).toMatchInlineSnapshot(`
      "type Subscription {
        accountSentUpdated(
          accountIds: [ID!]!
          minIntervalMs: Int! = 50
          since: [KnownRevisionInput!]
        ): [AccountSentUpdate!]!
      }"
    `);
    expect(sdl('AccountSentUpdate')).toMatchInlineSnapshot(`
      "type AccountSentUpdate {
        cause: UpdateCause!
        account: Account!
      }"
    `);
  });

  test('keeps its own mutations and queries', () => {
    expect(sdl('Query')).toMatchInlineSnapshot(`
      "type Query {
        customers: [Customer!]
        account(
          id: ID!
        ): Account!
        accounts(
          ids: [ID!]!
        ): [Account!]!
      }"
    `);
    expect(sdl('Mutation')).toMatchInlineSnapshot(`
      "type Mutation {
        recordTransfer(
          input: TransferInput!
        ): RecordTransferPayload!
        recordTransfers(
          input: [TransferInput!]!
        ): RecordTransfersPayload!
        rename(name: String): Boolean
      }"
    `);
  });

  test('describes what the plugin made of it', () => {
    expect(schema.getQueryType()?.getFields().account?.description).toBe('An account of ours.');
    expect(schema.getType('TransferInput')?.description).toBe(transfer.description);
  });
});
