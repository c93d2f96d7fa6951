import { Agent, request as open } from 'node:http';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { Draw } from '../support/draw.ts';
import type { Grammar } from '../support/drawn-documents.ts';
import { holdsFor, patienceMs, thoroughness } from '../support/property.ts';
import { until } from '../support/until.ts';
import { drawnHttpAttack, type HttpAttack } from './http-attacks.ts';
import { assertAnswer } from './outcome.ts';
import { drawnRawAttack, playRaw } from './raw-attacks.ts';
import { drawnSocketAttack, playSocket } from './socket-attacks.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** As many as are played in all are these times how thorough the run is: a thousand in `npm test`, ten thousand in a long run. */
const attacks = 10_000 / Math.max(10, thoroughness);
const bodyLimitBytes = 1_000_000;
const mostStaying = 100;
/** Connections to Valkey that recording opens as it comes to need them. */
const mostRecorders = 3;
/** What the caches of documents and operations may hold, about 60 MiB, and as much again for what a test itself keeps. */
const growthBytes = 96 * 1024 * 1024;

const grammar: Grammar = {
  schema,
  compilable: () => true,
  pools: {
    ids: ['u', 'm', 'nobody', '{a}', 'é商店👩‍🚀', '__proto__', 'constructor', '', 'x'.repeat(257), 'a\u0001', 7],
    numbers: [0, 1, 2.5, -3, 99.99, 1e15, 1e16, -1e21],
    times: [new Date().toISOString(), '2020-02-30T00:00:00Z', '1970-01-01T00:00:00+14:00', '9999-12-31T23:59:60Z'],
    always: [],
  },
};

let api: TestApi;
const agent = new Agent({ keepAlive: true });
const staying: Socket[] = [];
/** How many of each kind were played. */
const played = new Map<string, number>();

beforeAll(async () => {
  // With limits, so that all is counted, which nobody reaches.
  api = await startApi({ bodyLimitBytes, guard: { requestsPerSecond: 1_000_000, costPerSecond: 1_000_000 } });
});
afterAll(async () => {
  agent.destroy();
  for (const socket of staying) socket.destroy();
  await api?.stop();
});

/** A failure is told as it was drawn. */
const drawing = fc.noShrink(fc.gen());

function playHttp({ method, search, headers, body }: HttpAttack): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, ...(method !== 'GET' && { 'content-length': body.length }) };
    const sent = open(api.graphqlUrl + search, { method, agent, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(method === 'GET' ? undefined : body);
  });
}

async function play(draw: Draw): Promise<void> {
  const way = draw.upTo(99);
  const count = (kind: string) => played.set(kind, (played.get(kind) ?? 0) + 1);
  if (way < 60) {
    const attack = drawnHttpAttack(draw, grammar, bodyLimitBytes);
    count(`HTTP: ${attack.kind}`);
    const { status, body } = await playHttp(attack);
    const told = `${attack.kind}: ${attack.method} ${attack.search} ${JSON.stringify(attack.headers)}\n${attack.body.toString().slice(0, 3_000)}`;
    assertAnswer(status, body, attack.expected, told);
  } else if (way < 80) {
    const attack = drawnRawAttack(draw);
    count(`bytes: ${attack.kind}`);
    await playRaw(api.url, attack, staying);
    for (const socket of staying.splice(0, Math.max(0, staying.length - mostStaying))) socket.destroy();
  } else {
    const attack = drawnSocketAttack(draw, grammar);
    count(`WebSocket: ${attack.kind}`);
    await playSocket(api.url, attack, bodyLimitBytes);
  }
}

/** What is held, once all that can be let go of was. */
async function held(): Promise<{ readonly bytes: number; readonly handles: number }> {
  for (const socket of staying.splice(0)) socket.destroy();
  agent.destroy();
  const { hub } = api.backend.current();
  await until(() => api.server.connections.length === 0 && hub.load.subscriptions === 0, 30_000);
  // The log of a test is kept, and is no part of the server.
  (api.log as string[]).length = 0;
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout' && kind !== 'Immediate').length;
  return { bytes: heapUsed + external + arrayBuffers, handles };
}

describe('whatever is sent', () => {
  const faults: unknown[] = [];
  const note = (error: unknown) => faults.push(error);
  /** Lines of the log that tell of a fault of ours. */
  const logged: string[] = [];
  const watch = () => {
    for (const line of api.log) if (JSON.parse(line).level >= 50) logged.push(line);
    (api.log as string[]).length = 0;
  };

  it(
    'is answered as the contract has it, and leaves nothing behind',
    async () => {
      process.on('unhandledRejection', note).on('uncaughtException', note);
      // What fills the caches, and is loaded on first use.
      await holdsFor(drawing, attacks / 5, (next) => play(new Draw(next)));
      watch();
      const before = await held();
      await holdsFor(drawing, attacks, async (next) => {
        await play(new Draw(next));
        watch();
      });
      const after = await held();
      process.off('unhandledRejection', note).off('uncaughtException', note);
      const kinds = [...played].sort(([one], [other]) => one.localeCompare(other));
      const grown = Math.round((after.bytes - before.bytes) / 1024);
      process.stderr.write(`${kinds.map(([kind, count]) => `${count} ${kind}`).join('; ')}. Grown by ${grown} KiB\n`);
      expect(faults).toEqual([]);
      expect(logged).toEqual([]);
      expect(after.handles - before.handles).toBeLessThanOrEqual(mostRecorders);
      expect(after.bytes - before.bytes).toBeLessThan(growthBytes);
      expect((await api.ask('{ user(id: "u") { id } }')).data).toEqual({ user: { id: 'u' } });
    },
    3 * patienceMs,
  );
});
