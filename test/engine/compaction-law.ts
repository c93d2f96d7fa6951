import { expect } from 'vitest';
import type { Event, View } from '../../src/define/index.ts';
import type { EventInput, PastVector } from '../../src/engine/index.ts';
import type { Fields } from '../support/oracle.ts';
import { differences, momentsBefore, sayingNothing } from './certainty.ts';
import type { Player } from './player.ts';
import type { Scratch } from './scratch.ts';

const mostSingles = 7; // few enough for the last step to be one call

/**
 * Asserts that all that happened to an entity comes to the same as if it had come in order, at once, and as it is known now:
 * `compact(compact(A, t₁) ∪ B, t₂) = compact(A ∪ B, t₂)`. Under the event clock.
 */
export async function expectTheLaw(scratch: Scratch, player: Player): Promise<void> {
  const { event, views, limits } = player.script;
  const [view] = views as [View];
  const [id] = player.model.ids(view);
  if (id === undefined) return;
  const { history, now } = player.model.of(view, id);
  // So many events that both logs take a last step, at one moment. As many stay single as the longest list has.
  const singles = Math.min(limits.singles, mostSingles);
  const kept = Math.max(singles, ...view.features.map(({ aggregation }) => aggregation.n ?? 0));
  const last = Array.from({ length: 2 * kept + 1 }, (_, i) => ({
    ...history[0]?.fields,
    [event.id]: `last ${i}`,
    [event.time]: now + 1 + i,
  }));
  const taken = history.flatMap(({ fields, at, retracted }, i) =>
    retracted ? [] : [{ ...fields, [event.id]: `taken ${i}`, [event.time]: at }],
  );
  const inOrder = taken.toSorted((a, b) => Number(a[event.time]) - Number(b[event.time]));

  const stepwise = await player.open({ ...limits, singles }, player.engine.keys.prefix);
  const atOnce = await player.open({ ...limits, singles }, scratch.prefix());
  const outcomes = [
    ...(await atOnce.record(event, inOrder as EventInput[])),
    ...(await atOnce.record(event, last as EventInput[])),
    ...(await stepwise.record(event, last as EventInput[])),
  ];
  expect(outcomes.filter(({ status }) => status !== 'RECORDED')).toEqual([]);
  const moments = momentsBefore(view, now + last.length, []);
  const [[one = []], [other = []]] = [
    await stepwise.past(view, [{ id, moments }]),
    await atOnce.past(view, [{ id, moments }]),
  ];
  const scale = scaleOf(event, [...taken, ...last]);
  for (const [i, then] of one.entries()) {
    expect(differences(ofTheLaw(then), ofTheLaw(other[i] as PastVector), scale)).toEqual([]);
  }
}

/** Running figures go by arrival, and distinct values are not among what is put together. */
function ofTheLaw(vector: PastVector): PastVector {
  return sayingNothing(vector, (i) => {
    const aggregation = vector.view.features[i]?.aggregation;
    return aggregation?.window.kind === 'lifetime' || aggregation?.kind === 'distinct';
  });
}

/** The largest number that any of the events has; those that are too small to have all their digits do not count. */
function scaleOf(event: Event, events: readonly Fields[]): number {
  const numbers = Object.keys(event.fields).filter((name) => event.fields[name]?.type === 'number');
  return Math.max(1e-300, ...events.flatMap((one) => numbers.map((name) => Math.abs(Number(one[name] ?? 0)))));
}
