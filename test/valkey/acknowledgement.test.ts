import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Acknowledgement } from '../../src/valkey/index.ts';
import { newKeyPrefix, startApi, type TestApi } from '../support/api.ts';
import { ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

const apis: TestApi[] = [];
let primary: ServerProcess;
let replica: ServerProcess;

beforeAll(async () => {
  primary = await ServerProcess.start({
    settings: { appendonly: 'yes', appendfsync: 'always', 'repl-diskless-sync-delay': '0' },
  });
  replica = await ServerProcess.start({ settings: { replicaof: `127.0.0.1 ${primary.port}` } });
  await until(async () => /master_link_status:up/.test(await replica.admin.info('replication')));
}, 30_000);

afterEach(async () => {
  replica.thaw();
  for (const api of apis.splice(0)) await api.stop();
});

afterAll(async () => {
  await replica?.destroy();
  await primary?.destroy();
});

async function open(acknowledge: Acknowledgement, keyPrefix = newKeyPrefix()): Promise<TestApi> {
  const api = await startApi({ valkeyUrl: primary.url, acknowledge, keyPrefix });
  apis.push(api);
  return api;
}

interface Recorded {
  readonly recordTransaction: { readonly status: string; readonly reason: string | null };
}

function event(userId = randomUUID()) {
  return { transactionId: randomUUID(), userId, merchantId: userId, amount: 1, occurredAt: new Date().toISOString() };
}

async function record(api: TestApi, input: ReturnType<typeof event>) {
  const { data } = await api.ask<Recorded>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status reason } }',
    { input },
  );
  return data?.recordTransaction;
}

/** What became of each, in the order sent. */
async function recordAll(api: TestApi, input: readonly ReturnType<typeof event>[]) {
  const { data } = await api.ask<{ recordTransactions: { results: Recorded['recordTransaction'][] } }>(
    'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { results { status reason } } }',
    { input },
  );
  return data?.recordTransactions.results;
}

async function label(api: TestApi, { transactionId, userId, merchantId, occurredAt }: ReturnType<typeof event>) {
  const { data, errors } = await api.ask<{ labelTransaction: { status: string } }>(
    'mutation ($input: LabelTransactionInput!) { labelTransaction(input: $input) { status } }',
    { input: { transactionId, userId, merchantId, occurredAt, fraud: true } },
  );
  return data?.labelTransaction.status ?? errors?.[0]?.message;
}

const byOne: Acknowledgement = { kind: 'replica', replicas: 1 };
const unconfirmed = { status: 'UNAVAILABLE', reason: expect.stringMatching(/0 of 1 replicas/) };

describe('an event that a replica is to confirm', () => {
  it('is recorded once it has, and a duplicate of it is one', async () => {
    const api = await open(byOne);
    const one = event();
    expect(await record(api, one)).toMatchObject({ status: 'RECORDED' });
    expect(await record(api, one)).toMatchObject({ status: 'DUPLICATE' });
  });

  it('is unavailable while none does, and so is a duplicate of it, whoever recorded it, by whichever way', async () => {
    const keyPrefix = newKeyPrefix();
    const [careless, careful] = [await open({ kind: 'memory' }, keyPrefix), await open(byOne, keyPrefix)];
    const known = event();
    // The first event of an entity is recorded by the store itself, others by rehearsal.
    await record(careful, known);
    replica.freeze();
    const [first, second] = [event(), event(known.userId)];
    expect(await record(careless, first)).toMatchObject({ status: 'RECORDED' });
    expect(await record(careless, second)).toMatchObject({ status: 'RECORDED' });
    expect(await Promise.all([first, second, event(), event(known.userId)].map((one) => record(careful, one)))).toEqual(
      new Array(4).fill(unconfirmed),
    );
    replica.thaw();
    for (const one of [first, second]) expect(await record(careful, one)).toMatchObject({ status: 'DUPLICATE' });
  });

  it('corrected later, is said to be so once a replica has confirmed that', async () => {
    const api = await open(byOne);
    const one = event();
    await record(api, one);
    replica.freeze();
    expect(await label(api, one)).toBe('UNAVAILABLE');
    // It was done, and to do it again changes nothing: but that is not safe yet either.
    expect(await label(api, one)).toBe('UNAVAILABLE');
    replica.thaw();
    expect(await label(api, one)).toMatch(/DUPLICATE/);
  });

  it('and all else of an entity are forgotten once a replica has confirmed that, whoever has removed it', async () => {
    const keyPrefix = newKeyPrefix();
    const [careless, careful] = [await open({ kind: 'memory' }, keyPrefix), await open(byOne, keyPrefix)];
    const { userId } = event();
    await record(careful, { ...event(userId), merchantId: randomUUID() });
    const forget = async (api: TestApi) => {
      const { data } = await api.ask<{ forgetUser: { status: string; keys: number } }>(
        'mutation ($id: ID!) { forgetUser(id: $id) { status keys } }',
        { id: userId },
      );
      return data?.forgetUser;
    };
    replica.freeze();
    expect(await forget(careless)).toMatchObject({ status: 'FORGOTTEN', keys: expect.any(Number) });
    // There is nothing left to remove, and a replica has it all.
    expect(await forget(careful)).toMatchObject({ status: 'UNAVAILABLE' });
    replica.thaw();
    expect(await forget(careful)).toEqual({ status: 'FORGOTTEN', keys: 0 });
    expect(await primary.admin.keys(`${keyPrefix}*${userId}*`)).toEqual([]);
  });

  it('keeps nobody waiting who only reads', async () => {
    const api = await open(byOne);
    const one = event();
    await record(api, one);
    replica.freeze();
    const waiting = record(api, event(one.userId));
    const { data } = await api.ask('query ($id: ID!) { user(id: $id) { riskProfile { txnCount24h } } }', {
      id: one.userId,
    });
    expect(data).toMatchObject({ user: { riskProfile: { txnCount24h: expect.any(Number) } } });
    expect(await Promise.race([waiting, Promise.resolve('still waits')])).toBe('still waits');
    expect(await waiting).toEqual(unconfirmed);
  });

  it('is not waited for once more by those who came behind others that wait in vain', async () => {
    const api = await open(byOne);
    const all = Array.from({ length: 300 }, () => event());
    await recordAll(api, all);
    replica.freeze();
    const begunAt = performance.now();
    const statuses = await Promise.all(all.map((one) => label(api, one)));
    expect(new Set(statuses)).toEqual(new Set(['UNAVAILABLE']));
    expect(performance.now() - begunAt).toBeLessThan(8_000);
  }, 60_000);

  it('is waited for in vain once, however many are recorded together', async () => {
    const api = await open(byOne);
    const all = Array.from({ length: 400 }, () => event());
    await recordAll(api, all);
    replica.freeze();
    const begunAt = performance.now();
    const results = await recordAll(
      api,
      all.map(({ userId }) => event(userId)),
    );
    expect(results).toEqual(new Array(400).fill(unconfirmed));
    expect(performance.now() - begunAt).toBeLessThan(8_000);
    replica.thaw();
    expect(await record(api, event(all[0]?.userId))).toMatchObject({ status: 'RECORDED' });
  }, 60_000);

  it('of more replicas than there are is told of as such', async () => {
    const api = await open({ kind: 'replica', replicas: 2 });
    expect(await api.get('/readyz')).toMatchObject({
      body: { ready: true, warnings: [expect.stringMatching(/asks for 2 replicas, and 1 are connected/)] },
    });
    expect(await record(api, event())).toMatchObject({
      status: 'UNAVAILABLE',
      reason: expect.stringMatching(/1 of 2/),
    });
  });
});

describe('an event that is to be on disk', () => {
  const synced: Acknowledgement = { kind: 'fsync' };

  it('is recorded once it is', async () => {
    const api = await open(synced);
    const one = event();
    expect(await record(api, one)).toMatchObject({ status: 'RECORDED' });
    expect(await record(api, one)).toMatchObject({ status: 'DUPLICATE' });
    const stats = await primary.admin.info('commandstats');
    expect(Number(/^cmdstat_waitaof:calls=(\d+)/m.exec(stats)?.[1])).toBeGreaterThanOrEqual(2);
  });

  it('is unavailable, and may be in, where Valkey ceased to write its file', async () => {
    const api = await open(synced);
    const known = event();
    await record(api, known);
    await primary.admin.config('SET', 'appendonly', 'no');
    try {
      const told = {
        status: 'UNAVAILABLE',
        reason: expect.stringMatching(/Valkey cannot confirm it: it keeps no append-only file$/),
      };
      for (const one of [event(), event(known.userId)]) expect(await record(api, one)).toEqual(told);
      const { transactionId, userId, merchantId, occurredAt } = known;
      const label = await api.ask(
        'mutation ($input: LabelTransactionInput!) { labelTransaction(input: $input) { status reason } }',
        { input: { transactionId, userId, merchantId, occurredAt, fraud: true } },
      );
      expect(label.data).toEqual({ labelTransaction: told });
      await until(async () => {
        const { body } = await api.get('/readyz');
        return /it has «appendonly no» and «appendfsync always»/.test(JSON.stringify(body));
      });
    } finally {
      await primary.admin.config('SET', 'appendonly', 'yes');
    }
  });

  it.each([
    ['WAIT', byOne],
    ['WAITAOF', synced],
  ] as const)('is not promised to whoever may not %s', async (command, acknowledge) => {
    await primary.admin.acl('SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', `-${command.toLowerCase()}`);
    const valkeyUrl = primary.url.replace('//', '//limited:secret@');
    await expect(startApi({ valkeyUrl, acknowledge })).rejects.toThrow(
      new RegExp(`FRESHET_ACK needs ${command} .*\\+${command.toLowerCase()}$`),
    );
  });

  it.each([
    ['appendfsync', 'everysec'],
    ['appendonly', 'no'],
  ])('is not promised where Valkey has %s %s', async (name, value) => {
    const before = ((await primary.admin.config('GET', name)) as string[])[1] as string;
    await primary.admin.config('SET', name, value);
    try {
      await expect(open(synced)).rejects.toThrow(/FRESHET_ACK=fsync needs «appendonly yes» and «appendfsync always»/);
    } finally {
      await primary.admin.config('SET', name, before);
    }
  });
});
