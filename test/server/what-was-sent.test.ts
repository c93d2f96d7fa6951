import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type MeasuredApi, startApi } from '../../bench/api-process.ts';
import { newKeyPrefix } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { patienceMs } from '../support/property.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { until } from '../support/until.ts';

const megabyte = 1_000_000;
const subscriptions = 20;
const query = 'subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids, minIntervalMs: 60000) { cause } }';

let api: MeasuredApi;
const leaving: (() => void)[] = [];

beforeAll(async () => {
  api = await startApi({ valkeyUrl: inject('valkeyUrl'), keyPrefix: newKeyPrefix(), clock: 'wall' });
});
afterEach(() => {
  for (const leave of leaving.splice(0)) leave();
});
afterAll(() => api?.stop());

const webSocketUrl = () => api.endpoint.url.replace(/^http/, 'ws');

async function openSocket(payload?: unknown): Promise<ProtocolSocket> {
  const client = await ProtocolSocket.open(webSocketUrl(), {}, payload);
  leaving.push(() => client.socket.terminate());
  return client;
}

async function heldBytes(): Promise<number> {
  const { heapUsed, external } = await api.memory();
  return heapUsed + external;
}

/** How much more is held after some work than before it. */
async function heldBy(work: () => Promise<void>): Promise<number> {
  const before = await heldBytes();
  await work();
  return (await heldBytes()) - before;
}

type Payload = { readonly query: string } & Readonly<Record<string, unknown>>;

/** Begins subscriptions by each protocol, and has their snapshots. */
const protocols: Readonly<Record<string, (payloads: readonly Payload[]) => Promise<void>>> = {
  'a WebSocket': async (payloads) => {
    const client = await openSocket();
    for (const [i, payload] of payloads.entries()) client.send({ type: 'subscribe', id: `${i}`, payload });
    await until(() => client.of('next').length === payloads.length, patienceMs);
  },
  'a stream each': async (payloads) => {
    for (const body of payloads) {
      const stream = await EventStream.open(api.endpoint.url, { method: 'POST', body });
      leaving.push(() => stream.leave());
      await until(() => stream.events.length === 1);
    }
  },
  'a reserved stream': async (payloads) => {
    const reserved = await ReservedStream.reserve(api.endpoint.url);
    const stream = await reserved.open();
    leaving.push(() => stream.leave());
    for (const [i, payload] of payloads.entries()) {
      const response = await fetch(api.endpoint.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-graphql-event-stream-token': reserved.token },
        body: JSON.stringify({ ...payload, extensions: { ...(payload.extensions ?? {}), operationId: `${i}` } }),
      });
      expect(response.status).toBe(202);
    }
    await until(() => stream.events.length === payloads.length, patienceMs);
  },
};

const variables = { ids: ['a'] };
/** Where something may be that nobody needs: a text is held as it is, and values as many times that. */
const places: Readonly<Record<string, (ballast: unknown) => Payload>> = {
  extensions: (ballast) => ({ query, variables, extensions: { ballast } }),
  'variables that are not declared': (ballast) => ({ query, variables: { ...variables, ballast } }),
};

describe.each(Object.keys(protocols))('of what begins a subscription by %s', (protocol) => {
  const begin = protocols[protocol] as (payloads: readonly Payload[]) => Promise<void>;

  it.each(Object.keys(places))(
    'nothing is held of %s',
    async (place) => {
      const make = places[place] as (ballast: unknown) => Payload;
      await begin([make('')]);
      const sent = Array.from({ length: subscriptions }, (_, i) => make(`${i}`.padEnd(megabyte, 'x')));
      expect(await heldBy(() => begin(sent))).toBeLessThan((subscriptions * megabyte) / 4);
    },
    patienceMs,
  );
});

describe('of what a socket is sent', () => {
  it.each([
    [
      'whatever else is in the payload of a subscription',
      (ballast: string) => ({ payload: { query, variables, ballast } }),
    ],
    ['whatever else is in its message', (ballast: string) => ({ payload: { query, variables }, ballast })],
  ])(
    'nothing is held of %s',
    async (_, make) => {
      const client = await openSocket();
      const begin = async (ids: readonly string[], ballast: string) => {
        for (const id of ids) client.send({ type: 'subscribe', id, ...make(ballast) });
        await until(() => ids.every((id) => client.about(id).length === 1), patienceMs);
      };
      await begin(['first'], '');
      const ids = Array.from({ length: subscriptions }, (_, i) => `${i}`);
      expect(await heldBy(() => begin(ids, 'x'.repeat(megabyte)))).toBeLessThan((subscriptions * megabyte) / 4);
    },
    patienceMs,
  );

  it('nothing is held of what says who it is', async () => {
    const sockets = 100;
    const openAll = async (payload: object) => {
      for (let i = 0; i < sockets; i++) await openSocket(payload);
    };
    await openAll({}); // what is kept for whoever comes
    const plain = await heldBy(() => openAll({}));
    const ballast = 'x'.repeat(60_000);
    expect((await heldBy(() => openAll({ ballast }))) - plain).toBeLessThan((sockets * ballast.length) / 4);
  });
});

it(
  'pings whose answers nobody reads cost what may be under way of a socket',
  async () => {
    const sockets = await Promise.all(Array.from({ length: 4 }, () => openSocket()));
    const before = await heldBytes();
    // As much of it as the system takes, which is some MB, and as much again.
    const ping = `{"type":"ping","payload":{"x":[${Array(20_000).fill('{}').join()}]}}`;
    for (const { socket } of sockets) {
      socket.pause();
      for (let i = 0; i < 300; i++) socket.send(ping);
    }
    // What has not been sent by then stays so: the server reads no more of it.
    const unsent = () => sockets.map(({ socket }) => socket.bufferedAmount).join();
    let held = 0;
    await until(async () => {
      const last = unsent();
      held = (await heldBytes()) - before;
      return last === unsent();
    }, patienceMs);
    for (const { socket } of sockets) expect(socket.bufferedAmount).toBeGreaterThan(megabyte);
    expect(held / sockets.length).toBeLessThan(5 * megabyte);
  },
  2 * patienceMs,
);
