import { describe, expect, test } from 'vitest';
import { Trace } from '../../src/dashboard/model/trace.ts';

const range = 2_000_000; // whose points are a second apart
const second = 1_000;

/** A trace of one feature, of these moments (in seconds) and values. */
function traceOf(...points: readonly (readonly [at: number, value: number])[]): Trace {
  const trace = new Trace();
  for (const [at, value] of points) trace.add({ at: at * second, values: [value] }, range);
  return trace;
}

/** What is drawn between two moments, in seconds. */
function drawn(trace: Trace, from: number, to: number) {
  const { times, values } = trace.drawn(0, from * second, to * second);
  return times.map((at, i) => [at, values[i]]);
}

describe('the trace of an entity', () => {
  test('draws nothing of nothing', () => {
    expect(drawn(new Trace(), 0, 100)).toEqual([]);
  });

  test('begins with what held, and ends with what holds', () => {
    const trace = traceOf([10, 1], [20, 2], [30, 3]);
    expect(drawn(trace, 25, 40)).toEqual([
      [25, 2],
      [30, 3],
      [40, 3],
    ]);
    expect(drawn(trace, 5, 20)).toEqual([
      [10, 1],
      [20, 2],
    ]);
  });

  test('has a gap from when it was lost until values come, and only one', () => {
    const trace = traceOf([10, 1]);
    trace.lose(15 * second, range);
    trace.lose(16 * second, range);
    expect(drawn(trace, 0, 18)).toEqual([
      [10, 1],
      [15, 1],
      [15, null],
      [18, null],
    ]);
    trace.add({ at: 20 * second, values: [2] }, range);
    expect(drawn(trace, 0, 21).slice(2)).toEqual([
      [15, null],
      [20, 2],
      [21, 2],
    ]);
  });

  test('keeps of moments that nobody could tell apart the last', () => {
    const trace = traceOf([10, 1], [20, 2], [20.2, 3], [20.9, 4], [21, 5]);
    expect(drawn(trace, 0, 21)).toEqual([
      [10, 1],
      [20.9, 4],
      [21, 5],
    ]);
  });

  test('takes what comes later for later, whatever its clock says', () => {
    expect(drawn(traceOf([10, 1], [8, 2]), 0, 10)).toEqual([[10, 2]]);
  });

  test('is filled from the past, and goes on from there', () => {
    const trace = traceOf([50, 5], [70, 7]);
    trace.fill([
      { at: 40 * second, values: [4] },
      { at: 45 * second, values: null },
      { at: 60 * second, values: [6] },
    ]);
    expect(drawn(trace, 0, 70)).toEqual([
      [40, 4],
      [45, 4],
      [45, null],
      [60, 6],
      [70, 7],
    ]);
  });

  test('is bounded, whatever comes: the oldest goes first', () => {
    const trace = new Trace();
    for (let at = 0; at < 10_000; at++) trace.add({ at: at * second, values: [at] }, range);
    const all = drawn(trace, 0, 10_000);
    expect(all.length).toBeLessThanOrEqual(4_001);
    expect(all.at(-1)).toEqual([10_000, 9_999]);
    expect(all[0]?.[0]).toBeGreaterThan(5_000);
    expect(all.length).toBeGreaterThan(2_000);
  });
});
