import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Plan } from './plan.ts';

/** The engine's text: one Lua chunk, whose parts build on those before them. */
const engineText = ['call', 'log', 'fold', 'store', 'record', 'read', 'upgrade', 'enrol']
  .map((part) => readFileSync(new URL(`./lua/${part}.lua`, import.meta.url), 'utf8'))
  .join('\n');

/** A Valkey function library, and what its functions are called. */
export interface Library {
  /** Carries a hash of the text, so that two deployed versions live side by side. */
  readonly name: string;
  readonly code: string;
  readonly functions: { readonly [F in 'record' | 'read' | 'upgrade' | 'enrol']: string };
}

/** Writes the library that serves these plans: a generated table of them, then the hand-written engine. */
export function writeLibrary(plans: readonly Plan[]): Library {
  const body = `local views = ${lua(plans.map(tableOf))}\n${engineText}`;
  const version = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const name = `freshet_${version}`;
  return {
    name,
    code: `#!lua name=${name}\nlocal version = '${version}'\n${body}`,
    functions: {
      record: `freshet_record_${version}`,
      read: `freshet_read_${version}`,
      upgrade: `freshet_upgrade_${version}`,
      enrol: `freshet_enrol_${version}`,
    },
  };
}

/** A plan as the engine reads it: lengths in ms, indexes from 1. */
function tableOf(plan: Plan) {
  const fromOne = (index: number) => index + 1;
  const distinctBytes = 8 * plan.distinctFields.length;
  const lane = (item: Plan['lanes'][number]) => ({
    mask: item.mask,
    column: item.column,
    true_mask: item.trueMask,
    sums: item.sums,
    extremes: item.extremes,
    spread: item.spread,
  });
  return {
    index: plan.index,
    stem: plan.stem,
    layout: plan.layoutHash,
    span: plan.spanMs,
    keep: plan.keepMs,
    column_count: plan.columns.length,
    distinct_fields: plan.distinctFields.length,
    columns_format: `<${doubles(plan.columns.length)}`,
    vector_format: `<${doubles(plan.features.length)}`,
    chunk_format: `d${'x'.repeat(8)}I4${doubles(plan.columns.length)}`,
    cell_bytes: 20 + 8 * plan.columns.length,
    row_bytes: 24 + 8 * plan.columns.length + distinctBytes,
    features: plan.features.map(({ kind, lane }, feature) => ({
      op: kind,
      lane: lane + 1,
      field: plan.view.features[feature]?.hashField ?? '',
    })),
    edges: plan.edges.map(({ ageMs, enter, leave }) => ({
      age: ageMs,
      enter: enter.map(fromOne),
      leave: leave.map(fromOne),
    })),
    lanes: plan.lanes.map(lane),
    lifetimes: plan.lifetimes.map((lifetime) => ({
      ...lane(lifetime),
      idle: lifetime.idleMs,
      features: lifetime.features.map(fromOne),
    })),
    seen: plan.seen.map((set) => ({
      name: set.name,
      field: set.field + 1,
      present: 2 ** set.field,
      mask: set.mask,
      longest: set.windows.at(-1)?.lengthMs ?? 0,
      windows: set.windows.map(({ feature, lengthMs }) => ({ feature: feature + 1, length: lengthMs })),
    })),
  };
}

/** The format with which Lua's struct packs this many doubles. */
function doubles(count: number): string {
  return 'd'.repeat(count);
}

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** Writes plain values as a Lua expression. Names hold no quote or backslash: definitions refuse them. */
function lua(value: Value): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `{${value.map(lua).join(',')}}`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}=${lua(item as Value)}`)
    .join(',')}}`;
}
