import { isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { Callers, type Kind, type KindName, kindNames, kinds } from '../../support/access/callers.ts';
import { ids, type Question, questionsOf, rootFields } from '../../support/access/questions.ts';
import { type Class, expectedRefusal, expectOwn, type ViewFields } from '../../support/access/verdict.ts';
import { type AskingWay, byHttp, byReservedStream, bySse, byWebSocket } from '../../support/access/ways.ts';
import { startApi, type TestApi } from '../../support/api.ts';

const user: Class = { action: 'read', views: ['user_risk_profile'] };
const merchant: Class = { action: 'read', views: ['merchant_activity'] };
const anyRead: Class = { action: 'read' };
const anyWrite: Class = { action: 'write' };
const admin: Class = { action: 'admin' };

/** Who may ask for what. A field that is new has to be put here, too. */
const classes: { readonly [coordinate: string]: Class } = {
  'Query.user': user,
  'Query.users': user,
  'Query.merchant': merchant,
  'Query.merchants': merchant,
  'Query.featureViews': anyRead,
  'Query.searchEntities': anyRead,
  'Query.previewTransaction': anyRead,
  'Mutation.recordTransaction': anyWrite,
  'Mutation.recordTransactions': anyWrite,
  'Mutation.labelTransaction': anyWrite,
  'Mutation.retractTransaction': anyWrite,
  'Mutation.forgetUser': admin,
  'Mutation.forgetMerchant': admin,
  'Subscription.userRiskProfileUpdated': user,
  'Subscription.merchantActivityUpdated': merchant,
  'Subscription.serverActivity': admin,
};

/** What fields of entities show: of whoever may read that view of that id. Their own id is known to whoever asks. */
const viewFields: ViewFields = {
  'User.riskProfile': 'user_risk_profile',
  'User.riskProfileSeries': 'user_risk_profile',
  'Merchant.activity': 'merchant_activity',
  'Merchant.activitySeries': 'merchant_activity',
};

/** Whoever is shown something of which all that is asked for is their own. */
const goShort: readonly KindName[] = [
  'read',
  'read and write',
  'admin',
  'narrowed to an entity',
  'narrowed to a view',
  'narrowed to ids',
];

let callers: Callers;
/** Nothing of it goes the short way. */
let reference: TestApi;
/** What can does so from the second time on. */
let short: TestApi;

beforeAll(async () => {
  callers = await Callers.start();
  const { authenticator } = callers;
  reference = await startApi({ authenticator, hotAfter: Number.POSITIVE_INFINITY });
  short = await startApi({ authenticator, hotAfter: 1, keyPrefix: reference.keyPrefix });
  const input = ids.flatMap((userId) =>
    ids.map((merchantId, i) => ({ transactionId: `${userId} ${i}`, userId, merchantId, amount: 5 })),
  );
  const record = 'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }';
  const { data } = await reference.ask(record, { input }, callers.headers('admin') as { authorization: string });
  expect(data).toEqual({ recordTransactions: { recorded: 4 } });
});
afterAll(async () => {
  await Promise.all([reference?.stop(), short?.stop()]);
  await callers?.stop();
});

async function ask(way: AskingWay, kind: Kind, questions: readonly Question[]): Promise<void> {
  try {
    for (const question of questions) {
      const outcome = await way.ask(question);
      const expected = expectedRefusal(kind, classes[question.coordinate] as Class);
      expect(outcome.refused, `${question.coordinate}: ${JSON.stringify(outcome.errors)}`).toBe(expected);
      if (expected === null) expectOwn(kind, question, outcome, viewFields);
    }
  } finally {
    await way.close();
  }
}

const questions = (isPlain: boolean, isFor: (coordinate: string) => boolean) =>
  rootFields(schema)
    .filter(([type, { name }]) => isFor(`${type}.${name}`))
    .flatMap(([type, field]) => questionsOf(type, field, isPlain));
const isSubscription = (coordinate: string) => coordinate.startsWith('Subscription.');

describe('the matrix', () => {
  it('knows every field by which an operation begins, and every field of an entity', () => {
    const coordinates = rootFields(schema).map(([type, { name }]) => `${type}.${name}`);
    expect(coordinates.sort()).toEqual(Object.keys(classes).sort());
    const fields = ['User', 'Merchant'].flatMap((name) => {
      const type = schema.getType(name);
      return isObjectType(type) ? Object.keys(type.getFields()).map((field) => `${name}.${field}`) : [];
    });
    expect(fields.filter((one) => !one.endsWith('.id')).sort()).toEqual(Object.keys(viewFields).sort());
  });
});

describe.each(kindNames)('a caller of the kind: %s', (name) => {
  const kind: Kind = kinds[name];

  it('is shown what is its own by HTTP', async () => {
    await ask(
      byHttp(reference, callers, name),
      kind,
      questions(false, (one) => !isSubscription(one)),
    );
  });

  it('is shown the same where operations are compiled', async () => {
    const plain = questions(true, (one) => !isSubscription(one));
    await ask(byHttp(short, callers, 'admin'), kinds.admin, plain);
    const before = { ...short.server.ways };
    await ask(byHttp(short, callers, name), kind, plain);
    if (goShort.includes(name)) expect(short.server.ways.short).toBeGreaterThan(before.short);
    else expect(short.server.ways.short).toBe(before.short);
  });

  it('is shown the same by SSE', async () => {
    await ask(
      bySse(reference, callers, name),
      kind,
      questions(false, () => true),
    );
  });

  it('is shown the same by a reserved event stream', async () => {
    await ask(
      await byReservedStream(reference, callers, name),
      kind,
      questions(false, () => true),
    );
  });

  it.each(['payload', 'handshake'] as const)('is shown the same by WebSocket, known by its %s', async (where) => {
    await ask(
      await byWebSocket(reference, callers, name, where),
      kind,
      questions(false, () => true),
    );
  });
});
