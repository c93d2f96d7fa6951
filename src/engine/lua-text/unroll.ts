import { type AggregatePlaces, arrivalIn, type HeaderPlaces, lifetimePlaces, vectorAt } from '../layout.ts';
import type { Lane, LifetimeLane, Plan, PlannedFeature } from '../plan.ts';
import { block, crossing, entering, eventOf, isIn, said, valueIn } from './aggregate.ts';

/**
 * Lua that does for one view, step by step, what would be loops over its plan: most of a record call's time would pass in
 * looking things up. It stands after the shared parts of lua/, whose functions and constants it uses. What an event is in it is
 * told in aggregate.ts; `s` is the header. It gives the view, and each edge:
 *
 *   view.run(s, now, event…)             takes an event into the running figures that go by arrival
 *   view.enter(log, s, number, event…)   takes one that is newer than all others, and in cell `number`, into the windows
 *   view.take_in(log, s, now, number, event…)
 *                                        both
 *   edge.pass(log, s, event…)            lets a single pass the edge; edge.unpass puts it back before it
 *   view.advance(log, s, now)            lets all edges pass what has come of age
 *   view.upcoming(s)                     the first moment at which more will
 *   view.serve(log, s)                   puts the features' values into the header, and what changed into `fields` and `gone`
 *                                        (see lua/store.lua); returns how many each has, and whether anything changed
 */
export function unroll(plan: Plan, header: HeaderPlaces): string {
  const event = eventOf(plan);
  const { lanes, groups, edges } = plan;
  const { enter, leave } = crossing(plan, header, {
    refold: 'log.refold = true',
    unsure: (group) => `log.unsure[groups[${group + 1}]] = true`,
  });
  const nextOf = (edge: number) => `s[${(header.edges[edge] as number) + 1}]`;
  return block('do', [
    `local view = views[${plan.index}]`,
    'local groups, edges, features = view.groups, view.edges, view.features',
    ...plan.lifetimes.map((_, i) => `local lifetime_${i + 1} = view.lifetimes[${i + 1}]`),
    block(
      `function view.run(s, now, ${event})`,
      plan.lifetimes.flatMap((lifetime, i) => {
        const at = header.lifetimes[i] as number;
        return running(lifetime, lanes, at, `clear_lifetime(s, ${at})`);
      }),
    ),
    block(`function view.enter(log, s, number, ${event})`, [
      ...enter(groups.flatMap(({ delayMs }, i) => (delayMs === 0 ? [i] : []))),
      ...edges.map(({ ageMs }, e) => `if s[${header.edges[e]}] == number then ${nextOf(e)} = time + ${ageMs} end`),
      ...notingNewest(plan),
    ]),
    block(`function view.take_in(log, s, now, number, ${event})`, [
      `view.run(s, now, ${event})`,
      `view.enter(log, s, number, ${event})`,
    ]),
    ...edges.flatMap(({ leave: left, enter: entered }, e) => [
      block(`edges[${e + 1}].pass = function(log, s, ${event})`, [...leave(left), ...enter(entered)]),
      block(`edges[${e + 1}].unpass = function(log, s, ${event})`, [...enter(left), ...leave(entered)]),
    ]),
    block(
      'function view.advance(log, s, now)',
      edges.map((_, e) => `if now >= ${nextOf(e)} then advance(log, edges[${e + 1}], now) end`),
    ),
    block('function view.upcoming(s)', [
      'local first = INFINITE',
      ...edges.map((_, e) => `if ${nextOf(e)} < first then first = ${nextOf(e)} end`),
      'return first',
    ]),
    block('function view.serve(log, s)', [
      'local at, gone_at, changed, value, old = 0, 0, false',
      ...plan.features.flatMap((_, f) => serving(plan, f, valueServed(plan, header, f))),
      'return at, gone_at, changed',
    ]),
  ]);
}

/** Takes the event into a running figure that begins at `at`; `end`: what is done first, if its idle time is over. */
export function running(lifetime: LifetimeLane, lanes: readonly Lane[], at: number, end: string): string[] {
  const lane = lanes[lifetime.lane] as Lane;
  const { arrival, oldestAt, lastAt, last } = arrivalIn(at);
  return [
    `if now - s[${arrival}] >= ${lifetime.idleMs} then ${end} end`,
    block(`if ${isIn(lane)} then`, [
      ...entering(lifetimePlaces(at), lane),
      `s[${arrival}] = now`,
      `if time < s[${oldestAt}] then s[${oldestAt}] = time end`,
      // Of several at one moment, the greatest, in whatever order they come.
      `if time > s[${lastAt}] or time == s[${lastAt}] and ${valueIn(lane)} > s[${last}] then`,
      `  s[${lastAt}], s[${last}] = time, ${valueIn(lane)}`,
      'end',
    ]),
  ];
}

/** Features that are looked for in the cells: of an event that is newer than all others it is known without looking. */
function notingNewest(plan: Plan): string[] {
  return plan.features.flatMap(({ scan }, f) => {
    if (!scan || scan.delayMs > 0) return [];
    const lane = plan.lanes[scan.lane] as Lane;
    return [block(`if ${isIn(lane)} then`, [`note_newest(log, ${f + 1}, features[${f + 1}], time, ${valueIn(lane)})`])];
  });
}

/** Puts a feature's value into the header, and, if it changed, into what is written to the served hash. */
export function serving(plan: Plan, f: number, value: string): string[] {
  const at = vectorAt + f + 1;
  const field = plan.view.features[f]?.hashField;
  const isList = plan.features[f]?.list;
  return [
    `old = s[${at}]`,
    ...(isList ? ['local listed', `value, listed = ${value}`] : [`value = ${value}`]),
    block(`if value ~= old and (value == value or old == old)${isList ? ' or listed' : ''} then`, [
      `s[${at}], changed = value, true`,
      'if value == value then',
      `  fields[at + 1], fields[at + 2] = '${field}', ${isList ? `list_text(s, features[${f + 1}], value)` : 'value'}`,
      '  at = at + 2',
      'else',
      '  gone_at = gone_at + 1',
      `  gone[gone_at] = '${field}'`,
      'end',
    ]),
  ];
}

/** The value of a feature, from the header. */
function valueServed(plan: Plan, header: HeaderPlaces, f: number): string {
  const { kind, list } = plan.features[f] as PlannedFeature;
  const feature = `features[${f + 1}]`;
  const lifetime = plan.lifetimes.findIndex(({ features }) => features.includes(f));
  if (list) return `take_list(log, ${f + 1}, ${feature})`;
  if (lifetime >= 0 && kind === 'last') return `lifetime_value(s, lifetime_${lifetime + 1}, 'last')`;
  return valueHeld(plan, header, f) ?? `fold_in_order.${kind}(log, ${f + 1}, ${feature})`;
}

/** The value of a feature that the header alone tells, by a formula; null for another. `tables`: there may be tables of last-seen times. */
export function valueHeld(plan: Plan, header: HeaderPlaces, f: number, tables = true): string | null {
  const { kind, group, seconds } = plan.features[f] as PlannedFeature;
  if (group >= 0) return said(kind, header.groups[group] as AggregatePlaces, seconds);
  const lifetime = plan.lifetimes.findIndex(({ features }) => features.includes(f));
  if (lifetime >= 0) return said(kind, lifetimePlaces(header.lifetimes[lifetime] as number), seconds);
  for (const [i, { windows }] of plan.seen.entries()) {
    const window = windows.findIndex(({ feature }) => feature === f);
    if (window < 0) continue;
    const held = `s[${header.held[i]?.[window]}]`;
    return tables ? `floor(s[${header.seen[i]?.windows[window]}] + 0.5) + ${held}` : held;
  }
  return null;
}
