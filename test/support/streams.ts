/** Random streams of events that look for trouble: ties, exact edges, repeats, late ones, any order. */

import fc from 'fast-check';
import type { Event, View } from '../../src/define/index.ts';
import { beginning, eventDefinition, valueOfType, viewOf } from './arbitraries.ts';
import type { Fields } from './oracle.ts';

/** Views of one event, and events in the order in which they arrive. */
export interface Scenario {
  readonly event: Event;
  readonly views: readonly View[];
  readonly stream: readonly Fields[];
}

const memoryMs = 86_400_000; // ids are remembered at least this long

/** How an event follows from what came before it. */
export interface Step {
  readonly fields: Fields;
  /** Which earlier event it stands near, counted from the newest. */
  readonly near: number;
  readonly deltaMs: number;
  /** It is an earlier event again: as it was, with other values, another time, or only its id; or it is malformed. */
  readonly repeats: 'nothing' | 'all' | 'values' | 'time' | 'id' | 'malformed';
}

/** Events of a definition: crowded at the pace of one window, now and then an edge apart, to the millisecond. */
export function streamOf(of: Event, views: readonly View[], maxLength = 40): fc.Arbitrary<Fields[]> {
  const steps = (paceMs: number) => fc.array(stepOf(of, views, paceMs), { minLength: 1, maxLength, size: 'max' });
  return paceOf(views)
    .chain(steps)
    .map((all) => {
      const stream: Fields[] = [];
      for (const step of all) stream.push(following(of, stream, step));
      return stream;
    });
}

/** The age at which an event crosses some edge: time goes by in parts of that. */
export function paceOf(views: readonly View[]): fc.Arbitrary<number> {
  return fc.constantFrom(...edgesOf(views).filter((ageMs) => ageMs > 0));
}

/** A step of a stream at the pace of a window of this length. */
export function stepOf(of: Event, views: readonly View[], paceMs: number): fc.Arbitrary<Step> {
  return fc.record<Step>({
    fields: fieldsOf(of),
    near: fc.oneof(fc.constant(0), fc.nat(10)),
    deltaMs: deltaMs(edgesOf(views), paceMs),
    repeats: fc.oneof(
      { weight: 5, arbitrary: fc.constant<Step['repeats']>('nothing') },
      { weight: 1, arbitrary: fc.constantFrom<Step['repeats']>('all', 'values', 'time', 'id', 'malformed') },
    ),
  });
}

/** All fields but the event's own id and time. */
export function fieldsOf(of: Event): fc.Arbitrary<Fields> {
  const others = Object.entries(of.fields).filter(([name]) => name !== of.id && name !== of.time);
  const values = others.map(([name, { type, optional }]) => {
    const value = valueOfType[type];
    return [name, optional ? fc.oneof(value, value, fc.constantFrom(null, undefined)) : value];
  });
  const entities = { who: fc.constantFrom('a', 'a', '{b}%'), other: fc.constantFrom('m', 'm', '商店') };
  return fc.record({ ...Object.fromEntries(values), ...entities });
}

/** The ages at which an event changes something. */
export function edgesOf(views: readonly View[]): number[] {
  const windows = views.flatMap(({ features }) => features.map(({ aggregation }) => aggregation.window));
  return windows.flatMap((window) =>
    window.kind === 'lifetime' ? window.idleMs : [window.delayMs, window.delayMs + window.lengthMs],
  );
}

function deltaMs(edges: readonly number[], paceMs: number): fc.Arbitrary<number> {
  const atEdge = fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -1, max: 1 })).map(([edge, off]) => edge + off);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 0, 1, -1) },
    { weight: 8, arbitrary: fc.integer({ min: 0, max: Math.ceil(paceMs / 8) }) },
    { weight: 3, arbitrary: atEdge },
    { weight: 2, arbitrary: atEdge.map((ms) => -ms) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 * Math.max(...edges) }) },
  );
}

/**
 * The event that comes next in a stream. An id is given to an event of another time only while it is surely remembered: what
 * happens at the edge of memory has a test of its own.
 * @param now if given, at least the time of every event so far, which a step that is near nothing else starts from.
 */
export function following(of: Event, stream: readonly Fields[], step: Step, now?: number): Fields {
  const { fields, near, deltaMs, repeats } = step;
  const timeOf = (fields: Fields | undefined) => Number(fields?.[of.time] ?? beginning);
  const earlier = stream[stream.length - 1 - (near % Math.max(1, stream.length))];
  const time = (near === 0 ? (now ?? timeOf(earlier)) : timeOf(earlier)) + deltaMs;
  const newest = Math.max(time, now ?? time, ...stream.map(timeOf));
  const namesakes = stream.filter((other) => other[of.id] === earlier?.[of.id]);
  const remembered = namesakes.every((other) => timeOf(other) > newest - memoryMs);
  const fresh = { ...fields, [of.id]: `{${stream.length}}%`, [of.time]: time };
  const again: { readonly [K in Step['repeats']]: Fields } = {
    nothing: fresh,
    all: { ...earlier },
    values: {
      ...fields,
      who: earlier?.who,
      other: earlier?.other,
      [of.id]: earlier?.[of.id],
      [of.time]: timeOf(earlier),
    },
    time: { ...earlier, [of.time]: time },
    id: { ...fresh, [of.id]: earlier?.[of.id] },
    malformed: { ...fresh, [of.id]: '' },
  };
  return earlier && remembered ? again[repeats] : fresh;
}

/** One to three random views of one random event, with a stream for them. */
export const scenario = scenarioWith(viewOf);

/** A scenario in which no feature goes by arrival. */
export const scenarioWithoutLifetimes = scenarioWith((of) =>
  viewOf(of).filter(({ features }) => features.every(({ aggregation }) => aggregation.window.kind === 'sliding')),
);

function scenarioWith(anyView: (of: Event) => fc.Arbitrary<View>): fc.Arbitrary<Scenario> {
  return eventDefinition.chain((event) =>
    fc
      .array(anyView(event), { minLength: 1, maxLength: 3 })
      .filter((views) => new Set(views.map(({ name }) => name)).size === views.length)
      .chain((views) => streamOf(event, views).map((stream) => ({ event, views, stream }))),
  );
}

/** The same things in another order. */
export function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

/** How large the batches are in which a stream is sent, in turn. */
export const batchSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(40)), {
  minLength: 1,
  maxLength: 5,
});

/** The same things in the same order, cut into batches. */
export function cut<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length; at += batches.at(-1)?.length ?? 1) {
    batches.push(items.slice(at, at + (sizes[batches.length % sizes.length] ?? 1)));
  }
  return batches;
}

/** The first event of each id: a stream in which nothing is repeated. */
export function withoutRepeats(of: Event, stream: readonly Fields[]): Fields[] {
  return stream.filter((fields, place) => stream.findIndex((other) => other[of.id] === fields[of.id]) === place);
}
