import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import { type ApiClient, ApiProcess, newKeyPrefix } from '../support/api.ts';

const processes: ApiProcess[] = [];
let a: ApiClient;
let b: ApiClient;

beforeAll(async () => {
  const env = { VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() };
  processes.push(new ApiProcess(env), new ApiProcess(env));
  [a, b] = (await Promise.all(processes.map((one) => one.listening()))) as [ApiClient, ApiClient];
});

afterAll(() => Promise.all(processes.map((one) => one.stop())));

interface Recorded {
  readonly recordTransaction: {
    readonly status: string;
    readonly user: { readonly riskProfile: { readonly txnCount1h: number } };
    readonly merchant: { readonly activity: { readonly txnCount1h: number } };
  };
}

async function record(api: ApiClient, userId: string, transactionId: string = randomUUID(), merchantId = 'm') {
  const { data } = await api.ask<Recorded>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status user { riskProfile { txnCount1h } } merchant { activity { txnCount1h } } } }',
    { input: { transactionId, userId, merchantId, amount: 1 } },
  );
  return data?.recordTransaction;
}

describe('two processes on one Valkey', () => {
  it('tell each other’s subscribers, by nothing but keyspace notifications', async () => {
    const client = createClient({ url: a.webSocketUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
    const updates = client.iterate({
      query:
        'subscription { userRiskProfileUpdated(userIds: ["watched"]) { cause user { riskProfile { txnCount1h } } } }',
    });
    const row = (cause: string, count: number) => ({
      data: { userRiskProfileUpdated: [{ cause, user: { riskProfile: { txnCount1h: count } } }] },
    });
    expect((await updates.next()).value).toEqual(row('SNAPSHOT', 0));
    for (const count of [1, 2, 3]) {
      await record(b, 'watched');
      expect((await updates.next()).value).toEqual(row('EVENT', count));
    }
    await client.dispose();
  });

  it('lose no event of an entity that both record at once', async () => {
    const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => record(n % 2 ? a : b, 'both')));
    expect(new Set(answers.map((answer) => answer?.status))).toEqual(new Set(['RECORDED']));
    const counts = answers.map((answer) => answer?.user.riskProfile.txnCount1h ?? 0);
    // Each saw itself, and no two saw the same.
    expect(counts.sort((one, other) => one - other)).toEqual(Array.from({ length: 400 }, (_, n) => n + 1));
  });

  it('count an event once that both record', async () => {
    const transactionId = randomUUID();
    const answers = await Promise.all([a, b].map((api) => record(api, 'once', transactionId, 'once')));
    // Each may be the first in another view: then both of them have recorded it.
    expect(['DUPLICATE,RECORDED', 'RECORDED,RECORDED']).toContain(String(answers.map((one) => one?.status).sort()));
    const counts = answers.map((one) => [one?.user.riskProfile.txnCount1h, one?.merchant.activity.txnCount1h]);
    expect(counts).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect((await record(a, 'once', transactionId, 'once'))?.status).toBe('DUPLICATE');
  });
});
