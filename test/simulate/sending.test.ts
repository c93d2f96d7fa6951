import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  drawPopulation,
  Endpoint,
  EndpointError,
  emptyTally,
  fates,
  Labelling,
  LateLabels,
  Live,
  label,
  Random,
  type Recordable,
  Sender,
  sendPast,
  type Tally,
  TransactionStream,
} from '../../src/simulate/index.ts';
import { busiest } from '../../src/simulate/rhythm.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';
import { FailingProxy } from './failing-proxy.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

let runs = 0;

/** Some payments of a user of their own, just now. */
function payments(count: number): { userId: string; batch: Recordable[] } {
  const userId = `payer-${++runs}`;
  const batch = Array.from({ length: count }, (_, i) => ({
    transactionId: `${userId}-${i}`,
    userId,
    merchantId: 'm',
    amount: 1,
    occurredAt: Date.now() - 1_000,
    fraud: null,
  }));
  return { userId, batch };
}

/** How many payments the API has of these users. */
async function counted(from: TestApi, userIds: readonly string[]): Promise<number> {
  const query = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount30d } } }';
  const { data } = await from.ask<{ users: { riskProfile: { txnCount30d: number } }[] }>(query, { ids: userIds });
  return (data?.users ?? []).reduce((sum, { riskProfile }) => sum + riskProfile.txnCount30d, 0);
}

function total(tally: Tally): number {
  return fates.reduce((sum, fate) => sum + tally[fate], 0);
}

describe('a sender', () => {
  test('sends again what was refused or whose answer was lost, with the same ids', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    proxy.treatments = ['refuse', 'lose', 'pass'];
    const troubles: string[] = [];
    const sender = new Sender(new Endpoint(proxy.url), { onTrouble: (reason) => troubles.push(reason) });
    const { userId, batch } = payments(5);
    sender.send(batch);
    await sender.settled();
    // The second attempt recorded them; the third was told so.
    expect(sender.tally).toEqual({ ...emptyTally(), duplicates: 5 });
    expect(await counted(api, [userId])).toBe(5);
    expect(troubles).toEqual([expect.stringContaining('503: not now'), expect.stringContaining('does not answer')]);
  });

  test('sends again what could not be recorded while Valkey was away', async () => {
    const valkey = await ThrowawayValkey.create();
    try {
      await valkey.start();
      const own = await startApi({ valkeyUrl: valkey.url });
      try {
        await valkey.crash();
        const troubles: string[] = [];
        const sender = new Sender(new Endpoint(own.graphqlUrl), { onTrouble: (reason) => troubles.push(reason) });
        const { userId, batch } = payments(7);
        sender.send(batch);
        await until(() => troubles.length > 0);
        await valkey.start();
        await sender.settled();
        expect(sender.tally.recorded + sender.tally.duplicates).toBe(7);
        expect(sender.tally.unavailable).toBe(0);
        expect(await counted(own, [userId])).toBe(7);
      } finally {
        await own.stop();
      }
    } finally {
      await valkey.destroy();
    }
  });

  test('says why an event was rejected, and goes on', async () => {
    const sender = new Sender(new Endpoint(api.graphqlUrl));
    const { userId, batch } = payments(3);
    sender.send(batch.map((one, i) => (i === 1 ? { ...one, occurredAt: Date.now() + 60_000 } : one)));
    await sender.settled();
    expect(sender.tally).toEqual({ ...emptyTally(), recorded: 2, rejected: 1 });
    expect(sender.lastRejection).toMatch(/ahead of the store/);
    expect(await counted(api, [userId])).toBe(2);
  });

  test('fails where there is no GraphQL, and counts what it could not send', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    proxy.treatments = ['not found'];
    const sender = new Sender(new Endpoint(proxy.url));
    sender.send(payments(4).batch);
    const failure = await sender.settled().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EndpointError);
    expect(failure).toMatchObject({ isPassing: false, message: expect.stringContaining('404: no GraphQL') });
    expect(proxy.requests).toBe(1);
    expect(sender.tally).toEqual({ ...emptyTally(), unavailable: 4 });
    await expect(sender.room()).rejects.toBe(failure);
  });

  test('has so many batches under way at a time, and gives them up when it is told to', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    proxy.hold();
    const giveUp = new AbortController();
    const sender = new Sender(new Endpoint(proxy.url), { mostUnderWay: 2, signal: giveUp.signal });
    for (let i = 0; i < 2; i++) {
      await sender.room();
      sender.send(payments(3).batch);
    }
    let hasRoom = false;
    const room = sender.room().then(() => {
      hasRoom = true;
    });
    await until(() => proxy.requests === 2);
    expect(hasRoom).toBe(false);
    giveUp.abort();
    await room;
    await sender.settled();
    expect(sender.tally).toEqual({ ...emptyTally(), unavailable: 6 });
    expect(proxy.requests).toBe(2);
  });
});

describe('live traffic', () => {
  /** From now on through a proxy, with customers of its own. */
  function start(proxy: FailingProxy, rate: number, mostBehindMs?: number) {
    const seed = ++runs;
    const drawn = drawPopulation({ seed, customers: 5, terminals: 5 });
    const customers = drawn.customers.map((one) => ({ ...one, id: `live-${seed}-${one.id}` }));
    const idPrefix = `live-${seed}`;
    const options = { seed, fromMs: Date.now(), ratePerSecond: rate, beginsAt: 0.5, idPrefix };
    const stream = new TransactionStream({ ...drawn, customers }, options);
    const stop = new AbortController();
    const sender = new Sender(new Endpoint(proxy.url));
    const live = new Live(stream, sender, { signal: stop.signal, ...(mostBehindMs && { mostBehindMs }) });
    const running = live.run();
    return {
      stream,
      sender,
      live,
      first: () => new TransactionStream({ ...drawn, customers }, options).upTo(Number.POSITIVE_INFINITY).next().value,
      userIds: customers.map(({ id }) => id),
      async end() {
        stop.abort();
        await running;
        await sender.settled();
      },
    };
  }

  test('is sent as it occurs, without labels, and at another rate when it is told so', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    const { stream, sender, live, userIds, first, end } = start(proxy, 100);
    await until(() => sender.tally.recorded > 50);
    stream.setRate(2_000);
    const earliest = first();
    if (!earliest) throw new Error('there was none');
    // One that had this label already would be a DUPLICATE.
    expect(await label(new Endpoint(api.graphqlUrl), { ...earliest, fraud: false })).toBe('LABELLED');
    const before = { sent: live.sent, knownMs: stream.knownMs };
    await until(() => live.sent > before.sent + 1_000);
    await end();
    const perSecond = ((live.sent - before.sent) * 1_000) / (stream.knownMs - before.knownMs);
    expect(perSecond / (2_000 * busiest)).toBeCloseTo(1, 0.5); // noon
    expect(sender.tally).toEqual({ ...emptyTally(), recorded: live.sent });
    expect(await counted(api, userIds)).toBe(live.sent);
    expect(live.skipped).toBe(0);
  });

  test('catches up after the API was slow, and loses nothing', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    const { sender, live, userIds, end } = start(proxy, 2_000);
    await until(() => sender.tally.recorded > 0);
    proxy.hold();
    await until(() => live.behindMs > 1_000);
    // What is not sent is not drawn yet: nothing piles up.
    expect(proxy.requests).toBeLessThan(sender.tally.recorded + 5);
    const sentWhileHeld = live.sent;
    proxy.letGo();
    await until(() => live.behindMs === 0 && live.sent > sentWhileHeld + 1_000);
    await end();
    expect(live.skipped).toBe(0);
    expect(sender.tally).toEqual({ ...emptyTally(), recorded: live.sent });
    expect(await counted(api, userIds)).toBe(live.sent);
  });

  test('leaves out what it is too far behind with, and counts it', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    const { stream, sender, live, userIds, end } = start(proxy, 1_000, 200);
    await until(() => sender.tally.recorded > 0);
    proxy.hold();
    await until(() => live.behindMs > 1_000);
    proxy.letGo();
    await until(() => live.skipped > 0);
    await end();
    expect(total(sender.tally)).toBe(live.sent);
    expect(await counted(api, userIds)).toBe(live.sent);
    const [next] = stream.upTo(Number.POSITIVE_INFINITY);
    expect(next?.transactionId).toMatch(new RegExp(`_${live.sent + live.skipped + 1}$`));
  });
});

describe('a past', () => {
  const dayMs = 86_400_000;

  interface Activity {
    readonly labelledTxnCount30d: number;
    readonly fraudRate30d: number | null;
  }

  async function activities(ids: readonly string[]): Promise<Activity[]> {
    const query = 'query ($ids: [ID!]!) { merchants(ids: $ids) { activity { labelledTxnCount30d fraudRate30d } } }';
    const { data } = await api.ask<{ merchants: { activity: Activity }[] }>(query, { ids });
    return (data?.merchants ?? []).map(({ activity }) => activity);
  }

  test('is labelled where it is old, all but some frauds, which are labelled one by one', async () => {
    await using proxy = await FailingProxy.before(api.graphqlUrl);
    const endpoint = new Endpoint(proxy.url);
    const seed = ++runs;
    const drawn = drawPopulation({ seed, customers: 40, terminals: 10, radius: 30 });
    const terminals = new Map(drawn.terminals.map((one) => [one.id, { ...one, id: `past-${seed}-${one.id}` }]));
    const customers = drawn.customers.map((one) => ({
      ...one,
      id: `past-${seed}-${one.id}`,
      terminals: one.terminals.flatMap(({ id }) => terminals.get(id) ?? []),
    }));
    const now = Date.now();
    const past = () =>
      new TransactionStream(
        { seed, customers, terminals: [...terminals.values()] },
        {
          seed,
          fromMs: now - 30 * dayMs,
          ratePerSecond: null,
          fraud: { compromisedTerminals: 0.01, leakedCards: 0.01 },
          idPrefix: `past-${seed}`,
        },
      );
    const labels = new LateLabels(new Random(seed));
    const sender = new Sender(endpoint, { mostUnderWay: 1 });
    await sendPast(past(), now, labels, sender);
    const all = [...past().upTo(now)];
    expect(sender.tally).toEqual({ ...emptyTally(), recorded: all.length });

    const ids = [...terminals.values()].map(({ id }) => id);
    const old = all.filter(({ occurredAt }) => occurredAt < now - 7 * dayMs);
    const oldFrauds = old.filter(({ fraud }) => fraud).length;
    const ratesTimesCounts = async () =>
      (await activities(ids)).reduce((sum, one) => sum + (one.fraudRate30d ?? 0) * one.labelledTxnCount30d, 0);
    expect((await activities(ids)).reduce((sum, one) => sum + one.labelledTxnCount30d, 0)).toBe(old.length);
    const young = all.filter(({ fraud }) => fraud).length - oldFrauds;
    const knownAtFirst = oldFrauds - (labels.held - young);
    expect(await ratesTimesCounts()).toBeCloseTo(knownAtFirst, 6);
    // A third of them is held back, give or take.
    expect(oldFrauds).toBeGreaterThan(50);
    expect(1 - knownAtFirst / oldFrauds).toBeCloseTo(1 / 3, 0.7);

    const heldBy = (id: string) => old.filter(({ merchantId, fraud }) => fraud && merchantId === id).length;
    expect(labels.merchants(now).length).toBeGreaterThan(2);
    expect(heldBy(labels.merchants(now)[0] ?? '')).toBeGreaterThan(0);
    expect(labels.merchants(now - 30 * dayMs)).toEqual([]);

    const stop = new AbortController();
    const labelling = new Labelling(endpoint, labels, new Random(seed));
    proxy.treatments = ['pass', 'refuse', 'lose'];
    const running = labelling.run(1, stop.signal);
    // One is a DUPLICATE, since its answer was lost.
    await until(() => labelling.labelled + labelling.refused === oldFrauds - knownAtFirst);
    expect(labels.take(now)).toBe(null);
    stop.abort();
    await running;
    expect(labelling.refused).toBe(1);
    expect(labels.held).toBe(young);
    expect(await ratesTimesCounts()).toBeCloseTo(oldFrauds, 6);
  });

  test('is known as far as it is old: frauds that are held back, and all that is young, have no label', () => {
    const now = Date.now();
    const labels = new LateLabels(new Random(1));
    const labelOf = (ageDays: number, fraud: boolean) =>
      labels.withLabelAt(now, {
        transactionId: 't',
        userId: 'u',
        merchantId: 'm',
        amount: 1,
        occurredAt: now - ageDays * dayMs,
        fraud,
      }).fraud;
    expect([8, 7].map((age) => labelOf(age, false))).toEqual([false, false]);
    expect(new Set(Array.from({ length: 20 }, () => labelOf(8, true)))).toEqual(new Set([true, null]));
    const held = labels.held;
    expect([6.99, 0].map((age) => labelOf(age, false))).toEqual([null, null]);
    expect([6.99, 0].map((age) => labelOf(age, true))).toEqual([null, null]);
    expect(labels.held).toBe(held + 2);
  });

  test('is left at once when it is told to end', async () => {
    const stop = new AbortController();
    stop.abort();
    const population = drawPopulation({ seed: 1, customers: 5, terminals: 5 });
    const stream = new TransactionStream(population, { seed: 1, fromMs: Date.now() - dayMs, ratePerSecond: 1 });
    const sender = new Sender(new Endpoint(api.graphqlUrl));
    await sendPast(stream, Date.now(), new LateLabels(new Random(1)), sender, stop.signal);
    expect(sender.tally).toEqual(emptyTally());
  });
});
