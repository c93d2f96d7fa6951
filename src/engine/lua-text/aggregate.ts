import type { AggregatePlaces, HeaderPlaces } from '../layout.ts';
import type { Group, Lane, Plan } from '../plan.ts';

/**
 * Lua text that takes an event into an aggregate, or out of one. In it an event is `time`, `id`, `flags` and `c1`, `c2`, … (its
 * columns), and `s[12]` is the twelfth double of the header. Constants have the names that lua/ gives them.
 */

/** `head` … `end`, the lines between indented. */
export function block(head: string, lines: readonly string[]): string {
  return [head, ...lines.map((line) => line.replace(/^/gm, '  ')), 'end'].join('\n');
}

export const columnName = (column: number) => `c${column}`;

/** An event's parameters, or its variables. */
export function eventOf(plan: Plan): string {
  return ['time', 'id', 'flags', ...plan.columns.map((_, i) => columnName(i + 1))].join(', ');
}

/** Whether the event is in a lane. What was retracted is in none. */
export function isIn({ mask, column }: Lane): string {
  const tests = [];
  if (mask !== 0) tests.push(hasFlag(mask));
  else if (column <= 0) tests.push('(flags < RETRACTED or band(flags, RETRACTED) == 0)');
  if (column > 0) tests.push(`${columnName(column)} == ${columnName(column)}`);
  return tests.join(' and ');
}

export const hasFlag = (mask: number) => `flags ~= 0 and band(flags, ${mask}) ~= 0`;

/** The value that the event has in a lane that tells of one. */
export const valueIn = ({ column }: Lane) => (column > 0 ? columnName(column) : 'time');

/** Takes the event into an aggregate: as `grow` in lua/aggregate.lua. */
export function entering({ n, sum, least, spread, trues }: AggregatePlaces, { column, trueMask }: Lane): string[] {
  const lines = [`local n = s[${n}]`, `s[${n}] = n + 1`];
  const value = columnName(column);
  if (column > 0 && spread) {
    lines.push(
      block('if n > 0 then', [
        `local distance = ${value} - (s[${sum}] + s[${sum + 1}]) / n`,
        `local spread = s[${spread}] + distance * distance * n / (n + 1)`,
        `s[${spread}] = spread`,
        `if spread > s[${spread + 1}] then s[${spread + 1}] = spread end`,
      ]),
    );
  }
  if (column > 0 && sum) {
    lines.push(
      `local had = s[${sum}]`,
      `local total = had + ${value}`,
      'local added = total - had',
      `s[${sum}], s[${sum + 1}] = total, s[${sum + 1}] + ((had - (total - added)) + (${value} - added))`,
      `local size = ${value} < 0 and -${value} or ${value}`,
      `if size > s[${sum + 2}] then s[${sum + 2}] = size end`,
    );
  }
  if (column > 0 && least) {
    lines.push(
      `if ${value} < s[${least}] then s[${least}] = ${value} end`,
      `if ${value} > s[${least + 1}] then s[${least + 1}] = ${value} end`,
    );
  }
  if (trues && trueMask) lines.push(`if ${hasFlag(trueMask)} then s[${trues}] = s[${trues}] + 1 end`);
  return lines;
}

/** What is done about a group that an event leaves, where taking it out is not enough. */
export interface Doubts {
  /** Digits were lost: all is to be folded anew. */
  readonly refold: string;
  /** An extreme may have left with the event. */
  readonly unsure: (group: number) => string;
}

/** Takes the event out of a group: as `shrink` in lua/aggregate.lua. */
function leaving(places: AggregatePlaces, { column, trueMask }: Lane, group: number, doubts: Doubts): string[] {
  const { n, sum, least, spread, trues } = places;
  const value = columnName(column);
  const lines = [`s[${n}] = n`];
  if (sum) {
    lines.push(
      `local had = s[${sum}]`,
      `local total = had - ${value}`,
      'local added = total - had',
      `local rest = s[${sum + 1}] + ((had - (total - added)) + (-${value} - added))`,
      `s[${sum}], s[${sum + 1}] = total, rest`,
      'local size = total + rest',
      'if size < 0 then size = -size end',
      `if size < s[${sum + 2}] * ENOUGH then ${doubts.refold} end`,
    );
  }
  if (spread) {
    lines.push(
      'local mean = (total + rest) / n',
      `local distance = ${value} - mean`,
      `local left, ever = s[${spread}] - distance * distance * n / (n + 1), s[${spread + 1}]`,
      `s[${spread}] = left`,
      `if left < ever * STEADY and ever > n * (1e-13 * mean) ^ 2 then ${doubts.refold} end`,
    );
  }
  if (least) {
    lines.push(`if ${value} <= s[${least}] or ${value} >= s[${least + 1}] then ${doubts.unsure(group)} end`);
  }
  if (trues && trueMask) lines.push(`if ${hasFlag(trueMask)} then s[${trues}] = s[${trues}] - 1 end`);
  return [`local n = s[${n}] - 1`, 'if n <= 0 then', ...cleared(places), 'else', ...lines, 'end'];
}

/** As `clear_group` in lua/header.lua. */
function cleared({ n, sum, least, spread, trues }: AggregatePlaces): string[] {
  return [
    `s[${n}] = 0`,
    ...(sum ? [`s[${sum}], s[${sum + 1}], s[${sum + 2}] = 0, 0, 0`] : []),
    ...(least ? [`s[${least}], s[${least + 1}] = INFINITE, -INFINITE`] : []),
    ...(spread ? [`s[${spread}], s[${spread + 1}] = 0, 0`] : []),
    ...(trues ? [`s[${trues}] = 0`] : []),
  ];
}

/** What an event does to groups (by their indexes) that it enters or leaves. */
export function crossing({ lanes, groups }: Plan, header: HeaderPlaces, doubts: Doubts) {
  const places = (group: number) => header.groups[group] as AggregatePlaces;
  const laneOf = (group: number) => (groups[group] as Group).lane;
  const throughLanes = (indexes: readonly number[], of: (group: number, lane: Lane) => string[]) =>
    [...Map.groupBy(indexes, laneOf)].map(([index, its]) => {
      const lane = lanes[index] as Lane;
      return block(
        `if ${isIn(lane)} then`,
        its.map((group) => block('do', of(group, lane))),
      );
    });
  return {
    enter: (indexes: readonly number[]) => throughLanes(indexes, (i, lane) => entering(places(i), lane)),
    leave: (indexes: readonly number[]) => throughLanes(indexes, (i, lane) => leaving(places(i), lane, i, doubts)),
  };
}

/** Expressions for what an aggregate holds. */
interface Figures {
  readonly n: string;
  readonly sum: string;
  readonly least: string;
  readonly most: string;
  readonly spread: string;
  readonly trues: string;
}

/** What an aggregate says of a feature. `seconds`: how long its window is. */
const formulas: { readonly [kind: string]: (figures: Figures, seconds: string) => string } = {
  count: ({ n }) => n,
  rate: ({ n }, seconds) => `${n} / ${seconds}`,
  sum: ({ sum }) => `${sum} + 0`,
  avg: ({ n, sum }) => `${n} > 0 and (${sum}) / ${n} or NULL`,
  min: ({ n, least }) => `${n} > 0 and ${least} or NULL`,
  max: ({ n, most }) => `${n} > 0 and ${most} or NULL`,
  stddev: ({ n, spread }) => `${n} > 0 and deviation(${spread}, ${n}) or NULL`,
  share: ({ n, trues }) => `${n} > 0 and ${trues} / ${n} or NULL`,
};

/** What the aggregate at these places says of a feature; null where no aggregate says it. */
export function said(kind: string, { n, sum, least, spread, trues }: AggregatePlaces, seconds: number): string | null {
  const figures = {
    n: `s[${n}]`,
    sum: `s[${sum}] + s[${sum + 1}]`,
    least: `s[${least}]`,
    most: `s[${least + 1}]`,
    spread: `s[${spread}]`,
    trues: `s[${trues}]`,
  };
  return formulas[kind]?.(figures, String(seconds)) ?? null;
}

/** The same of any aggregate: the functions of `outcome` in lua/aggregate.lua. */
export function outcomes(): string {
  const figures = {
    n: 's[group.n]',
    sum: 's[group.sum] + s[group.sum + 1]',
    least: 's[group.least]',
    most: 's[group.least + 1]',
    spread: 's[group.spread]',
    trues: 's[group.trues]',
  };
  return Object.entries(formulas)
    .map(
      ([kind, formula]) =>
        `function outcome.${kind}(s, group, feature) return ${formula(figures, 'feature.seconds')} end`,
    )
    .join('\n');
}
