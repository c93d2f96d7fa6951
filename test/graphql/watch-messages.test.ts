import { type ExecutionResult, type GraphQLError, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { count, view } from '../../src/define/index.ts';
import { type Aside, subscribeToWatch, type WatchMessages } from '../../src/graphql/index.ts';
import { account, newBuilder, transfer, transferView } from './deployments.ts';
import { freshId, Service } from './service.ts';

let shown = 0;

const counting = view('counting', {
  version: 1,
  entity: account,
  from: transfer,
  by: 'senderId',
  description: 'Counts how often it is shown.',
  features: { count1h: count({ window: '1h' }) },
  derived: {
    same: (f) => {
      shown += 1;
      return f.count1h;
    },
  },
});

const received = transferView('received', account, 'receiverId');

function deployment() {
  const builder = newBuilder();
  builder.entityType(account, {
    fields: (t) => ({
      counting: t.featureView(counting),
      received: t.featureView(received),
      askedBy: t.string({
        authScopes: { known: true },
        nullable: false,
        resolve: (_, _args, { requestId }) => requestId,
      }),
    }),
  });
  builder.queryField('featureViews', (t) => t.featureViews());
  builder.mutationType({ description: 'Mutations.', fields: (t) => ({ recordTransfer: t.record(transfer) }) });
  builder.subscriptionType({
    description: 'Changes.',
    fields: (t) => ({ countingUpdated: t.featureUpdates(counting) }),
  });
  return builder.toSchema({ views: [counting, received] });
}

const watching = (selection: string, fragments = '', variable = '') =>
  parse(
    `subscription W($ids: [ID!]!${variable}) { changes: countingUpdated(accountIds: $ids) { ${selection} } } ${fragments}`,
  );

const aside: Aside = { mask: (error) => error as GraphQLError, runAs: (_, work) => work() };

async function open(text: ReturnType<typeof parse>, variables: { readonly [name: string]: unknown }[]) {
  const service = await Service.open(deployment(), [counting, received]);
  expect(validate(service.schema, text)).toEqual([]);
  const begun = variables.map((variableValues) =>
    subscribeToWatch(
      { schema: service.schema, document: text, variableValues, contextValue: service.context() },
      aside,
    ),
  );
  return { service, begun };
}

async function streams(begun: readonly ReturnType<typeof subscribeToWatch>[]) {
  const results = await Promise.all(begun);
  return results.map((result) => {
    if (!result || !(Symbol.asyncIterator in result)) throw new Error('it did not begin');
    return result[Symbol.asyncIterator]();
  });
}

async function next(stream: AsyncIterator<ExecutionResult>): Promise<ExecutionResult> {
  const { done, value } = await stream.next();
  if (done) throw new Error('it has ended');
  return value;
}

const send = (service: Service, senderId: string) =>
  service.run(
    'mutation ($id: ID!, $from: ID!) { recordTransfer(input: { transferId: $id, senderId: $from, receiverId: "r", bankId: "b", sum: 1 }) { status } }',
    { id: freshId('transfer'), from: senderId },
  );

const five = [1, 2, 3, 4, 5];

describe('what many watch', () => {
  const all = watching('cause account { id counting { same freshness { revision } } }');

  test('is executed once for all of them, however many entities they watch beside', async () => {
    const { service, begun } = await open(all, [{ ids: ['a'] }, { ids: ['a'] }, { ids: ['a', 'b'] }]);
    const watchers = await streams(begun);
    await Promise.all(watchers.map(next));
    shown = 0;
    await send(service, 'a');
    const results = await Promise.all(watchers.map(next));
    expect(results[0]).toMatchObject({
      data: { changes: [{ cause: 'EVENT', account: { id: 'a', counting: { same: 1 } } }] },
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    expect(shown).toBe(1);
    await Promise.all(watchers.map((one) => one.return?.()));
    expect(service.hub.load.subscriptions).toBe(0);
  });

  test('is executed once for each that selects otherwise by a variable', async () => {
    const selection = watching(
      'account { counting @include(if: $with) { ...Figures } }',
      'fragment Figures on Counting { same }',
      ', $with: Boolean! = true',
    );
    const { service, begun } = await open(selection, [{ ids: ['a'] }, { ids: ['a'], with: false }, { ids: ['a'] }]);
    const watchers = await streams(begun);
    await Promise.all(watchers.map(next));
    shown = 0;
    await send(service, 'a');
    const [first, second, third] = await Promise.all(watchers.map(next));
    expect(first).toEqual({ data: { changes: [{ account: { counting: { same: 1 } } }] } });
    expect(second).toEqual({ data: { changes: [{ account: {} }] } });
    expect(third).toEqual(first);
    expect(shown).toBe(1);
  });

  test('has the errors of bad ids at the places of each client', async () => {
    const { begun } = await open(all, [{ ids: ['', 'a'] }, { ids: ['a', ''] }]);
    const watchers = await streams(begun);
    const [first, second] = await Promise.all(watchers.map(next));
    expect(first?.errors?.[0]?.path).toEqual(['changes', 0, 'account', 'counting']);
    expect(second?.errors?.[0]?.path).toEqual(['changes', 1, 'account', 'counting']);
  });

  test.each([
    ['a field of the team, which may ask who asks', 'account { askedBy }'],
    ['how sure values are, which is read', 'account { counting { accuracy(features: [count1h]) { feature } } }'],
    ['another view of the entity, which does not come with its updates', 'account { received { count1h } }'],
    [
      'what more variables decide than two clients would have alike',
      five.map((v) => `x${v}: cause @skip(if: $v${v})`).join(' '),
    ],
    ['a moment of the past', 'account { counting(asOf: "2024-01-01T00:00:00Z") { same } }'],
  ])('is not shared where it shows %s', async (_, selection) => {
    const variables = selection.includes('$v') ? five.map((v) => `, $v${v}: Boolean! = false`).join('') : '';
    const { begun } = await open(watching(selection, '', variables), [{ ids: ['a'] }]);
    const watchers = await streams(begun);
    expect(watchers.map((one) => (one as unknown as WatchMessages).selection)).toEqual([null]);
    await Promise.all(watchers.map((one) => one.return?.()));
  });
});
