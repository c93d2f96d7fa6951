import { type AggregatePlaces, layoutOf, tileFormat } from '../layout.ts';
import type { Lane, Plan } from '../plan.ts';
import { runsOf } from '../runs.ts';
import { block, entering, eventOf, isIn } from './aggregate.ts';
import type { LanePlaces } from './tile.ts';

/**
 * Lua by which a pass over one view's cells gathers them: in it `s` is the array that is gathered in. It gives each run
 *
 *   run.take(s, event…)    takes in a single
 *   run.take_tile(s, t)    takes in a tile as it is unpacked, whole
 */
export function foldsOf(plan: Plan): string {
  const { lanes } = tileFormat(layoutOf(plan).lanes);
  return block('do', [
    `local runs = views[${plan.index}].runs`,
    ...runsOf(plan).flatMap(({ lane, places }, i) => {
      const run = plan.lanes[lane] as Lane;
      return [
        block(`runs[${i + 1}].take = function(s, ${eventOf(plan)})`, [
          block(`if ${isIn(run)} then`, entering(places, run)),
        ]),
        block(`runs[${i + 1}].take_tile = function(s, t)`, enteringWhole(places, lanes[lane] as LanePlaces, run)),
      ];
    }),
  ]);
}

/** Takes all that a tile tells of a lane into an aggregate: as `grow` in lua/aggregate.lua. */
function enteringWhole(into: AggregatePlaces, of: LanePlaces, { column, trueMask }: Lane): string[] {
  const { n, sum, least, spread, trues } = into;
  const lines = [`local n = t[${of.n}]`, 'if n == 0 then return end', `local before = s[${n}]`, `s[${n}] = before + n`];
  if (column > 0 && spread) {
    lines.push(
      `local spread = t[${of.spread}]`,
      block('if before > 0 then', [
        `local distance = (t[${of.sum}] + t[${of.sum + 1}]) / n - (s[${sum}] + s[${sum + 1}]) / before`,
        `spread = spread + s[${spread}] + distance * distance * before * n / (before + n)`,
      ]),
      `s[${spread}] = spread`,
      `if spread > s[${spread + 1}] then s[${spread + 1}] = spread end`,
    );
  }
  if (column > 0 && sum) {
    lines.push(
      `local had, more = s[${sum}], t[${of.sum}]`,
      'local total = had + more',
      'local added = total - had',
      `s[${sum}], s[${sum + 1}] = total, s[${sum + 1}] + ((had - (total - added)) + (more - added)) + t[${of.sum + 1}]`,
      'if more < 0 then more = -more end',
      `if more > s[${sum + 2}] then s[${sum + 2}] = more end`,
    );
  }
  if (column > 0 && least) {
    lines.push(
      `if t[${of.least}] < s[${least}] then s[${least}] = t[${of.least}] end`,
      `if t[${of.least + 1}] > s[${least + 1}] then s[${least + 1}] = t[${of.least + 1}] end`,
    );
  }
  if (trues && trueMask) lines.push(`s[${trues}] = s[${trues}] + t[${of.trues}]`);
  return lines;
}
