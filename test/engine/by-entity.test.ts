import { expect, it } from 'vitest';
import { byEntity, byServer } from '../../src/engine/by-entity.ts';
import { UnavailableError } from '../../src/engine/index.ts';
import type { Part } from '../../src/engine/parts.ts';
import { type PartReply, untilDone } from '../../src/engine/rounds.ts';
import type { Servers } from '../../src/valkey/index.ts';

/** Two servers: `a` has the keys that begin with it, and so has `b`. */
const [a, b] = [{ name: 'a' }, { name: 'b' }];
const servers = { find: (key: string) => (key.startsWith('a') ? a : b) } as unknown as Servers;

/** A hundred of each, in turn. */
const parts = Array.from({ length: 200 }, (_, i) => ({ id: `${i % 2 === 0 ? 'a' : 'b'}${i}` }) as Part);
const idOf = ({ id }: Part) => id;

/** @param call for the part of one entity. */
function callEach(given: readonly Part[], call: (id: string) => PartReply<string>[] | Promise<never>) {
  return untilDone<Part, string>(given, {
    patienceMs: 3_000,
    attempt: (all) => byEntity(servers, all, idOf, async ([part]) => call((part as Part).id)),
    upgrade: async () => [],
  });
}

/** @returns what each part came to, and how often `a` was called. */
async function work(failure: Error) {
  let calls = 0;
  const values = await callEach(parts, (id) => {
    if (id.startsWith('b')) return [{ kind: 'done', value: 'served' }];
    calls += 1;
    throw failure;
  });
  return { values, calls };
}

it.each(['Command timed out', 'Socket timeout. Expecting data, but did not receive any in 6000ms.'])(
  'asks a server no more once it has not answered in time: %s',
  async (message) => {
    const failure = new UnavailableError('away', { cause: new Error(message) });
    const { values, calls } = await work(failure);
    expect(values).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? failure : 'served')));
    expect(calls).toBe(32);
  },
);

it('asks a server for all where it fails at once', async () => {
  const failure = new UnavailableError('moving', { cause: new Error('TRYAGAIN') });
  const { values, calls } = await work(failure);
  expect(values.filter((value) => value === failure)).toHaveLength(100);
  expect(calls).toBe(100);
});

it('serves all of a server while another keeps its own waiting', async () => {
  const away = new UnavailableError('away', { cause: new Error('Command timed out') });
  const called: string[] = [];
  const hangs = Promise.withResolvers<never>();
  const values = await byServer<Part, string>(servers, parts, idOf, (own) =>
    callEach(own, (id) => {
      called.push(id);
      if (called.filter((one) => one.startsWith('b')).length === 100) hangs.reject(away);
      return id.startsWith('a') ? hangs.promise : [{ kind: 'done', value: id }];
    }),
  );
  expect(values).toEqual(parts.map(({ id }) => (id.startsWith('a') ? away : id)));
});
