import { block, columnName, crossing, eventOf, hasFlag, isIn, valueIn } from './aggregate-lua.ts';
import { arrivalIn, type HeaderPlaces, lifetimeDoubles, lifetimePlaces, markBytes, vectorAt } from './layout.ts';
import type { Lane, Plan, PlannedFeature } from './plan.ts';
import { running, serving, valueHeld } from './unroll.ts';

/** Lua has room for 200 names in a function, and for 250 values at work. */
const mostDoubles = 130;
/** So many doubles are packed at once: those that wait for it take room too. */
const packedAtOnce = 45;
/** More cells than this that pass one edge are let pass by the loops. */
const mostPassing = 16;

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
  if (header.hotDoubles > mostDoubles || !plan.features.every((feature, f) => isServed(plan, header, feature, f)))
    return '';
  const lines = [
    ...reading(plan, header),
    ...judging(plan, header),
    ...showing(plan, header),
    `s[${eventSeq}], s[${lastEventAt}] = s[${eventSeq}] + 1, time`,
    ...plan.lifetimes.flatMap((lifetime, i) =>
      running(lifetime, plan.lanes, header.lifetimes[i] as number, clearing(header.lifetimes[i] as number)),
    ),
    ...passing(plan, header),
    ...searching(plan, header),
    ...valuing(plan, header),
    ...writing(plan, header),
  ];
  const text = block(`views[${plan.index}].append = function(call, key, packed)`, lines);
  return text.replace(/\bs\[(\d+)\]/g, 's$1');
}

const [revision, asOf, validUntil, lastEventAt, eventSeq, , expiresAt] = [1, 2, 3, 4, 5, 6, 7];

/** Whether a feature is read off the header, or is the newest event's value. */
function isServed(plan: Plan, header: HeaderPlaces, { kind, scan }: PlannedFeature, f: number): boolean {
  return valueHeld(plan, header, f) !== null || (kind === 'last' && scan?.delayMs === 0);
}

/** Places of the book, counted from `header.book`, as lua/header.lua has them. */
function bookOf({ book }: HeaderPlaces) {
  return {
    singles: `s[${book}]`,
    slots: `s[${book + 2}]`,
    frontier: `s[${book + 5}]`,
    passed: `s[${book + 9}]`,
  };
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

/** Whether it is such an event. */
function judging(plan: Plan, header: HeaderPlaces): string[] {
  const { singles, slots, frontier, passed } = bookOf(header);
  const oldestMs = Math.min(plan.spanMs, ...plan.edges.map(({ ageMs }) => ageMs));
  return [
    `local now = s[${asOf}]`,
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
        `if not (time > s[${lastEventAt}]) or ${frontier} > -INFINITE or time <= now - min(${oldestMs}, view.horizon)`,
        `  or number >= ${slots} or number >= left + floor(left / 2) or ${passed} > MOST_TAKEN_OUT then`,
      ].join('\n'),
      ['return nil, raw'],
    ),
    'if time > now then now = time end',
    `local marks_at, marks_end = view.header_bytes + 1, view.header_bytes + ${markBytesOf(plan)} * number`,
    `local singles_at = view.header_bytes + ${markBytesOf(plan)} * ${slots}`,
    'if marks_end > #raw or marked_number(raw, marks_at, marks_end, sub(id, 1, MARK_BYTES), 0, view.mark_bytes) then',
    '  return nil, raw',
    'end',
  ];
}

const markBytesOf = (plan: Plan) => markBytes({ seen: plan.seen.map(({ name }) => ({ name, windows: 0 })) });

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
          `${last} = shown_by(key, raw, marks_at, marks_end, ${mark}, ${i + 1}, view, singles_at, seen.value_at, value)`,
          ...windowsOf(plan, header, i).map(
            ({ edge, held }) => `if not (${last} and s[${edge}] <= ${last}) then ${held} = ${held} + 1 end`,
          ),
        ]),
      ]),
    ];
  });
}

/** Of each window of a set: where its edge stands, and how many values singles show to it. */
function windowsOf({ seen, edges }: Plan, header: HeaderPlaces, set: number) {
  return (seen[set]?.windows ?? []).map(({ lengthMs }, w) => {
    const edge = edges.findIndex(({ ageMs }) => ageMs === lengthMs);
    return { edge: header.edges[edge] as number, held: `s[${header.held[set]?.[w]}]`, lengthMs };
  });
}

/** The event enters the windows; edges move on past what has come of age. `at_hand` is the number of the single that was read last. */
function passing(plan: Plan, header: HeaderPlaces): string[] {
  const { groups, edges } = plan;
  const columns = plan.columns.map((_, i) => columnName(i + 1));
  const its = (names: readonly string[]) => names.map((name) => `its_${name}`).join(', ');
  const { enter, leave } = crossing(plan, header, {
    refold: 'return nil, raw',
    unsure: (group) => `unsure_${group + 1} = true`,
  });
  const unsure = groups.flatMap(({ extremes }, i) => (extremes ? [`unsure_${i + 1}`] : []));
  const { passed } = bookOf(header);
  return [
    ...enter(groups.flatMap(({ delayMs }, i) => (delayMs === 0 ? [i] : []))),
    ...(unsure.length > 0 ? [`local ${unsure.join(', ')}`] : []),
    `local scanned, at_hand, passed, its_id, ${its(['time', 'flags', ...columns])} = false, -1, 0`,
    ...edges.map(({ ageMs, leave: left, enter: entered, scans }, e) => {
      const position = `s[${header.edges[e]}]`;
      const next = `s[${(header.edges[e] as number) + 1}]`;
      const uncounted = plan.seen.flatMap((_, i) =>
        windowsOf(plan, header, i)
          .filter(({ lengthMs }) => lengthMs === ageMs)
          .map(({ held }) => {
            const at = `marks_at + ${markBytesOf(plan)} * position + ${4 * (i + 1)}`;
            return `if position ~= last_${i + 1} and sub(raw, ${at}, ${at} + 3) ~= NO_MARK then ${held} = ${held} - 1 end`;
          }),
      );
      return [
        `if now >= ${next} then`,
        `  local position, limit = ${position}, now - ${ageMs}`,
        ...(scans.length > 0 ? ['  scanned = true'] : []),
        block('  while true do', [
          `  if position == number then ${next} = time + ${ageMs} break end`,
          block('  if position ~= at_hand then', [
            '  local text, at = stored_at(key, raw, singles_at + view.single_bytes * position, view.single_bytes)',
            `  its_time, its_id, ${its(['flags', ...columns])} = struct.unpack(view.single_format, text, at)`,
            '  at_hand = position',
          ]),
          `  if its_time > limit then ${next} = its_time + ${ageMs} break end`,
          block('  do', [
            `  local ${['time', 'flags', ...columns].join(', ')} = ${its(['time', 'flags', ...columns])}`,
            ...[...leave(left), ...enter(entered)].map((line) => line.replace(/^/gm, '  ')),
          ]),
          ...uncounted.map((line) => `  ${line}`),
          '  position, passed = position + 1, passed + 1',
          `  if passed > ${mostPassing} then return nil, raw end`,
        ]),
        `  ${position} = position`,
        `elseif ${position} == number then ${next} = time + ${ageMs} end`,
      ].join('\n');
    }),
    `${passed} = ${passed} + passed`,
  ];
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

/** The vector, and until when it holds. */
function valuing(plan: Plan, header: HeaderPlaces): string[] {
  const newest = (f: number) => {
    const { scan } = plan.features[f] as PlannedFeature;
    const lane = plan.lanes[scan?.lane as number] as Lane;
    // Of an event that is not in its lane, the newest that is may have left.
    return [
      `if ${isIn(lane)} then newest = ${valueIn(lane)}`,
      `elseif scanned then return nil, raw else newest = s[${vectorAt + f + 1}] end`,
      ...serving(plan, f, 'newest'),
    ];
  };
  return [
    'local at, gone_at, changed, value, old, newest = 0, 0, false',
    ...plan.features.flatMap((_, f) => {
      const value = valueHeld(plan, header, f, false);
      return value === null ? newest(f) : serving(plan, f, value);
    }),
    'local upcoming = INFINITE',
    ...[...header.edges.map((edge) => `s[${edge + 1}]`)].map(
      (moment) => `if ${moment} < upcoming then upcoming = ${moment} end`,
    ),
    ...plan.lifetimes.map(({ idleMs }, i) => {
      const arrival = `s[${arrivalIn(header.lifetimes[i] as number).arrival}]`;
      return `if ${arrival} > -INFINITE and ${arrival} + ${idleMs} < upcoming then upcoming = ${arrival} + ${idleMs} end`;
    }),
    `s[${asOf}], s[${validUntil}] = now, upcoming`,
    `if changed or s[${revision}] == 0 then s[${revision}] = max(s[${revision}] + 1, call.micros) end`,
  ];
}

/** The log and the hash, and the reply. */
function writing(plan: Plan, header: HeaderPlaces): string[] {
  const { singles } = bookOf(header);
  const served = vectorAt + plan.vectorDoubles;
  const sizes = [served];
  for (let rest = header.hotDoubles - served; rest > 0; rest -= packedAtOnce) sizes.push(Math.min(rest, packedAtOnce));
  let from = 1;
  const packs = sizes.map((size) => {
    const doubles = Array.from({ length: size }, (_, i) => `s[${from + i}]`);
    from += size;
    return `struct.pack('<${'d'.repeat(size)}', ${doubles.join(', ')})`;
  });
  const [first, ...others] = packs;
  const superseded = plan.seen.map((_, i) => {
    const at = `marks_at - 1 + ${markBytesOf(plan)} * last_${i + 1} + ${4 * (i + 1)}`;
    return `if last_${i + 1} then redis.call('SETRANGE', key, ${at}, NO_MARK) end`;
  });
  const marks = ['sub(id, 1, MARK_BYTES)', ...plan.seen.map((_, i) => `mark_${i + 1}`)].join(' .. ');
  return [
    `${singles} = number + 1`,
    `local needed = (call.event_clock and call.millis or s[${lastEventAt}]) + view.keep`,
    ...plan.lifetimes.map(({ idleMs }, i) => {
      const { arrival } = arrivalIn(header.lifetimes[i] as number);
      return `needed = max(needed, (call.event_clock and call.millis or s[${arrival}]) + ${idleMs})`;
    }),
    `local extended = s[${expiresAt}] < needed`,
    `if extended then s[${expiresAt}] = floor(needed + view.keep * SLACK) end`,
    `local vector = ${first}`,
    ...others.map((pack, i) => `local rest_${i + 1} = ${pack}`),
    `redis.call('SETRANGE', key, 8, ${['vector', ...others.map((_, i) => `rest_${i + 1}`)].join(' .. ')})`,
    ...superseded,
    `redis.call('SETRANGE', key, marks_end, ${marks})`,
    "redis.call('SETRANGE', key, singles_at + view.single_bytes * number, single)",
    "if extended then redis.call('PEXPIREAT', key, integer(s[7])) end",
    `return keep_served(call, view, key, at, gone_at, extended, ${[asOf, validUntil, revision, eventSeq, lastEventAt].map((i) => `s[${i}]`).join(', ')})`,
    '  .. vector .. JUST_RECORDED .. sub(single, 1, 8)',
  ];
}
