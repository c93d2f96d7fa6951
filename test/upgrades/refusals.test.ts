import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiProcess } from '../support/api.ts';
import { type Edit, Edition } from '../support/edition.ts';
import { pay, profile, shared } from './editions.ts';

/** Each test starts several processes, which on a loaded machine takes its time. */
const patienceMs = 120_000; // 2 minutes

const settings = shared();
let serving: ApiProcess;

beforeAll(async () => {
  serving = new ApiProcess(settings);
  await pay(await serving.listening(), 'u');
});
afterAll(() => serving.stop());

const user = (from: string, to: string): Edit => ['schema/user.ts', from, to];
const at = 'view user_risk_profile v1: the feature';
const advice = 'a new meaning is a new feature, or a new version of the view';

const changes: readonly (readonly [what: string, edits: readonly Edit[], says: readonly string[]])[] = [
  [
    'a longer window',
    [user("txnCount1h: count({ window: '1h' })", "txnCount1h: count({ window: '2h' })")],
    [`${at} txnCount1h is stored as «count() window=3600000`, 'but now defined as «count() window=7200000', advice],
  ],
  [
    'a delay',
    [user("txnCount1h: count({ window: '1h' })", "txnCount1h: count({ window: '1h', delay: '1d' })")],
    [`${at} txnCount1h `, 'delay=0', 'delay=86400000', advice],
  ],
  [
    'another aggregation',
    [user("maxTxnAmount24h: max('amount'", "maxTxnAmount24h: min('amount'")],
    [`${at} maxTxnAmount24h is stored as «max(amount)`, 'now defined as «min(amount)', advice],
  ],
  [
    'another field',
    [user("uniqueMerchants1h: distinct('merchantId'", "uniqueMerchants1h: distinct('transactionId'")],
    [`${at} uniqueMerchants1h is stored as «distinct(merchantId)`, '«distinct(transactionId)', advice],
  ],
  [
    'a filter',
    [
      user(
        "txnCount24h: count({ window: '24h' })",
        "txnCount24h: count({ window: '24h', where: { fraud: { eq: true } } })",
      ),
    ],
    [`${at} txnCount24h `, 'where=fraud', advice],
  ],
  [
    'another idle time',
    [user("lifetime({ idle: '24h' })", "lifetime({ idle: '48h' })")],
    [`${at} avgTxnAmount `, 'idle=86400000', 'idle=172800000', advice],
  ],
  [
    'another id of whom it is of',
    [user("by: 'userId'", "by: 'merchantId'")],
    ['is stored as', 'of=Transaction.userId', 'of=Transaction.merchantId', advice],
  ],
  [
    'an event of another name',
    [['schema/transaction.ts', "event('Transaction'", "event('Payment'"]],
    ['is stored as', 'of=Transaction.userId', 'of=Payment.userId', advice],
  ],
  [
    'a feature less',
    [user("    maxTxnAmount24h: max('amount', { window: '24h' }),\n", '')],
    [`${at} maxTxnAmount24h is stored under the prefix ${settings.FRESHET_KEY_PREFIX} but no longer defined; keep it`],
  ],
  [
    'another name of a feature',
    [user('maxTxnAmount24h: max', 'mostTxnAmount24h: max')],
    [`${at} maxTxnAmount24h is stored under the prefix`, 'keep it, or give the view a new version'],
  ],
];

describe('a process whose definitions contradict what is stored under its prefix', { timeout: patienceMs }, () => {
  test.each(changes)('by %s does not start, and says what was, what is, and what to do', async (_, edits, says) => {
    const process = new Edition(...edits).start(settings);
    expect(await process.exited).toBe(1);
    for (const part of says) expect(process.output).toContain(part);
    // For whoever runs it, in one line, and not of where in the source it was found.
    expect(process.output).not.toMatch(/^ +at .*\.ts:/m);
  });

  test('by its clock does not start', async () => {
    const process = new Edition().start({ ...settings, FRESHET_CLOCK: 'event' });
    expect(await process.exited).toBe(1);
    expect(process.output).toContain(
      `the key prefix ${settings.FRESHET_KEY_PREFIX} belongs to the wall clock and cannot be used with the event clock; choose another FRESHET_KEY_PREFIX`,
    );
  });

  test('does not start with several workers either, and says so once', async () => {
    const edition = new Edition(user("maxTxnAmount24h: max('amount'", "maxTxnAmount24h: min('amount'"));
    const process = edition.start({ ...settings, WORKERS: '2' });
    expect(await process.exited).toBe(1);
    expect(process.output.match(/the feature maxTxnAmount24h is stored as/g)).toHaveLength(1);
  });

  test('has changed nothing for those that serve', async () => {
    const api = await serving.listening();
    expect((await profile(api, 'u', 'txnCount1h')).profile).toMatchObject({ txnCount1h: 1 });
    expect(await pay(api, 'u')).toMatchObject({ status: 'RECORDED' });
  });
});

test('other words, another order and a longer history are no contradiction', async () => {
  const edition = new Edition(
    user(
      "description: 'How a user spends: what a fraud model asks of whoever is about to pay.'",
      "history: '7d', description: 'Spends.'",
    ),
    user(
      "    txnCount1m: count({ window: '1m' }),\n    txnCount5m: count({ window: '5m' }),\n",
      "    txnCount5m: count({ window: '5m' }),\n    txnCount1m: count({ window: '1m' }),\n",
    ),
  );
  const api = await edition.start(settings).listening();
  expect((await profile(api, 'u', 'txnCount1m')).errors).toBeUndefined();
});
