import type { HeaderPlaces } from '../layout.ts';
import { arrivalIn, lifetimeDoubles, lifetimePlaces, vectorAt } from '../layout.ts';
import type { Plan, PlannedFeature } from '../plan.ts';
import { block, eventOf, hasFlag } from './aggregate.ts';
import { passing } from './append-edges.ts';
import { replying } from './append-reply.ts';
import { bookOf, markBytesOf, served, windowsOf } from './places.ts';
import { running, valueHeld } from './unroll.ts';

/** Lua has room for 200 names in a function; some forty are not of the header, the columns or the sets. */
const mostNames = 150;
/** It has room for 250 values at work, names among them, and all of a vector are packed at once. */
const mostServed = 60;

/**
 * Lua that takes in the most common event from the log's bytes to the reply, with the header's doubles in local names: one event,
 * newer than all others and new by its id, of a log that was never compacted and has room. It gives the view
 *
 *   view.append(call, key, packed)   the reply as `record_entity` has it (see lua/record.lua); or nil, and what was read of the
 *                                    log, for any other event, of which nothing is changed
 *
 * Nothing is written before all is known, so that it can give up at any step. Empty for a view that it is not for: one with
 * features that are looked for in the cells, or whose header has too many doubles.
 */
export function appendOf(plan: Plan, header: HeaderPlaces): string {
  if (!hasRoom(plan, header) || !plan.features.every((feature, f) => isServed(plan, header, feature, f))) return '';
  const { lastEventAt, eventSeq } = served;
  const lines = [
    ...reading(plan, header),
    ...judging(plan, header),
    ...showing(plan, header),
    `s[${eventSeq}], s[${lastEventAt}] = s[${eventSeq}] + 1, time`,
    ...plan.lifetimes.flatMap((lifetime, i) =>
      running(lifetime, plan.lanes, header.lifetimes[i] as number, clearing(header.lifetimes[i] as number)),
    ),
    ...passing(plan, header),
    ...replying(plan, header),
  ];
  const text = block(`views[${plan.index}].append = function(call, key, packed)`, lines);
  return text.replace(/\bs\[(\d+)\]/g, 's$1');
}

function hasRoom({ columns, seen, groups, vectorDoubles }: Plan, { hotDoubles }: HeaderPlaces): boolean {
  const unsure = groups.filter(({ extremes }) => extremes).length;
  return (
    hotDoubles + 2 * columns.length + 2 * seen.length + unsure <= mostNames && vectorAt + vectorDoubles <= mostServed
  );
}

/** Whether a feature is read off the header, or is the newest event's value. */
export function isServed(plan: Plan, header: HeaderPlaces, { kind, scan }: PlannedFeature, f: number): boolean {
  return valueHeld(plan, header, f) !== null || (kind === 'last' && scan?.delayMs === 0);
}

/** The header, and the event. */
function reading(plan: Plan, header: HeaderPlaces): string[] {
  const doubles = Array.from({ length: header.hotDoubles }, (_, i) => `s[${i + 1}]`);
  return [
    `local view = views[${plan.index}]`,
    "local raw = redis.call('GETRANGE', key, 0, view.reading - 1)",
    'if sub(raw, 1, 8) ~= view.layout or #raw < view.header_bytes then return nil, raw end',
    `local ${doubles.join(', ')} = struct.unpack('<${'d'.repeat(doubles.length)}', raw, 9)`,
    `local ${eventOf(plan)} = struct.unpack(view.single_format, packed, 2)`,
    'local single = sub(packed, 2)',
  ];
}

/** As `clear_lifetime` in lua/header.lua. */
function clearing(at: number): string {
  const places = Array.from({ length: lifetimeDoubles }, (_, i) => `s[${at + i}]`);
  const { least } = lifetimePlaces(at);
  const { lastAt, last, arrival, oldestAt } = arrivalIn(at);
  const kept = `max(s[${arrival + 1}], s[${arrival}])`;
  const empty = new Map([
    [least, 'INFINITE'],
    [least + 1, '-INFINITE'],
    [lastAt, '-INFINITE'],
    [last, 'NULL'],
    [arrival, '-INFINITE'],
    [arrival + 1, kept],
    [oldestAt, 'INFINITE'],
  ]);
  return `${places.join(', ')} = ${places.map((_, i) => empty.get(at + i) ?? '0').join(', ')}`;
}

/** An event that is as old as this has passed an edge as it comes. */
export function oldestPassing({ spanMs, edges }: Plan): number {
  return Math.min(spanMs, ...edges.map(({ ageMs }) => ageMs));
}

/** Whether it is such an event. */
function judging(plan: Plan, header: HeaderPlaces): string[] {
  const { singles, slots, frontier, passed } = bookOf(header);
  const oldestMs = oldestPassing(plan);
  return [
    `local now = s[${served.asOf}]`,
    block('if not call.event_clock then', [
      'if call.millis > now then now = call.millis end',
      block('if not (time <= now) then', [
        'if time > max(now, call.millis + call.tolerance) then return nil, raw end',
        'time, flags = now, flags + TAKEN_AS_NOW',
        "single = struct.pack('<dc8I4', time, id, flags) .. sub(single, 21)",
      ]),
    ]),
    `local number, left = ${singles}, max(call.singles, view.fewest_singles)`,
    block(
      [
        `if not (time > s[${served.lastEventAt}]) or ${frontier} > -INFINITE or time <= now - min(${oldestMs}, view.horizon)`,
        `  or number >= ${slots} or number >= left + floor(left / SPARE_SINGLES) or ${passed} > MOST_TAKEN_OUT then`,
      ].join('\n'),
      ['return nil, raw'],
    ),
    'if time > now then now = time end',
    `local marks_at, marks_end = view.header_bytes + 1, view.header_bytes + ${markBytesOf(plan)} * number`,
    `local singles_at = view.header_bytes + ${markBytesOf(plan)} * ${slots}`,
    'if marks_end > #raw or find_mark(raw, marks_at, number, view.mark_bytes, 0, sub(id, 1, MARK_BYTES), 0) then',
    '  return nil, raw',
    'end',
  ];
}

/** The event's values become its own; `last_1`: the single that showed that of the first set before. */
function showing(plan: Plan, header: HeaderPlaces): string[] {
  return plan.seen.flatMap(({ mask }, i) => {
    const [mark, last] = [`mark_${i + 1}`, `last_${i + 1}`];
    return [
      `local ${mark}, ${last} = NO_MARK, nil`,
      block('do', [
        `local seen = view.seen[${i + 1}]`,
        'local value = sub(single, seen.value_at, seen.value_at + 7)',
        block(`if value ~= NO_VALUE${mask === 0 ? '' : ` and (${hasFlag(mask)})`} then`, [
          `${mark} = mark_of(value)`,
          `${last} = shown_by(view, key, raw, marks_at, singles_at, number, ${mark}, ${i + 1}, value)`,
          ...windowsOf(plan, header, i).map(
            ({ edge, held }) => `if not (${last} and s[${edge}] <= ${last}) then ${held} = ${held} + 1 end`,
          ),
        ]),
      ]),
    ];
  });
}
