import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { type Edit, Edition } from '../support/edition.ts';
import { type Profile, pay, profile, secondAlone, secondIsFed, secondIsServed, shared } from './editions.ts';

/** Each test starts several processes, which on a loaded machine takes its time. */
const patienceMs = 120_000; // 2 minutes

const sums = 'txnAmount24h avgTxnAmount avgTxnAmount30d maxTxnAmount24h uniqueMerchants24h lastTxnAmount';
const versions = ['--from', 'user_risk_profile@1', '--to', 'user_risk_profile@2'];

/** A feature of the second version that the first never kept what it needs for. */
const beyondTheFirst: Edit = [
  'schema/user.ts',
  "txnCount1h: count({ window: '2h' }),",
  "txnCount1h: count({ window: '2h' }),\n    bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),",
];

async function sumsOf(api: ApiClient, userId: string) {
  const { profile: shown, errors } = await profile(api, userId, sums);
  expect(errors).toBeUndefined();
  const { id: _, freshness, ...values } = shown as Profile;
  return { values, completeSince: Date.parse(freshness.completeSince) };
}

describe('a new version of a view, filled from a running store', { timeout: patienceMs }, () => {
  test('is fed first, then filled while events come, then served, as complete as the one before', async () => {
    const settings = shared();
    const users = Array.from({ length: 60 }, (_, n) => `user {${n}}`);
    const old = new Edition().start(settings);
    const first = await old.listening();
    await Promise.all(users.flatMap((userId, n) => [pay(first, userId, n), pay(first, userId, 2 * n)]));

    const edition = new Edition(...secondIsFed);
    const feeding = edition.start(settings);
    const fed = await feeding.listening();
    const early = await edition.run('fill', versions, settings);
    expect(early).toMatchObject({ status: 1, stdout: '' });
    expect(early.stderr).toContain(`process ${old.child.pid} on `);
    expect(early.stderr).toContain('does not feed user_risk_profile v2');
    await old.stop();

    let over = false;
    let sent = 0;
    const recording = (async () => {
      for (; !over; sent++)
        expect(await pay(fed, users[sent % users.length] as string, 1)).toMatchObject({ status: 'RECORDED' });
    })();
    const dry = await edition.run('fill', [...versions, '--dry-run'], settings);
    expect(dry).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('can be filled from user_risk_profile v1'),
    });
    const filled = await edition.run('fill', versions, settings);
    expect(filled).toMatchObject({ status: 0, stderr: '' });
    expect(filled.stdout).toMatch(
      /^user_risk_profile v1 to user_risk_profile v2: 60 entities filled, 0 were filled already\nuser_risk_profile v2 is complete since /,
    );
    const again = await edition.run('fill', [...versions, '--rate', '100000'], settings);
    expect(again.stdout).toContain('0 entities filled, 60 were filled already');
    over = true;
    await recording;
    expect(sent).toBeGreaterThan(10);

    const served = await new Edition(...secondIsServed).start(settings).listening();
    for (const userId of users) {
      const [one, other] = [await sumsOf(fed, userId), await sumsOf(served, userId)];
      expect(other).toEqual(one);
    }
    expect((await sumsOf(served, 'nobody')).completeSince).toBe((await sumsOf(fed, 'nobody')).completeSince);
  });

  test('says of each entity that it is not complete until it is filled', async () => {
    const settings = shared();
    const old = new Edition().start(settings);
    const before = await old.listening();
    await Promise.all([pay(before, 'u'), pay(before, 'w')]);
    await old.stop();
    const served = await new Edition(...secondIsServed).start(settings).listening();
    await pay(served, 'u');
    const { values, completeSince } = await sumsOf(served, 'u');
    expect(values.txnAmount24h).toBe(10);
    await new Edition(...secondIsFed).run('fill', versions, settings);
    const filled = await sumsOf(served, 'u');
    expect(filled.values.txnAmount24h).toBe(20);
    expect(filled.completeSince).toBeLessThan(completeSince);
    expect((await sumsOf(served, 'w')).values.txnAmount24h).toBe(10);
  });

  test('is refused where the one before never kept what it needs, which is named', async () => {
    const edition = new Edition(...secondIsFed, beyondTheFirst);
    const { status, stderr } = await edition.run('fill', versions, shared());
    expect(status).toBe(1);
    expect(stderr).toBe(
      [
        'user_risk_profile v2 cannot be filled from user_risk_profile v1, which never kept what is needed for',
        '  bigTxnCount24h: it was never kept which events have where:amount.gte=1000',
        'Replay a file of events into it: npm run replay -- --view user_risk_profile@2 FILE',
        '',
      ].join('\n'),
    );
  });

  test('is not done as it was not asked for, nor where nothing was ever served', async () => {
    const edition = new Edition(...secondIsFed);
    const run = (...args: string[]) => edition.run('fill', args, shared());
    const [none, same, strange, rate] = await Promise.all([
      run(),
      run('--from', 'user_risk_profile@1', '--to', 'user_risk_profile@1'),
      run('--from', 'user_risk_profile@1', '--to', 'user_risk_profile@3'),
      run(...versions, '--rate', 'fast'),
    ]);
    for (const { status } of [none, same, strange, rate]) expect(status).toBe(2);
    expect(strange.stderr).toContain(
      '--to user_risk_profile@3: no such view is listed here. There are: user_risk_profile@1, merchant_activity@1, user_risk_profile@2',
    );
    expect(await run(...versions)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was never served under'),
    });
  });
});

describe('a new version of a view, filled by replay', { timeout: patienceMs }, () => {
  /** A file of a user's payments in the last minutes, which are recorded by an API as well. */
  async function history(first: ApiClient): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const lines = ['transaction_id,occurred_at,user_id,merchant_id,amount,fraud'];
    for (let n = 0; n < 300; n++) {
      const input = {
        ...{ transactionId: `t${n}`, userId: 'u', merchantId: `m${n % 7}`, amount: 500 + 5 * n },
        occurredAt: new Date(Date.now() - 3_000_000 + 1_000 * n).toISOString(),
      };
      lines.push([input.transactionId, input.occurredAt, 'u', input.merchantId, input.amount, 0].join());
      await first.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
        input,
      });
    }
    const file = join(folder, 'history.csv');
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  }

  test('is replayed beside the running API, then served, and goes on', async () => {
    const settings = shared();
    const first = await new Edition().start(settings).listening();
    const file = await history(first);
    const edition = new Edition(...secondAlone, beyondTheFirst);
    const into = [
      '--valkey',
      settings.VALKEY_URL ?? '',
      '--prefix',
      settings.FRESHET_KEY_PREFIX ?? '',
      '--clock',
      'wall',
    ];
    const since = new Date(Date.now() - 86_400_000).toISOString();
    const replay = () =>
      edition.run('replay', [...into, '--view', 'user_risk_profile@2', '--complete-since', since, file]);
    const replayed = await replay();
    expect(replayed).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('300 rows: 300 recorded, 0 duplicates'),
    });
    expect(await sumsOf(first, 'u')).toMatchObject({ values: { txnAmount24h: 374_250 } });
    // What is there already is not counted twice.
    expect(await replay()).toMatchObject({ status: 0, stderr: expect.stringContaining(' 0 recorded, ') });

    const served = await edition.start(settings).listening();
    const { values, completeSince } = await sumsOf(served, 'u');
    expect(values).toEqual((await sumsOf(first, 'u')).values);
    expect(completeSince).toBe(Date.parse(since));
    expect((await profile(served, 'u', 'bigTxnCount24h')).profile?.bigTxnCount24h).toBe(200);
    await pay(served, 'u', 1_000);
    expect((await profile(served, 'u', 'bigTxnCount24h')).profile?.bigTxnCount24h).toBe(201);

    const late = await replay();
    expect(late).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^--complete-since: process \d+ on .* feeds user_risk_profile v2 already/),
    });
  });

  test('is not begun by the other clock, nor with half of what it takes', async () => {
    const settings = shared();
    await new Edition().start(settings).listening();
    const edition = new Edition(...secondIsFed);
    const into = [
      '--valkey',
      settings.VALKEY_URL ?? '',
      '--prefix',
      settings.FRESHET_KEY_PREFIX ?? '',
      '--view',
      'user_risk_profile@2',
    ];
    const replay = (...args: string[]) => edition.run('replay', [...args, 'none.csv']);
    expect(await replay(...into)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('belongs to the wall clock'),
    });
    expect(await replay('--clock', 'sun')).toMatchObject({
      status: 3,
      stderr: '--clock sun: expected event or wall\n',
    });
    expect(await replay('--complete-since', '2026-01-01T00:00:00Z')).toMatchObject({
      status: 3,
      stderr: '--complete-since goes with --view and --prefix\n',
    });
    expect((await replay(...into, '--complete-since', 'ever')).stderr).toMatch(
      /^--complete-since ever: expected a time/,
    );
  });
});
