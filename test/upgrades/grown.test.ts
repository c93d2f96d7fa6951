import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { ApiClient, ApiProcess } from '../support/api.ts';
import { Edition } from '../support/edition.ts';
import { oneMoreFeature, pay, profile, shared } from './editions.ts';

/** Each test starts several processes, which on a loaded machine takes its time. */
const patienceMs = 120_000; // 2 minutes

interface SideBySide {
  readonly settings: { readonly [name: string]: string };
  readonly older: Edition;
  readonly newer: Edition;
  readonly before: ApiClient;
  readonly beforeProcess: ApiProcess;
  readonly after: ApiClient;
  readonly afterProcess: ApiProcess;
}

/** A process of the definitions as they are, which has recorded, and then one beside it of definitions with one more feature. */
async function sideBySide(recordBefore: (api: ApiClient) => Promise<unknown>): Promise<SideBySide> {
  const settings = shared();
  const [older, newer] = [new Edition(), new Edition(oneMoreFeature)];
  const beforeProcess = older.start(settings);
  const before = await beforeProcess.listening();
  await recordBefore(before);
  const afterProcess = newer.start(settings);
  const after = await afterProcess.listening();
  return { settings, older, newer, before, beforeProcess, after, afterProcess };
}

const newerDefinition = expect.stringContaining('was written by a newer definition than is served here');

describe('a definition that has grown, beside processes of the one before', { timeout: patienceMs }, () => {
  test('brings a log up to date at its first touch, from when on the older ones say that they cannot serve it', async () => {
    const { before, after } = await sideBySide(async (api) => {
      await pay(api, 'touched', 2_000);
      await pay(api, 'untouched', 2_000);
    });
    const touched = await profile(after, 'touched', 'txnCount24h bigTxnCount24h');
    // Of events that came before, it is not known whether they were big.
    expect(touched.profile).toMatchObject({ txnCount24h: 1, bigTxnCount24h: 0 });
    await pay(after, 'touched', 3_000);
    expect((await profile(after, 'touched', 'bigTxnCount24h')).profile?.bigTxnCount24h).toBe(1);

    const refused = await profile(before, 'touched', 'txnCount24h');
    expect(refused.errors).toMatchObject([{ message: newerDefinition, extensions: { code: 'UNAVAILABLE' } }]);
    expect(await pay(before, 'touched')).toMatchObject({ status: 'UNAVAILABLE', reason: newerDefinition });
    // What they refused is not half in: a retry elsewhere finds nothing of it.
    expect((await profile(after, 'touched', 'txnCount24h')).profile?.txnCount24h).toBe(2);

    expect(await pay(before, 'untouched')).toMatchObject({ status: 'RECORDED' });
    expect((await profile(before, 'untouched', 'txnCount24h')).profile).toMatchObject({ txnCount24h: 2 });
  });

  test('takes over what older ones record meanwhile, and says since when it is complete', async () => {
    const { before, after } = await sideBySide((api) => pay(api, 'u', 2_000));
    const enrolled = (await profile(after, 'nobody', 'txnCount1h')).profile?.freshness.completeSince as string;
    await pay(before, 'u', 2_000);
    const { profile: taken } = await profile(after, 'u', 'txnCount24h bigTxnCount24h');
    expect(taken).toMatchObject({ txnCount24h: 2, bigTxnCount24h: 0 });
    expect(Date.parse(taken?.freshness.completeSince ?? '')).toBeGreaterThan(Date.parse(enrolled));
  });

  test('counts an event once that an older one could not take and a newer one did', async () => {
    const { before, after } = await sideBySide((api) => pay(api, 'u'));
    await profile(after, 'u', 'bigTxnCount24h');
    const transactionId = randomUUID();
    expect((await pay(before, 'u', 5, transactionId))?.status).toBe('UNAVAILABLE');
    expect((await pay(after, 'u', 5, transactionId))?.status).toBe('RECORDED');
    expect((await pay(before, 'u', 5, transactionId))?.status).toBe('UNAVAILABLE');
    expect((await pay(after, 'u', 5, transactionId))?.status).toBe('DUPLICATE');
    expect((await profile(after, 'u', 'txnCount24h')).profile?.txnCount24h).toBe(2);
  });

  test('is where those come to who watch at an older one once that ends: of what was taken over they hear nothing before', async () => {
    const { before, beforeProcess, after } = await sideBySide((api) => pay(api, 'u'));
    let url = before.webSocketUrl;
    const client = createClient({
      url: () => url,
      webSocketImpl: WebSocket,
      retryAttempts: Number.POSITIVE_INFINITY,
      retryWait: async () => {},
      shouldRetry: () => true,
    });
    const updates = client.iterate({
      query: 'subscription { userRiskProfileUpdated(userIds: ["u"]) { user { riskProfile { txnCount24h } } } }',
    });
    const counted = (count: number) => ({
      data: { userRiskProfileUpdated: [{ user: { riskProfile: { txnCount24h: count } } }] },
    });
    expect((await updates.next()).value).toEqual(counted(1));
    await pay(after, 'u');
    url = after.webSocketUrl;
    await beforeProcess.stop();
    expect((await updates.next()).value).toEqual(counted(2));
    await client.dispose();
  });
});

describe('going back from a definition that has grown', { timeout: patienceMs }, () => {
  test('is refused at the start, withdrawn by a command once the newer ones have ended, and loses no event', async () => {
    const { settings, older, newer, beforeProcess, after, afterProcess } = await sideBySide((api) =>
      pay(api, 'u', 2_000),
    );
    await pay(after, 'u', 3_000);
    await beforeProcess.stop();
    const refused = older.start(settings);
    expect(await refused.exited).toBe(1);
    expect(refused.output).toMatch(
      /^view user_risk_profile v1: the feature bigTxnCount24h is stored under the prefix test-\S+ but no longer defined; .*npm run withdraw$/m,
    );

    const early = await older.run('withdraw', [], settings);
    expect(early).toMatchObject({ status: 1, stdout: '' });
    expect(early.stderr).toContain(`process ${afterProcess.child.pid} on `);
    await afterProcess.stop();

    const dry = await older.run('withdraw', ['--dry-run'], settings);
    expect(dry.stdout).toMatch(/^Would withdraw bigTxnCount24h of user_risk_profile v1, under the prefix test-/);
    expect(await older.start(settings).exited).toBe(1);
    expect(await older.run('withdraw', [], settings)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Withdrew/),
    });

    const back = await older.start(settings).listening();
    const sums = 'txnCount24h txnAmount24h maxTxnAmount24h uniqueMerchants24h avgTxnAmount lastTxnAmount';
    expect((await profile(back, 'u', sums)).profile).toMatchObject({
      ...{ txnCount24h: 2, txnAmount24h: 5_000, maxTxnAmount24h: 3_000, uniqueMerchants24h: 1 },
      ...{ avgTxnAmount: 2_500, lastTxnAmount: 3_000 },
    });
    await pay(back, 'u', 4_000);

    // And forward once more: the feature is complete since then, and knows nothing of what came meanwhile.
    const again = await newer.start(settings).listening();
    const { profile: grown } = await profile(again, 'u', 'txnCount24h bigTxnCount24h');
    expect(grown).toMatchObject({ txnCount24h: 3, bigTxnCount24h: 0 });
    expect((await older.run('withdraw', [], settings)).status).toBe(1);
  });

  test('has nothing to do where nothing has grown, and says how it is called', async () => {
    const edition = new Edition();
    expect(await edition.run('withdraw', [], shared())).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Nothing is enrolled/),
    });
    expect(await edition.run('withdraw', ['all'], shared())).toMatchObject({ status: 2 });
  });
});
