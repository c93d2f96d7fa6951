import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { payment } from '../../graphql/transactions.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ThrowawayValkey } from '../../support/throwaway-valkey.ts';
import { until } from '../../support/until.ts';

let valkey: ThrowawayValkey;
let api: TestApi;
const ends: (() => void)[] = [];

beforeAll(async () => {
  valkey = await ThrowawayValkey.create();
  await valkey.start();
  api = await startApi({ valkeyUrl: valkey.url });
});

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

afterAll(async () => {
  await api?.stop();
  await valkey?.destroy();
});

const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';
const watches = (ids: readonly string[], pace = 0) =>
  `subscription { userRiskProfileUpdated(userIds: ${JSON.stringify(ids)}, minIntervalMs: ${pace}) { cause user { riskProfile { txnCount1m } } } }`;

async function watch(ids: readonly string[], pace = 0): Promise<ProtocolSocket> {
  const socket = await ProtocolSocket.open(api.webSocketUrl);
  ends.push(() => socket.socket.terminate());
  socket.subscribe('w', watches(ids, pace));
  await until(() => socket.of('next').length === 1);
  return socket;
}

/** What was counted since then. */
async function since(before: Scrape): Promise<(name: string, labels?: { readonly [name: string]: string }) => number> {
  const after = await Scrape.of(api.url);
  return (name, labels = {}) => after.sum(name, labels) - before.sum(name, labels);
}

describe('what is watched', () => {
  it('is counted while it is, and so is each update and message, with its delay', async () => {
    const before = await Scrape.of(api.url);
    const socket = await watch(['a', 'b']);
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: { query: watches(['b']) } });
    ends.push(() => stream.leave());
    await until(() => stream.events.length === 1);
    let more = await since(before);
    expect([more('freshet_watchers'), more('freshet_watched_entities')]).toEqual([2, 2]);
    expect(more('freshet_updates_total', { cause: 'snapshot' })).toBe(3);
    for (let i = 0; i < 3; i++) {
      const told = socket.of('next').length;
      await api.ask(record, { input: payment({ userId: 'b' }) });
      await until(() => socket.of('next').length > told && stream.events.length > 1 + i);
    }
    more = await since(before);
    expect(more('freshet_updates_total', { cause: 'event' })).toBe(6);
    for (const protocol of ['sse', 'websocket']) {
      expect(more('freshet_pushed_messages_total', { protocol }), protocol).toBe(4);
      // Snapshots tell of no event.
      expect(more('freshet_push_delay_seconds_count', { protocol }), protocol).toBe(3);
      expect(more('freshet_push_delay_seconds_sum', { protocol }), protocol).toBeLessThan(30);
    }
    socket.socket.terminate();
    stream.leave();
    await until(async () => (await since(before))('freshet_watchers') === 0);
  });

  it('is told how late a change came that time alone made', async () => {
    const before = await Scrape.of(api.url);
    await api.ask(record, {
      input: payment({ userId: 'old', occurredAt: new Date(Date.now() - 57_000).toISOString() }),
    });
    const socket = await watch(['old']);
    await until(() => socket.of('next').length === 2);
    const more = await since(before);
    expect(more('freshet_updates_total', { cause: 'decay' })).toBe(1);
    expect(more('freshet_decay_lag_seconds_count')).toBe(1);
    expect(more('freshet_decay_lag_seconds_sum')).toBeLessThan(10);
  });

  it('has updates merged where more comes than a client wants', async () => {
    const socket = await watch(['often'], 60_000);
    const before = await Scrape.of(api.url);
    for (let i = 0; i < 4; i++) await api.ask(record, { input: payment({ userId: 'often' }) });
    await until(async () => (await since(before))('freshet_updates_total', { cause: 'event' }) === 4);
    expect((await since(before))('freshet_updates_merged_total')).toBe(3);
    expect(socket.of('next')).toHaveLength(1);
  });

  it('is read again after a lost connection, and both are counted', async () => {
    await watch(['x', 'y']);
    const before = await Scrape.of(api.url);
    await valkey.stop();
    await until(async () => (await Scrape.of(api.url)).sum('freshet_valkey_changes_heard') === 0);
    expect((await Scrape.of(api.url)).sum('freshet_valkey_connected')).toBe(0);
    await valkey.start();
    await until(async () => (await since(before))('freshet_resyncs_total', { reason: 'reconnected' }) === 2);
    const more = await since(before);
    expect(more('freshet_valkey_connections_lost_total')).toBe(1);
    expect(more('freshet_resyncs_total', { reason: 'unheard' })).toBe(0);
    const after = await until(async () => {
      const scrape = await Scrape.of(api.url);
      return scrape.sum('freshet_ready') === 1 && scrape;
    });
    expect([after.sum('freshet_valkey_changes_heard'), after.sum('freshet_valkey_connected')]).toEqual([1, 1]);
  });
});
