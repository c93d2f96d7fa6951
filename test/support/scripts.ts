/** Random scripts: what can happen to a few entities, in any order, with what is told of each event spelt out. */

import fc from 'fast-check';
import type { Event, View } from '../../src/define/index.ts';
import { eventDefinition, telling, viewOf } from './arbitraries.ts';
import { draft, spelledOut } from './drafts.ts';
import type { Fields } from './oracle.ts';
import { printed } from './script-text.ts';
import { edgesOf, paceOf } from './streams.ts';

/** What happens next. Times are those of the script, which begins long ago. */
export type Turn =
  | { readonly does: 'record'; readonly batch: readonly Fields[] }
  | { readonly does: 'preview'; readonly fields: Fields }
  | { readonly does: 'label'; readonly fields: Fields }
  | { readonly does: 'retract'; readonly fields: Fields; readonly fault: Fault }
  | { readonly does: 'forget'; readonly id: string }
  /** Time alone goes by, for every entity. */
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'restart'; readonly limits: Limits; readonly after: 'end' | 'flush' | 'reload' };

/** What a retraction tells otherwise than it was. */
export type Fault = 'nothing' | 'id' | 'time' | 'number' | 'entity';

/** What a log may keep as it is, for how long a call may work, and whether it is rehearsed in the API's process. */
export interface Limits {
  readonly singles: number;
  readonly values: number;
  readonly microsPerCall: number;
  readonly rehearses: boolean;
}

export interface Script {
  readonly event: Event;
  readonly views: readonly View[];
  /** What the engine begins with. */
  readonly limits: Limits;
  readonly turns: readonly Turn[];
  /** How far back to look after each turn. */
  readonly backMs: readonly number[];
  /** Fields whose values, and so the hashes of these, are of this script alone. */
  readonly ownFields: readonly string[];
}

const mostDrafts = 24;

/** So much is kept that nothing is ever put together, nor sampled. */
export const roomForAll: fc.Arbitrary<Limits> = fc.record({
  singles: fc.constantFrom(500, 1_000),
  values: fc.constantFrom(500, 3_072),
  microsPerCall: fc.constantFrom(0, 100, 3_000),
  rehearses: fc.boolean(),
});

/** So little is kept that most is put together, and sampled. */
export const roomForFew: fc.Arbitrary<Limits> = fc.record({
  singles: fc.constantFrom(1, 2, 3, 5, 8, 128),
  values: fc.constantFrom(2, 4, 3_072),
  microsPerCall: fc.constantFrom(0, 3_000),
  rehearses: fc.boolean(),
});

/** Scripts for up to so many views of one event, and for engines with such room. */
export function scriptFor(mostViews: number, room: fc.Arbitrary<Limits>): fc.Arbitrary<Script> {
  return eventDefinition.chain((event) =>
    fc
      .array(viewOf(event, telling(event)), { minLength: 1, maxLength: mostViews })
      .filter((views) => new Set(views.map(({ name }) => name)).size === views.length)
      .chain((views) => paceOf(views).chain((paceMs) => scriptAt(paceMs, event, views, room))),
  );
}

function scriptAt(paceMs: number, event: Event, views: readonly View[], room: fc.Arbitrary<Limits>) {
  const drafts = fc.array(draft(event, views, paceMs, room), { minLength: 1, maxLength: mostDrafts, size: 'max' });
  const backMs = fc.array(fc.oneof(fc.nat(paceMs), fc.nat(2 * Math.max(...edgesOf(views)))), { maxLength: 3 });
  return fc.record({ limits: room, drafts, backMs, own: fc.nat() }).map(({ limits, drafts, backMs, own }): Script => {
    const ownFields = ownFieldsOf(event, views);
    const turns = spelledOut(event, drafts, (fields, place) => owned(ownFields, own, place, fields));
    const script = { event, views, limits, turns: turns.map((one) => renamed(event, own, one)), backMs, ownFields };
    return Object.assign(script, { [fc.toStringMethod]: () => printed(script) });
  });
}

/** A turn with ids of events that are of this script alone. */
function renamed(of: Event, own: number, turn: Turn): Turn {
  const rename = (fields: Fields) =>
    fields[of.id] === '' ? fields : { ...fields, [of.id]: `${fields[of.id]} ${own}` };
  if (turn.does === 'record') return { ...turn, batch: turn.batch.map(rename) };
  return 'fields' in turn ? { ...turn, fields: rename(turn.fields) } : turn;
}

/** Fields that hold an id which is no entity's, and by which nothing is filtered. */
function ownFieldsOf(of: Event, views: readonly View[]): string[] {
  const aggregations = views.flatMap(({ features }) => features.map(({ aggregation }) => aggregation));
  const filtered = aggregations.flatMap(({ where = {} }) => Object.keys(where));
  const ids = Object.keys(of.fields).filter((name) => of.fields[name]?.type === 'id');
  return ids.filter((name) => !['who', 'other', ...filtered].includes(name));
}

/** With values that no other script has in these fields; and more of them than there are to choose from. */
function owned(names: readonly string[], own: number, place: number, fields: Fields): Fields {
  const values = names.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' ? [[name, `${[...value].slice(0, 9).join('')} ${own + (place % 3)}`]] : [];
  });
  return { ...fields, ...Object.fromEntries(values) };
}
