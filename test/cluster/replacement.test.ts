import { expect, it } from 'vitest';
import { ReplacementPauses } from '../../src/cluster/replacement.ts';

const ended = (servedMs: number | null) => ({ pid: 1, code: 1, signal: null, servedMs });

it('the pause before a worker is replaced doubles up to ten seconds, and is short again after one that was steady', () => {
  const pauses = new ReplacementPauses();
  const soon = [null, 10, 59_999, null, null, null, null, null, null, null].map((servedMs) =>
    pauses.after(ended(servedMs)),
  );
  expect(soon).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  expect(pauses.after(ended(60_000))).toBe(100);
  for (let i = 0; i < 2_000; i++) pauses.after(ended(0));
  expect(pauses.after(ended(0))).toBe(10_000);
});
