import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

let server: ThrowawayValkey;
let api: TestApi;

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  // There is no Valkey yet.
  api = await startApi({ valkeyUrl: server.url });
});

afterAll(async () => {
  await api?.stop();
  await server?.destroy();
});

const ready = () => until(async () => (await api.get('/readyz')).status === 200);
const unready = () => until(async () => (await api.get('/readyz')).status === 503);

const ask = (accept = 'application/graphql-response+json') =>
  api.ask('{ user(id: "u") { riskProfile { txnCount1h } } }', undefined, { accept });

describe('an API whose Valkey is away', () => {
  it('lives, is not ready, and says why', async () => {
    expect(await api.get('/livez')).toEqual({ status: 200, body: { alive: true } });
    expect(await api.get('/readyz')).toEqual({
      status: 503,
      body: { ready: false, problems: [expect.stringContaining('Valkey')], warnings: [] },
    });
    expect((await api.get('/schema.graphql')).status).toBe(200);
  });

  it('answers requests with UNAVAILABLE, and still tells clients of their own mistakes', async () => {
    expect(await ask()).toMatchObject({
      status: 503,
      errors: [{ message: expect.stringContaining('Valkey'), extensions: { code: 'UNAVAILABLE' } }],
    });
    expect(await api.ask('{ nothing }')).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    });
  });

  it('is ready by itself once Valkey is there', async () => {
    await server.start();
    await ready();
    expect(await ask()).toMatchObject({ status: 200, data: { user: { riskProfile: { txnCount1h: 0 } } } });
    expect(await api.get('/readyz')).toEqual({ status: 200, body: { ready: true, problems: [], warnings: [] } });
  });

  it('is not ready while Valkey is away again, and answers in time', async () => {
    await server.stop();
    await unready();
    // At whatever moment between two attempts to connect.
    for (let i = 0; i < 20; i++) {
      const asked = performance.now();
      expect((await api.get('/readyz')).status).toBe(503);
      expect(performance.now() - asked).toBeLessThan(800);
      await sleep(50);
    }
    const begun = performance.now();
    const answer = await ask();
    expect(performance.now() - begun).toBeLessThan(5_000);
    // The user is there, its profile is not.
    expect(answer).toMatchObject({
      status: 200,
      data: { user: { riskProfile: null } },
      errors: [{ path: ['user', 'riskProfile'], extensions: { code: 'UNAVAILABLE' } }],
    });
    const input = { transactionId: 't', userId: 'u', merchantId: 'm', amount: 1 };
    const recorded = await api.ask(
      'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status reason occurredAt } }',
      { input },
    );
    expect(recorded).toMatchObject({
      status: 200,
      data: { recordTransaction: { status: 'UNAVAILABLE', reason: expect.any(String), occurredAt: null } },
    });
    const watched = await api.ask('subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }', undefined, {
      accept: 'application/graphql-response+json, text/event-stream',
    });
    expect(watched.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }]);
    await server.start();
    await ready();
    expect(await ask()).toMatchObject({ status: 200, data: { user: { riskProfile: { txnCount1h: 0 } } } });
  });

  it('says so in good time, too, when Valkey is there and silent', async () => {
    const valkey = new Redis(server.url);
    await valkey.client('PAUSE', 1_500, 'ALL');
    const asked = performance.now();
    expect(await api.get('/readyz')).toMatchObject({
      status: 503,
      body: { problems: ['Valkey did not answer in time'] },
    });
    expect(performance.now() - asked).toBeLessThan(900);
    await ready();
    valkey.disconnect();
  });

  it('is not ready while it hears of no changes, and says so', async () => {
    const valkey = new Redis(server.url);
    await valkey.acl('SETUSER', 'default', '-subscribe');
    await valkey.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const deaf = await until(async () => {
      const health = await api.get('/readyz');
      return JSON.stringify(health.body).includes('NOPERM') && health;
    });
    expect(deaf).toEqual({
      status: 503,
      body: { ready: false, problems: [expect.stringContaining('subscribe')], warnings: [] },
    });
    // Queries are served all the same.
    expect(await ask()).toMatchObject({ status: 200, data: { user: { riskProfile: { txnCount1h: 0 } } } });
    await valkey.acl('SETUSER', 'default', '+subscribe');
    await ready();
    valkey.disconnect();
  });

  it('warns of a maxmemory-policy that drops data, and is ready all the same', async () => {
    const valkey = new Redis(server.url);
    await valkey.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await api.get('/readyz')).toMatchObject({
      status: 200,
      body: { ready: true, problems: [], warnings: [expect.stringMatching(/allkeys-lru.*noeviction/)] },
    });
    valkey.disconnect();
  });

  it('logs when Valkey goes and when it is back, once each', () => {
    const messages = api.log.map((line) => JSON.parse(line)).filter(({ level }) => level >= 30);
    const said = messages.map(({ msg }) => msg as string).filter((msg) => msg.includes(server.url));
    expect(said).toEqual([
      expect.stringContaining('trying again'),
      expect.stringContaining('Connected'),
      expect.stringContaining('Lost'),
      expect.stringContaining('is back'),
    ]);
  });
});
