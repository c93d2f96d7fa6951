import { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { until } from '../support/until.ts';

let api: TestApi;
let valkey: Redis;

beforeAll(async () => {
  api = await startApi();
  valkey = new Redis(inject('valkeyUrl'));
  await valkey.ping();
});

afterAll(async () => {
  valkey?.disconnect();
  await api?.stop();
});

/**
 * Timers that are set, those too that keep no process alive, of which Node does not tell. Not those that go on while
 * nothing is watched: of the connection to Valkey, and of the test itself.
 */
const others = /src\/valkey|iovalkey|node:internal|vitest|undici/;
const timers = new Set<unknown>();
const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
};

/** Who set it: the first line is the error, the next two are of here. */
function isOfWatching(stack = ''): boolean {
  return !others.test(stack.split('\n')[3] ?? '');
}

beforeEach(() => {
  const note = (timer: unknown) => {
    if (isOfWatching(new Error().stack)) timers.add(timer);
  };
  const setTimeout = (act: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => {
    const timer = real.setTimeout(() => {
      timers.delete(timer);
      act(...given);
    }, ms);
    note(timer);
    return timer;
  };
  const setInterval = (...given: Parameters<typeof real.setInterval>) => {
    const timer = real.setInterval(...given);
    note(timer);
    return timer;
  };
  const clear = (timer: unknown) => {
    timers.delete(timer);
    real.clearTimeout(timer as NodeJS.Timeout); // it clears both kinds
  };
  Object.assign(globalThis, {
    setTimeout: Object.assign(setTimeout, real.setTimeout),
    setInterval,
    clearTimeout: clear,
    clearInterval: clear,
  });
});

afterEach(() => {
  Object.assign(globalThis, real);
  timers.clear();
});

/** What keeps this process alive beside timers, by kind and number: sockets, servers. */
function resources(): readonly string[] {
  const all = process.getActiveResourcesInfo();
  return all.filter((kind) => kind !== 'Timeout' && kind !== 'Immediate').sort();
}

const watch = { query: 'subscription { userRiskProfileUpdated(userIds: ["a", "b"], minIntervalMs: 60000) { cause } }' };
const watched = 2;

/** Who watches by a protocol, and has seen the snapshot. */
interface Watching {
  /** Ends what it watches, and stays. */
  readonly end?: () => unknown;
  readonly leave: () => void;
}

async function overWebSocket(): Promise<ProtocolSocket> {
  const client = await ProtocolSocket.open(api.webSocketUrl);
  client.subscribe('w', watch.query);
  await until(() => client.of('next').length === 1);
  return client;
}

async function overItsOwnStream(): Promise<EventStream> {
  const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: watch });
  await until(() => stream.events.length === 1);
  return stream;
}

async function overAReservedStream(): Promise<{ readonly reserved: ReservedStream; readonly stream: EventStream }> {
  const reserved = await ReservedStream.reserve(api.graphqlUrl);
  const stream = await reserved.open();
  await reserved.ask('w', watch.query);
  await until(() => stream.events.length === 1);
  return { reserved, stream };
}

const protocols: readonly (readonly [string, () => Promise<Watching>])[] = [
  [
    'over a WebSocket, by an operation that it completes',
    async () => {
      const client = await overWebSocket();
      return { end: () => client.complete('w'), leave: () => client.socket.close() };
    },
  ],
  [
    'over a WebSocket that breaks',
    async () => {
      const client = await overWebSocket();
      return { leave: () => client.socket.terminate() };
    },
  ],
  [
    'over an event stream of its own',
    async () => {
      const stream = await overItsOwnStream();
      return { leave: () => stream.leave() };
    },
  ],
  [
    'over a reserved event stream, by an operation that it ends',
    async () => {
      const { reserved, stream } = await overAReservedStream();
      return { end: () => reserved.end('w'), leave: () => stream.leave() };
    },
  ],
  [
    'over a reserved event stream that breaks',
    async () => {
      const { stream } = await overAReservedStream();
      return { leave: () => stream.leave() };
    },
  ],
];

describe('when the last watcher goes', () => {
  it.each(protocols)('%s, no watcher, channel, socket or timer is left', async (_, watch) => {
    const { hub } = api.backend.current();
    const channels = async () => ((await valkey.pubsub('CHANNELS', `*${api.keyPrefix}:v1:*`)) as string[]).length;
    const before = resources();
    const watching = await Promise.all([watch(), watch(), watch()]);
    expect(hub.load).toEqual({ entities: watched, subscriptions: 3 });
    expect(await channels()).toBe(watched);
    // Of each connection, and of the decay of what is watched.
    expect(timers.size).toBeGreaterThanOrEqual(3);
    expect(resources().length).toBeGreaterThanOrEqual(before.length + 6);
    if (watching.every(({ end }) => end)) {
      for (const { end } of watching) await end?.();
      await until(() => hub.load.subscriptions === 0);
      expect(hub.load.entities).toBe(0);
      await until(async () => (await channels()) === 0);
    }
    for (const { leave } of watching) leave();
    await until(() => hub.load.subscriptions === 0);
    expect(hub.load.entities).toBe(0);
    await until(async () => (await channels()) === 0);
    await until(() => timers.size === 0 && resources().join() === before.join());
  });
});
