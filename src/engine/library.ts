import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { View } from '../define/index.ts';
import type { LabelPlan } from './label-plan.ts';
import {
  type AggregatePlaces,
  bytesReadFirst,
  headerPlaces,
  layoutHash,
  layoutOf,
  markBytes,
  singleFormat,
  stratumMs,
  tileFormat,
} from './layout.ts';
import { outcomes } from './lua-text/aggregate.ts';
import { appendOf } from './lua-text/append.ts';
import { foldsOf } from './lua-text/fold.ts';
import { compactingInPlace, inPlaceOf } from './lua-text/in-place.ts';
import { tilesOf } from './lua-text/tile.ts';
import { unroll } from './lua-text/unroll.ts';
import { duplicateHorizonMs, type Plan, planView, type SeenSet } from './plan.ts';
import { luaTables } from './rehearsal/native-tables.ts';
import { runsOf } from './runs.ts';

/** What all functions are made of; each part builds on those before it. */
const sharedParts = [
  'call',
  'header',
  'link',
  'cells',
  'aggregate',
  'edges',
  'tables',
  'ids',
  'seen',
  'strata',
  'seen-table',
  'leaving',
  'table-sightings',
  'sightings',
  'ordered',
  'fold',
  'corrections',
  'store',
  'here',
  'compact',
  'insert',
  'append',
];

/** The functions, each with what is its own: a block, since a chunk of Lua has room for 200 names at a time. */
const functionParts = [
  ['record', 'undo', 'correct', 'label', 'retract', 'preview', 'upgrade', 'fill'],
  ['read'],
  ['bounds', 'past', 'inspect'],
  ['forget'],
  ['enrol'],
];

/** The engine's text: one Lua chunk, of which `unrolled` is what was written for each view. */
function engineText(unrolled: readonly string[]): string {
  const functions = functionParts.map((parts) => `do\n${textOf(parts)}\nend`);
  return withNumbersForNames([textOf(sharedParts), outcomes(), ...unrolled, ...functions].join('\n'));
}

function textOf(parts: readonly string[]): string {
  return parts
    .map((part) => asOneThing(readFileSync(new URL(`./lua/${part}.lua`, import.meta.url), 'utf8')))
    .join('\n');
}

/**
 * Of a part that ends by returning some names, the others are its own. (It may refer to 60 names of parts before it.) One that
 * registers a function and returns none keeps all to itself.
 */
function asOneThing(text: string): string {
  const names = /^return ([\w,\s]+)$/m.exec(text)?.[1]?.trim();
  if (names) return `local ${names} = (function()\n${text}end)()\n`;
  return /^(redis\.)?register_/m.test(text) ? `do\n${text}end\n` : text;
}

/**
 * Puts the numbers where their names stand: they cost nothing to look up then, and take none of the room for names.
 */
function withNumbersForNames(text: string): string {
  const numbers = new Map<string, string>();
  const put = (line: string) => line.replace(/\b[A-Z][A-Z_]+\b/g, (name) => numbers.get(name) ?? name);
  return text.replace(/^local ([A-Z_, ]+) = ([-\d.e*^ ,A-Z_]+?)( --.*)?$|^[^\n]+$/gm, (line, names, values) => {
    if (!names) return put(line);
    for (const [i, name] of names.split(', ').entries()) numbers.set(name, `(${put(values.split(', ')[i])})`);
    return '';
  });
}

/** A Valkey function library, and what its functions are called. */
export interface Library {
  /** Carries a hash of the text, so that two deployed versions live side by side. */
  readonly name: string;
  readonly code: string;
  readonly functions: {
    readonly [F in
      | 'record'
      | 'read'
      | 'past'
      | 'inspect'
      | 'label'
      | 'retract'
      | 'forget'
      | 'preview'
      | 'upgrade'
      | 'fill'
      | 'enrol']: string;
  };
}

/** Writes the library that serves these plans: a generated table of them, then the hand-written engine. */
export function writeLibrary(plans: readonly Plan[]): Library {
  const body = `local views = ${lua(plans.map(tableOf))}\n${engineText(plans.flatMap(writtenOut))}`;
  const version = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const name = `freshet_${version}`;
  return {
    name,
    code: `#!lua name=${name}\nlocal version = '${version}'\n${body}`,
    functions: {
      record: `freshet_record_${version}`,
      read: `freshet_read_${version}`,
      past: `freshet_past_${version}`,
      inspect: `freshet_inspect_${version}`,
      label: `freshet_label_${version}`,
      retract: `freshet_retract_${version}`,
      forget: `freshet_forget_${version}`,
      preview: `freshet_preview_${version}`,
      upgrade: `freshet_upgrade_${version}`,
      fill: `freshet_fill_${version}`,
      enrol: `freshet_enrol_${version}`,
    },
  };
}

/** The name of the library that serves these views, in this order. */
export function libraryNameOf(views: readonly View[]): string {
  return writeLibrary(views.map((view, place) => planView(view, place))).name;
}

/** The part of the library's text that `record` is made of, which also runs in this process (see rehearsal/), and what only does here. */
export function writeRecord(plans: readonly Plan[]): { readonly code: string; readonly name: string } {
  const inPlace = plans.map((plan) => inPlaceOf(plan, headerPlaces(plan)));
  const text = [
    ...sharedParts.map((part) => (part === 'tables' ? luaTables : textOf([part]))),
    outcomes(),
    ...plans.flatMap(writtenOut),
    textOf(['record']),
    ...inPlace,
    compactingInPlace,
    openingCalls,
  ].join('\n');
  return {
    code: `local version = ''\nlocal views = ${lua(plans.map(tableOf))}\n${withNumbersForNames(text)}`,
    name: 'freshet_record_',
  };
}

const openingCalls = "redis.register_function('open_call', open_call)";

/** What is written out for a plan. */
function writtenOut(plan: Plan): string[] {
  const header = headerPlaces(plan);
  return [unroll(plan, header), tilesOf(plan), foldsOf(plan), appendOf(plan, header)];
}

/** A plan as the engine reads it (see lua/link.lua): lengths in ms, indexes and places from 1; what is not there is 0. */
function tableOf(plan: Plan) {
  const layout = layoutOf(plan);
  const header = headerPlaces(plan);
  const tile = tileFormat(layout.lanes);
  const single = singleFormat(layout);
  const headerBytes = 8 + 8 * header.doubles;
  const marks = markBytes(layout);
  const runs = runsOf(plan);
  return {
    index: plan.index,
    vector: plan.vectorDoubles,
    fewest_singles: plan.fewestSingles,
    tells_age: plan.features.some(({ kind }) => kind === 'timeSinceLast'),
    stem: plan.stem,
    layout: layoutHash(layout),
    span: plan.spanMs,
    keep: plan.keepMs,
    horizon: duplicateHorizonMs,
    column_count: plan.columns.length,
    distinct_fields: plan.distinctFields.length,
    columns_format: `<${doubles(plan.columns.length)}`,
    header_format: `<${doubles(header.doubles)}`,
    header_bytes: headerBytes,
    doubles: header.doubles,
    book: header.book,
    reading: bytesReadFirst(plan),
    mark_bytes: marks,
    slot_bytes: marks + single.bytes,
    single_format: `<${single.numbers}`,
    single_bytes: single.bytes,
    tile_format: `<${tile.format}`,
    tile_bytes: tile.bytes,
    tile_fields: tile.fields,
    features: plan.features.map(({ kind, group, scan, list, seconds }, feature) => ({
      op: kind,
      field: plan.view.features[feature]?.hashField ?? '',
      group: group + 1,
      lane: scan ? scan.lane + 1 : 0,
      begins: scan ? edgeAt(plan, scan.delayMs) : 0,
      ends: scan ? edgeAt(plan, scan.endMs) : 0,
      ...(list && { list: list.at + 1, most: list.most }),
      ...(seconds > 0 && { seconds }),
    })),
    lists: plan.features.flatMap(({ list }, feature) => (list ? [feature + 1] : [])),
    lanes: plan.lanes.map(({ mask, column, trueMask }, lane) => {
      const { newestAt, oldestAt, ...places } = tile.lanes[lane] as (typeof tile.lanes)[number];
      return { mask, column, true_mask: trueMask, tile: { ...places, newest_at: newestAt, oldest_at: oldestAt } };
    }),
    runs: runs.map(({ lane, places }) => ({ lane: lane + 1, ...places })),
    groups: plan.groups.map((group, i) => ({
      lane: group.lane + 1,
      run: runs.findIndex(({ lane, delayMs }) => lane === group.lane && delayMs === group.delayMs) + 1,
      begins: edgeAt(plan, group.delayMs),
      ends: edgeAt(plan, group.endMs),
      ...(header.groups[i] as AggregatePlaces),
    })),
    edges: plan.edges.map(({ ageMs, enter, leave, scans }, i) => ({
      age: ageMs,
      at: header.edges[i] as number,
      enter: enter.map(fromOne),
      leave: leave.map(fromOne),
      scans: scans.map(fromOne),
      begin: runs.flatMap(({ delayMs }, run) => (delayMs === ageMs ? [run + 1] : [])),
    })),
    grid: plan.grid.map(({ fromAgeMs, sizeMs }) => ({ age: fromAgeMs, size: sizeMs })),
    lifetimes: plan.lifetimes.map((lifetime, i) => ({
      at: header.lifetimes[i] as number,
      lane: lifetime.lane + 1,
      idle: lifetime.idleMs,
      features: lifetime.features.map(fromOne),
    })),
    label: plan.label ? labelTable(plan.label) : 0,
    seen: plan.seen.map((set, i) => ({
      at: header.seen[i]?.at ?? 0,
      name: set.name,
      field: set.field + 1,
      value_at: single.bytes - 8 * (plan.distinctFields.length - set.field) + 1,
      mask: set.mask,
      kept: longestOf(set) + plan.view.historyMs,
      windows: set.windows.map(({ feature, lengthMs }, window) => ({
        at: header.seen[i]?.windows[window] ?? 0,
        feature: feature + 1,
        length: lengthMs,
        edge: edgeAt(plan, lengthMs),
        held: header.held[i]?.[window] ?? 0,
        kept: lengthMs + plan.view.historyMs,
        stratum: stratumMs(lengthMs),
      })),
    })),
  };
}

const longestOf = ({ windows }: SeenSet) => windows.at(-1)?.lengthMs ?? 0;

function labelTable({ trueMask, knownMask, column, filters, tellsFalse }: LabelPlan) {
  return {
    true_mask: trueMask,
    known_mask: knownMask,
    column,
    tells_false: tellsFalse,
    filters: filters.map(({ mask, restMask, holds }) => ({ mask, rest: restMask, holds })),
  };
}

const fromOne = (index: number) => index + 1;

/** The edge at an age; 0: it is now. */
function edgeAt(plan: Plan, ageMs: number): number {
  return plan.edges.findIndex((edge) => edge.ageMs === ageMs) + 1;
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
