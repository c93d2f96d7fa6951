import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tracer } from '../../src/measure/index.ts';
import { type StartedTracing, startTracing } from '../../src/tracing/index.ts';
import { payment } from '../graphql/transactions.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { OtlpCollector, type ReceivedSpan, treeOf } from '../support/otlp-collector.ts';
import { Scrape } from '../support/prometheus-text.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';

let collector: OtlpCollector;
let started: StartedTracing;
let api: TestApi;

beforeAll(async () => {
  collector = await OtlpCollector.start();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  process.env.OTEL_SERVICE_NAME = 'scoring';
  process.env.OTEL_BSP_SCHEDULE_DELAY = '20';
  started = startTracing({ onTurn: () => {} });
  tracer.current = started.tracing;
  api = await startApi({ hotAfter: 1 });
});

afterAll(async () => {
  await api?.stop();
  await started?.end();
  tracer.current = null;
  await collector?.stop();
});

/** The caller's own span, of a trace of its own. */
function caller(sampled = true) {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}` };
}

const read = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1h } } }';
const record =
  'mutation ($inputs: [TransactionInput!]!) { recordTransactions(input: $inputs) { results { status user { riskProfile { txnCount1h } } } } }';

/** Asks as a part of a trace; its spans once the whole request is among them. */
async function traced(
  query: string,
  variables: object,
  root = 'POST /graphql',
): Promise<readonly [string, ReceivedSpan[]]> {
  const { traceId, traceparent } = caller();
  await api.ask(query, variables as never, { traceparent });
  return [traceId, await collector.trace(traceId, root)];
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.find((span) => span.name === name);

describe('a request', () => {
  it('is a part of its caller’s trace, with each step by the reference below it', async () => {
    const { traceId, spanId, traceparent } = caller();
    await api.ask(read, { ids: ['a', 'b'] }, { traceparent });
    const spans = await collector.trace(traceId, 'POST /graphql');
    expect(treeOf(spans)).toEqual([
      'POST /graphql',
      '  graphql.parse',
      '  graphql.validate',
      '  graphql.execute',
      '    engine.read',
      '      engine.read together',
      '        valkey read',
      '        valkey function read', // nothing is stored of them
    ]);
    const request = named(spans, 'POST /graphql') as ReceivedSpan;
    expect(request.sent.parentSpanId).toBe(spanId);
    expect(request.facts).toMatchObject({ 'http.request.method': 'POST', 'http.response.status_code': 200 });
    expect(named(spans, 'graphql.execute')?.facts).toMatchObject({ 'graphql.operation.type': 'query' });
    expect(named(spans, 'engine.read')?.facts).toMatchObject({
      'freshet.view': 'user_risk_profile',
      'freshet.vectors': 2,
    });
    expect(collector.resources.at(-1)).toMatchObject({ 'service.name': 'scoring' });
  });

  it('has the same spans by the short way, plain or not, but that nothing is parsed', async () => {
    await api.ask(record, { inputs: [payment({ userId: 'a' })] });
    const short = [
      'POST /graphql',
      '  graphql.execute',
      '    engine.read',
      '      engine.read together',
      '        valkey read',
    ];
    await until(async () => (await api.ask(read, { ids: ['a'] })) && api.server.ways.short > 0);
    const plainBefore = api.server.ways.plain;
    const [, plain] = await traced(read, { ids: ['a'] });
    expect(treeOf(plain)).toEqual(short);
    expect(named(plain, 'graphql.execute')?.facts).toMatchObject({ 'freshet.compiled': true });
    expect(api.server.ways.plain).toBe(plainBefore + 1);
    const { traceId, traceparent } = caller();
    await fetch(`${api.graphqlUrl}?`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent },
      body: JSON.stringify({ query: read, variables: { ids: ['a'] } }),
    });
    expect(treeOf(await collector.trace(traceId, 'POST /graphql'))).toEqual(short);
  });

  it('that a compiled operation leaves to the reference is one request still, and says how it failed', async () => {
    const [, spans] = await traced(read, { ids: [''] });
    const names = treeOf(spans);
    expect(names.filter((name) => name.trim() === 'POST /graphql')).toHaveLength(1);
    expect(names.filter((name) => name.trim() === 'graphql.execute')).toHaveLength(2);
    const failed = spans.filter(({ isFailed }) => isFailed);
    expect(failed.map(({ name, facts }) => `${name} ${facts['error.type']}`)).toEqual(['graphql.execute ID_INVALID']);
  });

  it('that is not valid says so, and no more', async () => {
    const [, spans] = await traced('{ nothing }', {});
    expect(treeOf(spans)).toEqual(['POST /graphql', '  graphql.parse', '  graphql.validate']);
    expect(named(spans, 'graphql.validate')?.facts).toMatchObject({ 'error.type': 'GRAPHQL_VALIDATION_FAILED' });
    expect(named(spans, 'POST /graphql')?.facts).toMatchObject({ 'http.response.status_code': 400 });
  });

  it('that records shows the rounds, and what they ask of Valkey', async () => {
    const userId = 'recorded';
    const paid = () => payment({ userId, merchantId: 'recorded' });
    const [, first] = await traced(record, { inputs: [paid()] });
    // There is no log yet: the store makes it.
    expect(treeOf(first)).toContain('      valkey function record');
    const [, spans] = await traced(record, { inputs: [paid(), paid()] });
    const tree = treeOf(spans);
    for (const name of [
      '    engine.record',
      '      engine.round',
      '        valkey record_read',
      '        valkey record_write',
    ]) {
      expect(tree).toContain(name);
    }
    expect(named(spans, 'engine.record')?.facts).toMatchObject({ 'freshet.events': 2 });
    expect(named(spans, 'engine.round')?.facts).toMatchObject({ 'freshet.logs': 2, 'freshet.attempt': 1 });
  });

  it('of several that are read together, one has the call, and the others are linked to it', async () => {
    const callers = Array.from({ length: 8 }, () => caller());
    // On connections of their own they come in one turn of the event loop now and then.
    const together = await until(async () => {
      await Promise.all(callers.map(({ traceparent }) => api.ask(read, { ids: ['a'] }, { traceparent })));
      return collector.spans.find(
        ({ name, facts }) => name === 'engine.read together' && Number(facts['freshet.reads']) > 1,
      );
    });
    const ids = callers.map(({ traceId }) => traceId);
    expect(ids).toContain(together.sent.traceId);
    expect(together.sent.links).toHaveLength(Number(together.facts['freshet.reads']) - 1);
    for (const link of together.sent.links ?? []) expect(ids).toContain(link.traceId);
  });

  it('that is recorded has the call also where it shares it with others that are not', async () => {
    const shared = await until(async () => {
      const own = caller();
      const callers = [...Array.from({ length: 7 }, () => caller(false)), own];
      await Promise.all(callers.map(({ traceparent }) => api.ask(read, { ids: ['a'] }, { traceparent })));
      const spans = await collector.trace(own.traceId, 'POST /graphql');
      const reading = named(spans, 'engine.read together');
      expect(reading).toBeDefined();
      return Number(reading?.facts['freshet.reads']) > 1 && spans;
    });
    expect(treeOf(shared)).toContain('        valkey read');
    expect(named(shared, 'engine.read together')?.sent.links ?? []).toEqual([]);
  });

  it('has its trace in the line that is logged of it, whichever way it went', async () => {
    for (const query of [read, '{ nothing }']) {
      const { traceId, traceparent } = caller();
      await api.ask(query, { ids: ['a'] }, { traceparent });
      const line = await until(() => api.log.map((one) => JSON.parse(one)).find((one) => one.traceId === traceId));
      expect(line).toMatchObject({ msg: 'request', path: '/graphql', requestId: expect.any(String) });
    }
  });

  it('that its caller does not record is not recorded here, and has no trace in the log', async () => {
    const { traceId, traceparent } = caller(false);
    await api.ask(read, { ids: ['a'] }, { traceparent });
    await traced(read, { ids: ['a'] });
    expect(collector.spans.filter(({ sent }) => sent.traceId === traceId)).toEqual([]);
    expect(api.log.join()).not.toContain(traceId);
  });

  it.each(['nonsense', '00-00000000000000000000000000000000-0000000000000000-01', ''])(
    'with %j for a traceparent begins a trace of its own',
    async (traceparent) => {
      const before = collector.spans.length;
      expect((await api.ask(read, { ids: ['a'] }, { traceparent })).status).toBe(200);
      const root = await until(() => collector.spans.slice(before).find(({ name }) => name === 'POST /graphql'));
      expect(root.sent.parentSpanId ?? '').toBe('');
    },
  );
});

describe('what is watched', () => {
  const watch = 'subscription { userRiskProfileUpdated(userIds: ["watched"], minIntervalMs: 0) { cause } }';

  it('shows in the trace of what was recorded that it was pushed, and written', async () => {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    const { traceId, traceparent, spanId } = caller();
    socket.send({ type: 'subscribe', id: 'w', payload: { query: watch, extensions: { traceparent } } });
    await until(() => socket.of('next').length === 1);
    const begun = await collector.trace(traceId, 'WebSocket /graphql');
    expect(treeOf(begun).slice(0, 4)).toEqual([
      'WebSocket /graphql',
      '  graphql.parse',
      '  graphql.validate',
      '  graphql.subscribe',
    ]);
    expect(named(begun, 'WebSocket /graphql')?.sent.parentSpanId).toBe(spanId);
    // Its answer is mostly there before the notification, of which the read would be a trace of its own.
    const pushed = await until(async () => {
      const told = socket.of('next').length;
      const { traceId: recorded, traceparent: own } = caller();
      const input = payment({ userId: 'watched', merchantId: 'watched' });
      await api.ask(record, { inputs: [input] }, { traceparent: own });
      await until(() => socket.of('next').length > told);
      const spans = await collector.trace(recorded, 'POST /graphql');
      return named(spans, 'live.push') && collector.trace(recorded, 'websocket.write');
    });
    expect(named(pushed, 'live.push')?.facts).toMatchObject({ 'freshet.watchers': 1 });
    const written = named(pushed, 'websocket.write');
    expect(written?.facts).toMatchObject({ 'freshet.messages': 1 });
    expect(written?.sent.parentSpanId).toBe(named(pushed, 'live.push')?.sent.spanId);
    socket.socket.terminate();
  });

  it('by an event stream is a request until its stream stands', async () => {
    const { traceId, traceparent } = caller();
    const headers = { traceparent };
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', headers, body: { query: watch } });
    const spans = await collector.trace(traceId, 'POST /graphql');
    expect(treeOf(spans).map((name) => name.trim())).toContain('graphql.subscribe');
    expect(stream.response.closed).toBe(false);
    stream.leave();
  });

  it('may be of the trace that the connection’s payload names', async () => {
    const { traceId, traceparent } = caller();
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, { traceparent });
    const payload = { query: '{ user(id: "a") { id } }', extensions: { of: 'something else' } };
    socket.send({ type: 'subscribe', id: 'q', payload });
    await until(() => socket.of('complete').length === 1);
    expect(treeOf(await collector.trace(traceId, 'WebSocket /graphql'))).toContain('  graphql.execute');
    socket.socket.terminate();
  });
});

it('how many spans there were, and were sent, is told', async () => {
  const scrape = await until(async () => {
    const told = await Scrape.of(api.url);
    return told.sum('freshet_trace_spans_total', { state: 'exported' }) > 0 && told;
  });
  const ended = scrape.sum('freshet_trace_spans_total', { state: 'ended' });
  expect(ended).toBeGreaterThanOrEqual(scrape.sum('freshet_trace_spans_total', { state: 'exported' }));
  expect(scrape.sum('freshet_trace_spans_total', { state: 'failed' })).toBe(0);
});

it('no span has an id, an amount, or a text of a client’s', () => {
  expect(collector.spans.length).toBeGreaterThan(50);
  expect(collector.text).not.toMatch(/txn_\d|user_\d|merchant_\d|recorded"|watched"|12\.5|txnCount1h|nothing/);
  const names = new Set(collector.spans.map(({ name }) => name));
  expect(names.size).toBeLessThan(30);
});
