import type { GraphQLObjectType } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import { RecordTransactionsDocument, type TransactionInput } from '../../schema/operations/generated.ts';
import { transaction } from '../../schema/transaction.ts';
import { account, newBuilder, transferView } from './deployments.ts';
import { faults, freshId, nextOf, Service, streamOf } from './service.ts';

const open = () => Service.open(schema, views);

const idsOf = (kind: string, length = 1_000) => Array.from({ length }, (_, i) => `${kind}${i}`);

function payments(length = 1_000): TransactionInput[] {
  return Array.from({ length }, (_, i) => ({
    transactionId: freshId('txn'),
    userId: `u${i}`,
    merchantId: `m${i}`,
    amount: 1,
  }));
}

const aliases = (count: number, field: string) => Array.from({ length: count }, (_, i) => `f${i}: ${field}`).join(' ');

/** Selects all values that a view of this type has. */
function everything(typeName: string): string {
  const type = schema.getType(typeName) as GraphQLObjectType;
  const fields = Object.values(type.getFields())
    .filter(({ name }) => name !== 'accuracy')
    .map(({ name, type: of }) => (String(of) === 'Freshness!' ? `freshness ${everything('Freshness')}` : name));
  return `{ __typename ${fields.join(' ')} }`;
}

describe('an operation within the limits', () => {
  test('may ask for a thousand users beside a thousand merchants', async () => {
    const service = await open();
    const { data, errors } = await service.run(
      `query ($users: [ID!]!, $merchants: [ID!]!) {
        users(ids: $users) { riskProfile ${everything('UserRiskProfile')} }
        merchants(ids: $merchants) { activity ${everything('MerchantActivity')} }
      }`,
      { users: idsOf('u'), merchants: idsOf('m') },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ users: { length: 1_000 }, merchants: { length: 1_000 } });
  });

  test('may record a thousand events and show the user and the merchant of each', async () => {
    const service = await open();
    const { errors } = await service.run(
      `mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) {
        results {
          index transactionId status reason occurredAt
          user { id riskProfile ${everything('UserRiskProfile')} }
          merchant { id activity ${everything('MerchantActivity')} }
        }
      } }`,
      { input: payments() },
    );
    expect(errors).toBeUndefined();
  });

  test('may name what it asks for in parts, in fragments, or leave it out', async () => {
    const service = await open();
    const parts = '{ ...profile riskProfile { txnCount5m } ... on User { riskProfile { id } } }';
    const { errors } = await service.run(
      `query ($ids: [ID!]!, $all: Boolean = false) {
        ${aliases(5, `users(ids: $ids) ${parts}`)}
        included: users(ids: $ids) @include(if: $all) ${parts}
        skipped: users(ids: $ids) @skip(if: true) ${parts}
      } fragment profile on User { riskProfile { txnCount1h } }`,
      { ids: idsOf('u') },
    );
    expect(errors).toBeUndefined();
  });

  test('counts a batch as often as it wants: what stands beside its events is not shown for each', async () => {
    const service = await open();
    const { errors } = await service.run(
      `mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { ${aliases(250, 'recorded')} } }`,
      { input: payments() },
    );
    expect(errors).toBeUndefined();
  });

  test('is a subscription of a thousand, message by message', async () => {
    const service = await open();
    const stream = streamOf(
      await service.watch(
        `subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids) {
          user { ${aliases(3, 'riskProfile { txnCount1h }')} }
        } }`,
        { ids: idsOf('u') },
      ),
    );
    const updates = async () => {
      const { data, errors } = await nextOf(stream);
      expect(errors).toBeUndefined();
      const list = data?.userRiskProfileUpdated as readonly unknown[] | undefined;
      return list?.length ?? 0;
    };
    expect(await updates()).toBe(1_000);
    await service.run(RecordTransactionsDocument, { input: payments() });
    for (let seen = 0; seen < 1_000; ) seen += await updates();
    await stream.return(undefined);
  });
});

describe('an operation beyond the limit of vectors', () => {
  const limit = 'feature vectors: the limit is 5000; ask in parts';

  test('is refused as a whole, with one error, before anything is read', async () => {
    const service = await open();
    const read = vi.spyOn(service.engine, 'readEach');
    const result = await service.run(
      `query ($ids: [ID!]!) { ${aliases(50, 'users(ids: $ids) { ...all }')} }
      fragment all on User { riskProfile { txnCount1h } }`,
      { ids: idsOf('u') },
    );
    expect(result.data).toBeNull();
    expect(faults(result)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'f0' }]);
    expect(result.errors?.[0]?.message).toBe(`The query asks for 50000 ${limit}`);
    expect(result.errors?.[0]?.extensions.http).toEqual({ status: 400, spec: true });
    expect(read).not.toHaveBeenCalled();
  });

  test('counts aliases of the view, ids in the text, and both kinds of entity', async () => {
    const service = await open();
    const ids = idsOf('u', 100);
    const beyond = await service.run(
      `query ($ids: [ID!]!) {
        users(ids: ${JSON.stringify(ids)}) { ${aliases(25, 'riskProfile { id }')} }
        merchants(ids: $ids) { ${aliases(25, 'activity { id }')} }
        user(id: "one") { riskProfile { id } }
      }`,
      { ids },
    );
    expect(beyond.errors?.[0]?.message).toBe(`The query asks for 5001 ${limit}`);
  });

  test('records nothing, not even by the fields before', async () => {
    const service = await open();
    const record = vi.spyOn(service.engine, 'record');
    const results = 'results { user { riskProfile { id } } merchant { activity { id } } }';
    const refused = await service.run(
      `mutation ($one: TransactionInput!, $input: [TransactionInput!]!) {
        recordTransaction(input: $one) { status }
        ${aliases(3, `recordTransactions(input: $input) { ${results} }`)}
      }`,
      { one: payments(1)[0], input: payments() },
    );
    expect(faults(refused)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'recordTransaction' }]);
    expect(record).not.toHaveBeenCalled();
  });

  test('does not begin as a subscription', async () => {
    const service = await open();
    const begun = await service.watch(
      `subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids) {
        user { ${aliases(6, 'riskProfile { id }')} }
      } }`,
      { ids: idsOf('u') },
    );
    if (Symbol.asyncIterator in begun) throw new Error('it began');
    expect(faults(begun)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'userRiskProfileUpdated' }]);
  });

  test('may be one of a team’s own lists, whose size nobody knows before', async () => {
    const sent = transferView('account_sent', account, 'senderId');
    const builder = newBuilder();
    const type = builder.entityType(account, { fields: (t) => ({ sent: t.featureView(sent) }) });
    builder.queryField('accounts', (t) =>
      t.field({
        type: [type],
        nullable: false,
        authScopes: { known: true },
        resolve: () => idsOf('a', 5_001).map((id) => ({ id })),
      }),
    );
    const service = await Service.open(builder.toSchema({ views: [sent] }), [sent]);
    const result = await service.run('{ accounts { sent { count1h } } }');
    expect(faults(result)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'accounts.5000.sent' }]);
    expect(result.errors?.[0]?.message).toBe(`The query shows more ${limit}`);
  });
});

test('what is recorded and not shown has no such limit', async () => {
  const service = await open();
  const record = vi.spyOn(service.engine, 'record');
  const { errors } = await service.run(
    `mutation ($input: [TransactionInput!]!) {
      ${aliases(6, 'recordTransactions(input: $input) { recorded }')}
    }`,
    { input: payments() },
  );
  expect(errors).toBeUndefined();
  expect(record.mock.calls.map(([event]) => event)).toEqual(Array(6).fill(transaction));
});

describe('an operation beyond the limit of values', () => {
  test('is refused before anything is recorded, also if it shows no vector', async () => {
    const service = await open();
    const record = vi.spyOn(service.engine, 'record');
    const result = await service.run(
      `mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) {
        recorded ${aliases(50, 'results { __typename index status user { id } }')}
      } }`,
      { input: payments() },
    );
    expect(faults(result)).toEqual([{ code: 'QUERY_TOO_COMPLEX', path: 'recordTransactions' }]);
    // A result, and what is in it, a thousand times in fifty lists; the batch and its count.
    const values = 50 * 1_000 * 6 + 2;
    expect(result.errors?.[0]?.message).toBe(`The query asks for ${values} values: the limit is 200000; ask in parts`);
    expect(record).not.toHaveBeenCalled();
  });
});

describe('an operation with a list that is too long', () => {
  test('records nothing, not even by the fields before', async () => {
    const service = await open();
    const record = vi.spyOn(service.engine, 'record');
    const refused = await service.run(
      `mutation ($one: TransactionInput!, $input: [TransactionInput!]!) {
        one: recordTransaction(input: $one) { status }
        many: recordTransactions(input: $input) { recorded }
      }`,
      { one: payments(1)[0], input: payments(1_001) },
    );
    expect(faults(refused)).toEqual([{ code: 'BATCH_TOO_LARGE', path: 'one' }]);
    expect(refused.errors?.[0]?.message).toBe(
      'recordTransactions(input:) takes at most 1000 events, and got 1001: send them in parts; nothing was recorded',
    );
    expect(record).not.toHaveBeenCalled();
  });

  test('reads nothing', async () => {
    const service = await open();
    const read = vi.spyOn(service.engine, 'readEach');
    const refused = await service.run(
      `{
        users(ids: ["u"]) { riskProfile { id } }
        ...more
      } fragment more on Query { merchants(ids: ${JSON.stringify(idsOf('m', 1_001))}) { id } }`,
    );
    expect(faults(refused)).toEqual([{ code: 'TOO_MANY_IDS', path: 'users' }]);
    expect(refused.errors?.[0]?.message).toBe('merchants(ids:) takes at most 1000 ids, and got 1001: ask in parts');
    expect(read).not.toHaveBeenCalled();
  });
});
