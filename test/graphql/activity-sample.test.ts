import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ActivityPart, addUp, noEvents } from '../../src/graphql/activity-sample.ts';
import { Latencies } from '../../src/graphql/latencies.ts';
import { holdsFor, patienceMs } from '../support/property.ts';

function part(told: Partial<ActivityPart>, durationsMs: readonly number[] = []): ActivityPart {
  const latencies = new Latencies();
  for (const ms of durationsMs) latencies.record(ms);
  return {
    events: noEvents,
    reads: 0,
    latencies: latencies.take(),
    watchers: 0,
    watchedEntities: 0,
    storeProblem: null,
    ...told,
  };
}

/** What a process tells comes by a channel that carries JSON. */
function sent<T>(told: T): T {
  return JSON.parse(JSON.stringify(told)) as T;
}

describe('what the processes of a service did', () => {
  it('adds up', () => {
    const one = part({ events: { ...noEvents, RECORDED: 2, TOO_LATE: 1 }, reads: 3, watchers: 1, watchedEntities: 10 });
    const other = part({ events: { ...noEvents, RECORDED: 5 }, reads: 4, watchers: 2, watchedEntities: 20 });
    expect(addUp([one, other].map(sent), 1.5)).toEqual({
      at: expect.any(Date),
      seconds: 1.5,
      events: { ...noEvents, RECORDED: 7, TOO_LATE: 1 },
      reads: 7,
      requests: 0,
      p50Ms: null,
      p99Ms: null,
      watchers: 3,
      watchedEntities: 30,
      storeProblem: null,
    });
  });

  it('has the problem of whichever cannot hear its store', () => {
    expect(addUp([part({}), part({ storeProblem: 'it is away' })], 1).storeProblem).toBe('it is away');
  });

  it(
    'takes as long, to half a per cent, as if one had done it all',
    async () => {
      const duration = fc.double({ min: 0.001, max: 60_000, noNaN: true });
      const durations = fc.array(fc.array(duration, { maxLength: 50 }), { minLength: 1, maxLength: 4 });
      await holdsFor(durations, 200, async (each) => {
        const parts = each.map((own) => sent(part({}, own)));
        const { requests, p50Ms, p99Ms } = addUp(parts, 1);
        const all = each.flat().sort((a, b) => a - b);
        expect(requests).toBe(all.length);
        const exact = (percent: number) => all[Math.ceil((percent / 100) * all.length) - 1] ?? null;
        expect(nearly(p50Ms, exact(50))).toBe(true);
        expect(nearly(p99Ms, exact(99))).toBe(true);
      });
    },
    patienceMs,
  );
});

function nearly(found: number | null, exact: number | null): boolean {
  if (found === null || exact === null) return found === exact;
  return Math.abs(found / exact - 1) < 0.0051;
}
