import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { asks, BothWays } from '../../support/both-ways.ts';
import { EventStream } from '../../support/event-stream.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';

let api: TestApi;

beforeEach(async () => {
  api = await startApi();
});

afterEach(() => api.stop());

const read = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const badId = '{ user(id: "") { riskProfile { txnCount1h } } }';
const record =
  'mutation { recordTransaction(input: { transactionId: "t", userId: "u", merchantId: "m", amount: 1 }) { status } }';
const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';

/** Requests by protocol, kind of operation and outcome, those that there were. */
async function requests(): Promise<{ readonly [what: string]: number }> {
  const { metrics } = await Scrape.of(api.url);
  const samples = metrics.get('freshet_requests_total')?.samples ?? [];
  return Object.fromEntries(
    samples.flatMap(({ labels: { protocol, operation, outcome }, value }) =>
      value > 0 ? [[`${protocol} ${operation} ${outcome}`, value]] : [],
    ),
  );
}

describe('requests', () => {
  it('by HTTP are counted by what they ask for and how they end, and timed', async () => {
    for (let i = 0; i < 5; i++) await api.ask(read);
    await api.ask(record);
    await api.ask(badId);
    await api.ask('{ us');
    await api.ask('{ nothing }');
    await api.ask(`{ ${'a'.repeat(9)}: user(id: "${'a'.repeat(300)}") { riskProfile { id } } }`);
    await api.ask(watch);
    expect(await requests()).toEqual({
      'http query ok': 5,
      'http mutation ok': 1,
      'http query ID_INVALID': 2,
      'http none GRAPHQL_PARSE_FAILED': 1,
      'http none GRAPHQL_VALIDATION_FAILED': 1,
      'http subscription BAD_REQUEST': 1,
    });
    const scrape = await Scrape.of(api.url);
    expect(scrape.sum('freshet_request_duration_seconds_count', { operation: 'query' })).toBe(7);
    const seconds = scrape.sum('freshet_request_duration_seconds_sum', { operation: 'query' });
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
    // Those of paths that are not GraphQL's are responses, too; this scrape is not answered yet.
    expect(scrape.sum('freshet_http_responses_total', { status: '4xx' })).toBe(3);
    expect(scrape.sum('freshet_http_responses_total', { status: '2xx' })).toBe(5 + 1 + 2 + 1);
  });

  it('by SSE and WebSocket are counted by the same rules, each once', async () => {
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: { query: watch } });
    await until(() => stream.events.length > 0);
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    const own = await reserved.open();
    await reserved.ask('a', read);
    await until(() => own.events.length > 0);
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    for (const [id, query] of [watch, read, record, badId, '{ us', '{ nothing }'].entries()) {
      socket.subscribe(String(id), query);
    }
    await until(() => socket.of('next').length === 4 && socket.of('error').length === 2);
    expect(await requests()).toEqual({
      'sse subscription ok': 1,
      'sse query ok': 1,
      'websocket subscription ok': 1,
      'websocket query ok': 1,
      'websocket mutation ok': 1,
      'websocket query ID_INVALID': 1,
      'websocket none GRAPHQL_PARSE_FAILED': 1,
      'websocket none GRAPHQL_VALIDATION_FAILED': 1,
    });
    const scrape = await Scrape.of(api.url);
    expect(scrape.sum('freshet_connections', { kind: 'websocket' })).toBe(1);
    expect(scrape.sum('freshet_connections', { kind: 'event_stream' })).toBe(1);
    socket.socket.terminate();
    for (const each of [stream, own]) each.leave();
    await until(async () => (await Scrape.of(api.url)).sum('freshet_connections', { kind: 'websocket' }) === 0);
  });

  it('that are refused at once, and clients that leave, are counted too', async () => {
    await expect(ProtocolSocket.open(`${api.webSocketUrl}/elsewhere`)).rejects.toThrow();
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: { query: watch } });
    stream.leave();
    await until(async () => (await Scrape.of(api.url)).sum('freshet_http_aborted_total') === 1);
    const scrape = await Scrape.of(api.url);
    expect(scrape.sum('freshet_connections_refused_total', { kind: 'websocket' })).toBe(1);
  });

  it('are told to Prometheus alone: not kept by caches, and only to be read', async () => {
    const response = await fetch(`${api.url}/metrics`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect((await fetch(`${api.url}/metrics`, { method: 'POST' })).status).toBe(405);
  });
});

it('requests are counted alike whichever way they go, and the ways are told', async () => {
  const ways = await BothWays.start();
  try {
    const of = async ({ url }: TestApi) => {
      const scrape = await Scrape.of(url);
      const told = (outcome: string) => scrape.sum('freshet_requests_total', { operation: 'query', outcome });
      return { ok: told('ok'), idInvalid: told('ID_INVALID') };
    };
    for (let i = 0; i < 4; i++) {
      await ways.warm(asks(read));
      await ways.send(ways.reference, asks(read));
      await ways.warm(asks(badId));
      await ways.send(ways.reference, asks(badId));
    }
    expect(await of(ways.short)).toEqual({ ok: 4, idInvalid: 4 });
    expect(await of(ways.reference)).toEqual(await of(ways.short));
    const scrape = await Scrape.of(ways.short.url);
    const went = (way: string) => scrape.sum('freshet_http_operations_total', { way });
    expect([went('plain') + went('compiled') > 0, went('plain') + went('compiled') + went('reference')]).toEqual([
      true,
      8,
    ]);
    expect(scrape.sum('freshet_http_operations_left_total')).toBeGreaterThan(0);
    expect(scrape.sum('freshet_hot_operations', { state: 'compiled' })).toBe(2);
  } finally {
    await ways.stop();
  }
});
