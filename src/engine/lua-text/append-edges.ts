import type { HeaderPlaces } from '../layout.ts';
import type { Edge, Lane, Plan } from '../plan.ts';
import { block, columnName, crossing, type Doubts, isIn, valueIn } from './aggregate.ts';
import { bookOf, markBytesOf, windowsOf } from './places.ts';

/** Where more cells than this pass one edge, the loops let them pass. */
const mostPassing = 16;

/** The event enters the windows, and edges move on past what has come of age: a part of append.ts. */
export function passing(plan: Plan, header: HeaderPlaces): string[] {
  const { groups, edges } = plan;
  const unsure = groups.flatMap(({ extremes }, i) => (extremes ? [`unsure_${i + 1}`] : []));
  const { passed } = bookOf(header);
  return [
    ...crossing(plan, header, doubts).enter(groups.flatMap(({ delayMs }, i) => (delayMs === 0 ? [i] : []))),
    ...(unsure.length > 0 ? [`local ${unsure.join(', ')}`] : []),
    // `at_hand` is the number of the single that was read last: mostly, several edges let the same one pass.
    `local scanned, at_hand, passed, its_id, ${its(['time', 'flags', ...columnsOf(plan)])} = false, -1, 0`,
    ...edges.map((edge, e) => passingEdge(plan, header, edge, header.edges[e] as number)),
    `${passed} = ${passed} + passed`,
    ...searching(plan, header),
  ];
}

const doubts: Doubts = { refold: 'return nil, raw', unsure: (group) => `unsure_${group + 1} = true` };
const columnsOf = (plan: Plan) => plan.columns.map((_, i) => columnName(i + 1));
const its = (names: readonly string[]) => names.map((name) => `its_${name}`).join(', ');

/** Singles pass the edge that stands at `at` in the header, up to one that has not come of age. */
function passingEdge(plan: Plan, header: HeaderPlaces, edge: Edge, at: number): string {
  const { ageMs, leave: left, enter: entered, scans } = edge;
  const { enter, leave } = crossing(plan, header, doubts);
  const [position, next] = [`s[${at}]`, `s[${at + 1}]`];
  const event = ['time', 'flags', ...columnsOf(plan)];
  return [
    `if now >= ${next} then`,
    `  local position, limit = ${position}, now - ${ageMs}`,
    ...(scans.length > 0 ? ['  scanned = true'] : []),
    ...block('while true do', [
      `if position == number then ${next} = time + ${ageMs} break end`,
      block('if position ~= at_hand then', [
        'local text, at = stored_at(key, raw, singles_at + view.single_bytes * position, view.single_bytes)',
        `its_time, its_id, ${its(['flags', ...columnsOf(plan)])} = struct.unpack(view.single_format, text, at)`,
        'at_hand = position',
      ]),
      `if its_time > limit then ${next} = its_time + ${ageMs} break end`,
      block('do', [`local ${event.join(', ')} = ${its(event)}`, ...leave(left), ...enter(entered)]),
      ...uncounting(plan, header, ageMs),
      'position, passed = position + 1, passed + 1',
      `if passed > ${mostPassing} then return nil, raw end`,
    ])
      .split('\n')
      .map((line) => `  ${line}`),
    `  ${position} = position`,
    `elseif ${position} == number then ${next} = time + ${ageMs} end`,
  ].join('\n');
}

/** Windows of this length no longer count the values that the single shows for the last time. */
function uncounting(plan: Plan, header: HeaderPlaces, ageMs: number): string[] {
  return plan.seen.flatMap((_, i) =>
    windowsOf(plan, header, i)
      .filter(({ lengthMs }) => lengthMs === ageMs)
      .map(({ held }) => {
        const at = `marks_at + ${markBytesOf(plan)} * position + ${4 * (i + 1)}`;
        return `if position ~= last_${i + 1} and sub(raw, ${at}, ${at} + 3) ~= NO_MARK then ${held} = ${held} - 1 end`;
      }),
  );
}

/** Extremes that may have left are looked for again. */
function searching(plan: Plan, header: HeaderPlaces): string[] {
  return plan.groups.flatMap(({ extremes, lane: index, delayMs, endMs }, i) => {
    if (!extremes) return [];
    const lane = plan.lanes[index] as Lane;
    const edge = (age: number) => header.edges[plan.edges.findIndex(({ ageMs }) => ageMs === age)];
    const least = header.groups[i]?.least as number;
    const value = valueIn(lane);
    return [
      block(`if unsure_${i + 1} then`, [
        `local from, to = s[${edge(endMs)}], ${delayMs > 0 ? `s[${edge(delayMs)}]` : 'number'}`,
        `s[${least}], s[${least + 1}] = extremes_among(view, view.groups[${i + 1}].lane, key, raw, singles_at, from, to)`,
        ...(delayMs > 0
          ? []
          : [
              block(`if ${isIn(lane)} then`, [
                `if ${value} < s[${least}] then s[${least}] = ${value} end`,
                `if ${value} > s[${least + 1}] then s[${least + 1}] = ${value} end`,
              ]),
            ]),
      ]),
    ];
  });
}
