import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from '../../src/live/pace.ts';

const done: number[] = [];
let begun: number;
let pace: Pace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  done.length = 0;
  begun = performance.now();
  pace = new Pace(100, { flush: () => done.push(performance.now() - begun) });
});

afterEach(() => {
  pace.stop();
  vi.useRealTimers();
});

describe('a pace', () => {
  it('lets the first pass at once, and what comes too early together when it is time', () => {
    pace.run();
    vi.advanceTimersByTime(30);
    pace.run();
    pace.run();
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([0, 100]);
    pace.run();
    expect(done).toEqual([0, 100, 1_030]);
  });

  it('counts from when it was spent', () => {
    pace.run();
    vi.advanceTimersByTime(90);
    pace.spend();
    pace.run();
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([0, 190]);
  });

  it('puts off what waits when it is spent in between', () => {
    pace.run();
    vi.advanceTimersByTime(20);
    pace.run();
    vi.advanceTimersByTime(70);
    pace.spend();
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([0, 190]);
  });

  it('does nothing more once it is stopped', () => {
    pace.run();
    pace.run();
    pace.stop();
    vi.advanceTimersByTime(1_000);
    expect(done).toEqual([0]);
  });
});
