import { expect, test } from 'vitest';
import { counter, gauge, histogram } from '../../../src/server/metrics/family.ts';
import { totalsOf } from '../../../src/server/metrics/totals.ts';

/** What a process tells that has counted so many. */
function part(one: number, other: number) {
  return [
    counter('asked_total', 'Asked.', () => [
      [{ kind: 'one' }, one],
      [{ kind: 'other' }, other],
    ]),
    histogram('took_seconds', 'Took.', () => [[{}, { bounds: [1], counts: [one, other], sum: one + other }]]),
    gauge('open', 'Open now.', () => one),
  ].map((family) => family.state());
}

test('of processes that say nothing any more, what they counted adds up, and what they had open is not known', () => {
  const [counted, took, ...others] = totalsOf([part(1, 2), part(10, 20), part(100, 200)]);
  expect(counted?.values.map(({ labels, value }) => [labels, value])).toEqual([
    [{ kind: 'one' }, 111],
    [{ kind: 'other' }, 222],
  ]);
  expect(took?.values.map(({ metricName, value }) => [metricName, value])).toEqual([
    ['took_seconds_bucket', 111],
    ['took_seconds_bucket', 333],
    ['took_seconds_sum', 333],
    ['took_seconds_count', 333],
  ]);
  expect(others).toEqual([]);
});
