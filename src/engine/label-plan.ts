import type { Event, View, Where } from '../define/index.ts';
import { compileWhere } from '../define/index.ts';
import type { FlagTest } from './flag.ts';

/** What of a view depends on its event's label, which may come or change when the event is recorded already. */
export interface LabelPlan {
  readonly field: string;
  /** Flag bits: the label is true; there is one at all. */
  readonly trueMask: number;
  readonly knownMask: number;
  /** Of the label among the columns, from 1; 0: it is none. */
  readonly column: number;
  readonly filters: readonly LabelFilter[];
  /** Whether one that is false is something else than none. */
  readonly tellsFalse: boolean;
}

/** A filter of which the label decides. */
export interface LabelFilter {
  readonly mask: number;
  /** Flag bit of what else the filter asks for; 0: nothing. */
  readonly restMask: number;
  /** Whether the label lets an event pass that has none, one that is false, and one that is true. */
  readonly holds: readonly [boolean, boolean, boolean];
}

/** The field of an event that is its label, if it has one. */
export function labelOf(event: Event): string | undefined {
  return Object.keys(event.fields).find((name) => event.fields[name]?.label);
}

/** Whether anything of a view depends on its event's label. */
export function usesLabel(view: View): boolean {
  const label = labelOf(view.event);
  return view.features.some(
    ({ aggregation: { field, where } }) => label !== undefined && (field === label || where?.[label] !== undefined),
  );
}

/**
 * Plans what a label changes. Null where nothing of the view depends on one.
 * @param flags those of the view so far.
 * @param maskOf takes a further flag in, or finds the one that is there, and returns its bit.
 */
export function planLabel(
  view: View,
  columns: readonly string[],
  flags: readonly FlagTest[],
  maskOf: (flag: FlagTest) => number,
): LabelPlan | null {
  const field = labelOf(view.event);
  if (field === undefined || !usesLabel(view)) return null;
  const column = columns.indexOf(field) + 1;
  const filters = flags.flatMap((flag): LabelFilter[] => {
    const condition = flag.test === 'where' && flag.where[field];
    if (!condition) return [];
    const { [field]: _, ...rest } = flag.where;
    const passes = compileWhere({ [field]: condition } as Where);
    return [
      {
        mask: maskOf(flag),
        restMask: Object.keys(rest).length > 0 ? maskOf({ test: 'where', where: rest }) : 0,
        holds: [passes({}), passes({ [field]: false }), passes({ [field]: true })],
      },
    ];
  });
  return {
    field,
    trueMask: maskOf({ test: 'true', field }),
    knownMask: maskOf({ test: 'known', field }),
    column,
    filters,
    tellsFalse: column > 0 || filters.some(({ holds: [none, whenFalse] }) => none !== whenFalse),
  };
}
