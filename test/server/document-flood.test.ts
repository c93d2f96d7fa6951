import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { patienceMs, thoroughness } from '../support/property.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** More than are counted, and so many that half of them fill the caches. */
const documents = thoroughness > 1 ? 20_000 : 8_000;
const atOnce = 16;
const growthBytes = 24 * 1024 * 1024;

let api: TestApi;
beforeAll(async () => {
  // Said here, since the suite may go the short way from the first time on.
  api = await startApi({ hotAfter: 3 });
});
afterAll(() => api?.stop());

/** Sends queries that nobody has sent before, each once. */
async function flood(from: number, to: number): Promise<void> {
  let next = from;
  const client = async () => {
    for (let n = next++; n < to; n = next++) {
      const query = `{ user(id: "flood") { id${n}: id riskProfile { txnCount1h } } }`;
      const answer = await api.ask(query, {}, { accept: 'application/json' });
      expect(answer.errors).toBeUndefined();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
}

function heapBytes(): number {
  // The log of a test is kept, and is no part of the server.
  (api.log as string[]).length = 0;
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it(
  'a flood of documents that never come again compiles none, and leaves the heap where its caches have filled it to',
  async () => {
    await flood(0, documents / 2);
    const filled = heapBytes();
    await flood(documents / 2, documents);
    expect(heapBytes() - filled).toBeLessThan(growthBytes);
    expect(api.server.ways).toEqual({ short: 0, plain: 0, left: 0, reference: documents });
    expect(api.server.hotOperations).toEqual({ counted: 5_000, compiled: 0 });
  },
  2 * patienceMs,
);

it('a document beyond the limits is never compiled, however often it comes', async () => {
  const before = api.server.hotOperations;
  const query = `{ user(id: 1) { ${Array.from({ length: 2_000 }, (_, n) => `a${n}: id`).join(' ')} } }`;
  for (let times = 0; times < 10; times++) expect((await api.ask(query)).errors).toHaveLength(1);
  expect(api.server.hotOperations).toEqual(before);
});

it('what comes often is compiled all the same, between others', async () => {
  const query = '{ user(id: 1) { id } }';
  const { short } = api.server.ways;
  for (let times = 0; times < 5; times++) {
    await api.ask(query);
    await flood(documents + times * 100, documents + times * 100 + 100);
  }
  expect(api.server.hotOperations.compiled).toBe(1);
  expect(api.server.ways.short).toBe(short + 2);
});
