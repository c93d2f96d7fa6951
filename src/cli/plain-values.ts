import type { AggregationKind, FieldType, View } from '../define/index.ts';
import type { Served } from '../engine/index.ts';

type PlainOne = number | string | boolean;

/** A value as people and files have it: null if there is none, a time in ISO 8601, a boolean, a list of these. */
export type PlainValue = PlainOne | null | readonly PlainOne[];

/** @param position of the feature in the view. */
export function plainValue(view: View, position: number, served: Served): PlainValue {
  const type = typeOf(view, position);
  if (typeof served !== 'number') return served.map((one) => plainOne(one, type));
  return Number.isNaN(served) ? null : plainOne(served, type);
}

/** A bound of a feature's value; of a list, it is of how many values that should hold. */
export function plainBound(view: View, position: number, bound: number): PlainOne | null {
  if (!Number.isFinite(bound)) return null;
  return view.features[position]?.aggregation.kind === 'lastN' ? bound : plainOne(bound, typeOf(view, position));
}

/** The aggregations that are served as what an event said, of its type. */
const valuesOfEvents: ReadonlySet<AggregationKind> = new Set(['first', 'last', 'lastN']);

function typeOf(view: View, position: number): FieldType | undefined {
  const { kind, field = '' } = view.features[position]?.aggregation ?? {};
  return kind && valuesOfEvents.has(kind) ? view.event.fields[field]?.type : 'number';
}

function plainOne(value: number, type: FieldType | undefined): PlainOne {
  if (type === 'time') return new Date(value).toISOString();
  return type === 'boolean' ? value === 1 : value;
}
