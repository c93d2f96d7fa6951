import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
const streams: EventStream[] = [];

beforeAll(async () => {
  api = await startApi();
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
  for (const stream of streams.splice(0)) stream.leave();
});

afterAll(() => api?.stop());

const beat = () => vi.advanceTimersByTime(12_000);

/** A snapshot of some 45 MB, several times what the system keeps of a connection that is not read. */
const values = Array.from({ length: 100 }, (_, i) => `${'a'.repeat(400)}${i}: txnCount1h`);
const muchToRead = {
  query: `subscription ($userIds: [ID!]!) { userRiskProfileUpdated(userIds: $userIds) { user { riskProfile { ${values.join(' ')} } } } }`,
  variables: { userIds: Array.from({ length: 1_000 }, (_, i) => `u${i}`) },
};
const moreThanIsBuffered = 12 * 1024 * 1024;

async function ofItsOwn(): Promise<EventStream> {
  const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: muchToRead });
  streams.push(stream);
  return stream;
}

async function reserved(): Promise<EventStream> {
  const reserved = await ReservedStream.reserve(api.graphqlUrl);
  const stream = await reserved.open();
  streams.push(stream);
  await reserved.ask('w', muchToRead.query, muchToRead.variables);
  return stream;
}

describe.each([
  ['an event stream of its own', ofItsOwn],
  ['a reserved event stream', reserved],
])('a client of %s', (_, open) => {
  it('that reads nothing is dropped, with all that it watches', async () => {
    const { hub } = api.backend.current();
    const stream = await open();
    stream.readNothing();
    await until(() => hub.load.subscriptions === 1);
    const before = api.log.length;
    const dropped = async () =>
      (await Scrape.of(api.url)).sum('freshet_slow_clients_dropped_total', { protocol: 'sse' });
    const droppedBefore = await dropped();
    await until(() => {
      beat();
      return hub.load.subscriptions === 0;
    });
    expect(await dropped()).toBe(droppedBefore + 1);
    expect(api.log.slice(before).join()).toContain('takes nothing of what it is sent');
    stream.readOn();
    await stream.closed();
    expect(stream.bytes).toBeLessThan(moreThanIsBuffered);
    expect(stream.events).toEqual([]);
    expect(hub.load.entities).toBe(0);
  });

  it('that reads slowly gets all of it', async () => {
    const stream = await open();
    while (stream.events.length === 0) {
      const read = stream.bytes;
      stream.readOn();
      // Of so much, some was written since the last beat.
      await until(() => stream.bytes > read + moreThanIsBuffered || stream.events.length > 0);
      stream.readNothing();
      beat();
    }
    expect(stream.bytes).toBeGreaterThan(3 * moreThanIsBuffered);
    expect(stream.response.complete).toBe(false);
    const { hub } = api.backend.current();
    expect(hub.load.subscriptions).toBe(1);
    stream.leave();
    await until(() => hub.load.subscriptions === 0);
  });
});

it('a stream that was asked for behind one that does not end is given up with it', async () => {
  const { hub } = api.backend.current();
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1').on('error', () => {});
  socket.resume();
  const body = '{"query":"subscription { userRiskProfileUpdated(userIds: [\\"u\\"]) { cause } }"}';
  const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: ${body.length}`;
  socket.write(`${head}\r\n\r\n${body}`.repeat(2));
  await until(() => hub.load.subscriptions === 2);
  await until(() => {
    beat();
    return socket.closed;
  });
  await until(() => hub.load.subscriptions === 0);
});
