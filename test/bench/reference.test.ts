import { expect, test } from 'vitest';
import { chooseMoments } from '../../bench/accuracy/moments.ts';
import { isCompared, Reference } from '../../bench/accuracy/reference.ts';
import { bursty } from '../../bench/simulate/arrivals.ts';
import { drawHistory, transactionsOf } from '../../bench/simulate/history.ts';
import { zipf } from '../../bench/simulate/population.ts';
import { subjects } from '../../bench/subject.ts';
import { Random } from '../../src/simulate/index.ts';
import { disagreements, type History, valuesAt } from '../support/oracle.ts';

test.each(subjects)('the efficient reference agrees with the obvious one: $name', (subject) => {
  const random = new Random(5);
  const within = { fromMs: subject.spanMs, toMs: 1.3 * subject.spanMs };
  const times = bursty(random, 300, { fromMs: 0, toMs: within.toMs });
  const moments = chooseMoments(random, subject.view, times, within, 30);
  const history = drawHistory(random, subject, 'e', moments.times, zipf(20, 1));
  const reference = new Reference(history);
  const all: History = transactionsOf(history).map((fields) => {
    return { fields, at: fields.occurredAt, arrivedAt: fields.occurredAt };
  });
  const features = subject.view.features.filter(({ aggregation }) => isCompared(aggregation));
  expect(features.length).toBeGreaterThan(5);
  for (const look of moments.looks) {
    const at = history.times[look] as number;
    const values = features.flatMap(({ aggregation }) =>
      isCompared(aggregation) ? [reference.value(aggregation, at)] : [],
    );
    const view = { ...subject.view, features };
    // Prefix sums are right to less than sums are elsewhere.
    const expected = valuesAt(view, all, at).map((one) => ({ ...one, giveOrTake: Math.max(one.giveOrTake, 1e-6) }));
    expect(disagreements(view, values, expected)).toEqual([]);
  }
});

test('moments are looked at while the longest window is full, each the last event of its time', () => {
  const [subject] = subjects;
  if (!subject) throw new Error('there is nothing to measure');
  const random = new Random(6);
  const within = { fromMs: subject.spanMs, toMs: 1.3 * subject.spanMs };
  const times = bursty(random, 1_000, { fromMs: 0, toMs: within.toMs });
  const { times: all, looks } = chooseMoments(random, subject.view, times, within, 60);
  expect(looks.length).toBeGreaterThan(40);
  expect(all.length - times.length).toBeLessThanOrEqual(60);
  for (const look of looks) {
    expect(all[look]).toBeGreaterThanOrEqual(within.fromMs);
    expect(all[look]).toBeLessThan(within.toMs);
    expect(all[look + 1] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(all[look] as number);
  }
});
