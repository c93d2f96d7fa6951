import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UnavailableError } from '../../src/engine/index.ts';
import type { Part } from '../../src/engine/parts.ts';
import { type PartReply, untilDone } from '../../src/engine/rounds.ts';

const parts = Array.from({ length: 5 }, (_, i) => ({ id: `u${i}` }) as Part);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Each call does the first part that it is given, and takes a second. */
async function slowly() {
  let calls = 0;
  const values = await untilDone<Part, string>(parts, {
    patienceMs: 3_000,
    attempt: async (all) => {
      calls += 1;
      vi.advanceTimersByTime(1_001);
      return all.map((_, i): PartReply<string> => (i === 0 ? { kind: 'done', value: 'served' } : { kind: 'left' }));
    },
    upgrade: async () => [],
  });
  return { calls, values };
}

it('makes no more calls once its patience is over: what is left is unavailable', async () => {
  const { calls, values } = await slowly();
  expect(calls).toBe(3);
  expect(values).toEqual([...new Array(3).fill('served'), ...new Array(2).fill(expect.any(UnavailableError))]);
  expect(values[4]).toMatchObject({ message: expect.stringMatching(/no time for it/) });
});
