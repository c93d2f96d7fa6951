import type { View } from '../define/index.ts';
import type { Certainty, PastVector, Vector } from './vector.ts';

/** Where a list's values stand among a vector's doubles. */
export interface ListPlace {
  /** Index of the newest. */
  readonly at: number;
  /** How many there may be. */
  readonly most: number;
}

/** The doubles of a view's vectors: one a feature, in the order of the view, then the values of each list. */
export interface VectorPlaces {
  readonly count: number;
  /** In the order of the view; null for a feature that is one number. In its own place, a list has how many it holds. */
  readonly lists: readonly (ListPlace | null)[];
}

const placesOfViews = new WeakMap<View, VectorPlaces>();

/** Where the values of a view's vectors stand. */
export function vectorPlaces(view: View): VectorPlaces {
  const known = placesOfViews.get(view);
  if (known) return known;
  let count = view.features.length;
  const lists = view.features.map(({ aggregation: { kind, n = 0 } }) => {
    if (kind !== 'lastN') return null;
    count += n;
    return { at: count - n, most: n };
  });
  const places = { count, lists };
  placesOfViews.set(view, places);
  return places;
}

/** As much of a vector as its values are read from. */
export type Folded = Pick<Vector, 'view' | 'values' | 'asOf'>;

/** What a feature is served as: NaN is null. */
export type Served = number | readonly number[];

/** Reads one feature of a vector as it is served. */
export type FeatureReader = (vector: Folded) => Served;

/**
 * How a feature's value is read from a vector, as readers are served it: a list is as long as it is, and of what is stored
 * as a moment, because that does not change while time goes by, it is the seconds since.
 * @param position of the feature in the view.
 */
export function featureReader(view: View, position: number): FeatureReader {
  const list = vectorPlaces(view).lists[position];
  if (list) return ({ values }) => [...values.subarray(list.at, list.at + (values[position] as number))];
  if (isSince(view, position)) return ({ values, asOf }) => (asOf - (values[position] as number)) / 1_000;
  return ({ values }) => values[position] as number;
}

/** Whether a feature is served as the one number that is stored of it. */
export function isServedAsStored(view: View, position: number): boolean {
  return !vectorPlaces(view).lists[position] && !isSince(view, position);
}

/** Whether a view tells how long ago something was, which is another figure at each moment. */
export function tellsAge(view: View): boolean {
  return view.features.some((_, position) => isSince(view, position));
}

const readersOfViews = new WeakMap<View, readonly FeatureReader[]>();

/** All features of a vector as they are served, in the order of the view. */
export function servedValues(vector: Folded): Served[] {
  const { view } = vector;
  const readers = readersOfViews.get(view) ?? view.features.map((_, position) => featureReader(view, position));
  readersOfViews.set(view, readers);
  return readers.map((read) => read(vector));
}

/** How sure a feature's served value is; of a list, the bounds are of how many it should hold. */
export function servedCertainty({ view, asOf, certainties }: PastVector, position: number): Certainty {
  const certainty = certainties[position] as Certainty;
  if (!isSince(view, position)) return certainty;
  const { method, lower, upper } = certainty;
  return { method, lower: (asOf - upper) / 1_000, upper: (asOf - lower) / 1_000 };
}

function isSince(view: View, position: number): boolean {
  return view.features[position]?.aggregation.kind === 'timeSinceLast';
}
