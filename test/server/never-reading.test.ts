import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { type MeasuredApi, startApi } from '../../bench/api-process.ts';
import { newKeyPrefix } from '../support/api.ts';
import { patienceMs, thoroughness } from '../support/property.ts';
import { until } from '../support/until.ts';

const clients = 10;
/** In a long run, five minutes: each client is closed, and comes back, about ten times. */
const loadMs = thoroughness > 1 ? 300_000 : 5_000;
const mostBytes = 1_048_576;

const hot = 'hot';
const others = Array.from({ length: 500 }, (_, i) => `user-${i}`);

/** What is shown so many times over, so that messages fill in seconds what the system takes for whoever does not read. */
function watching(times: number): string {
  const profile =
    'riskProfile { txnCount1m txnCount24h txnAmount24h avgTxnAmount24h uniqueMerchants24h lastTxnAmount lastTxnAt }';
  const user = Array.from({ length: times }, (_, i) => `p${i}: ${profile}`).join(' ');
  return `subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids) { cause user { id ${user} } } }`;
}

let api: MeasuredApi;

beforeAll(async () => {
  api = await startApi({ valkeyUrl: inject('valkeyUrl'), keyPrefix: newKeyPrefix(), clock: 'wall' });
});

afterAll(() => api?.stop());

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(api.endpoint.url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  socket.on('error', () => {});
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await once(socket, 'message');
  return socket;
}

function subscribe(socket: WebSocket, id: string, ids: readonly string[], times = 1): void {
  socket.send(JSON.stringify({ type: 'subscribe', id, payload: { query: watching(times), variables: { ids } } }));
}

/** Watches much, reads nothing of it, and comes back whenever it is closed, until told to stop. Resolves with how often. */
async function neverRead(stop: AbortSignal): Promise<number> {
  let closings = 0;
  for (; ; closings++) {
    const socket = await open();
    socket.pause();
    subscribe(socket, 'others', others);
    for (let i = 0; i < 50; i++) subscribe(socket, `hot-${i}`, [hot], 20);
    // Who reads nothing notices only by writing that nobody is there any more.
    const pinging = setInterval(() => socket.ping(), 500);
    await Promise.race([once(socket, 'close'), once(stop, 'abort')]);
    clearInterval(pinging);
    if (!stop.aborted) continue;
    socket.terminate();
    return closings;
  }
}

/** Records one transaction of each of these users. */
async function pay(users: readonly string[]): Promise<void> {
  const input = users.map((userId) => ({ transactionId: randomUUID(), userId, merchantId: 'm', amount: 1 }));
  await api.endpoint.ask('mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }', {
    input,
  });
}

test(
  'clients that never read cost little each, and whoever reads gets every newest value',
  async () => {
    const reader = await open();
    let seen = 0;
    reader.on('message', (text) => {
      const { txnCount24h } = JSON.parse(String(text)).payload.data.userRiskProfileUpdated[0].user.p0;
      expect(txnCount24h).toBeGreaterThanOrEqual(seen);
      seen = txnCount24h;
    });
    subscribe(reader, 'reader', [hot]);
    let recorded = 0;
    const load = async (ms: number, look: () => Promise<void>) => {
      const ends = performance.now() + ms;
      for (let [round, looks] = [1, 0]; performance.now() < ends || looks === 0; round++) {
        await pay(round % 20 === 0 ? [hot, ...others] : [hot]);
        recorded++;
        if (round % 40 === 0) {
          await until(() => seen === recorded);
          await look();
          looks++;
        }
        await sleep(25);
      }
    };
    const bytes = async () => {
      const { heapUsed, external } = await api.memory();
      return heapUsed + external;
    };
    // Until all that is kept for whoever comes is there: compiled code, a vector of each user.
    let before = 0;
    await load(2_000, async () => {
      before = await bytes();
    });

    const stop = new AbortController();
    const never = Array.from({ length: clients }, () => neverRead(stop.signal));
    let most = 0;
    await load(loadMs, async () => {
      most = Math.max(most, ((await bytes()) - before) / clients);
    });
    stop.abort();
    const closings = await Promise.all(never);
    reader.terminate();
    if (thoroughness > 1) {
      process.stderr.write(`at most ${Math.round(most)} bytes a client that never reads; closed ${closings} times\n`);
      for (const count of closings) expect(count).toBeGreaterThan(3);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(mostBytes);
  },
  loadMs + patienceMs,
);
