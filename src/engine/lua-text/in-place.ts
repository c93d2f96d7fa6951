import { type HeaderPlaces, stratumMs, vectorAt } from '../layout.ts';
import type { Edge, Lane, Plan } from '../plan.ts';
import { block, columnName, crossing, type Doubts, hasFlag, isIn, valueIn } from './aggregate.ts';
import { isServed, oldestPassing } from './append.ts';
import { dating, needing } from './append-reply.ts';
import { bookOf, markBytesOf, served, tableOf, tableWindowsOf, windowsOf } from './places.ts';
import { running, valueHeld } from './unroll.ts';

/** Where more cells than this pass one edge, the loops of lua/edges.lua let them pass. */
const mostPassing = 64;

/**
 * The same as append.ts, for rehearsals alone: it works on a log that lies in this process's memory (`cells`, see
 * rehearsal/log-image.ts, whose header is `s`), and with what was read of its tiles and tables (`beside`, see
 * rehearsal/companions.ts), and takes in any number of events before their vector is told. It registers
 *
 *   take_in_place_<view>(call, s, cells, beside, now)   takes in the event that lies beside the log; returns what is now then
 *   tell_in_place_<view>(call, s, cells, beside, now)   puts the vector into the header; returns whether the log is to live longer
 *
 * Both give nil for what is for `record_entity`; then the image is of no use any more. Empty for a view that it is not for.
 */
export function inPlaceOf(plan: Plan, header: HeaderPlaces): string {
  if (!isInPlace(plan, header)) return '';
  const { index } = plan;
  return [
    block('do', [
      block('local function take(call, s, cells, beside, now)', taking(plan, header)),
      block('local function tell(call, s, cells, beside, now)', telling(plan, header)),
      `redis.register_function('take_in_place_${index}', take)`,
      `redis.register_function('tell_in_place_${index}', tell)`,
    ]),
  ].join('\n');
}

/**
 * Registers `compact_in_place(call, view, key, s, marks, singles, newest, newest_at, now)`: compacts, and folds, a log whose header is
 * `s`, and which has more singles than may be; `newest` and `newest_at` as `opened` in lua/header.lua has them. Returns the log, whether
 * it is to live longer, and, if it is to be written whole, its text.
 */
export const compactingInPlace = `
redis.register_function('compact_in_place', function(call, view, key, s, marks, singles, newest, newest_at, now)
  local log = opened(call, key, views[view], s, '')
  log.marks, log.singles, log.raw_until, log.newest, log.newest_at = marks, singles, 0, newest, newest_at
  call.done, call.over, call.has_listed, call.lost = 0, false, nil, 0
  compact(call, log, now)
  local _, _, _, extended, text = fold_and_extend(call, log, now)
  return log, extended, text
end)`;

function isInPlace(plan: Plan, header: HeaderPlaces): boolean {
  return plan.features.every((feature, f) => isServed(plan, header, feature, f));
}

const columnsOf = (plan: Plan) => plan.columns.map((_, i) => columnName(i + 1));
const namesOf = (plan: Plan) => ['time', 'flags', ...columnsOf(plan)].join(', ');
const numberOf = (header: HeaderPlaces) => bookOf(header).singles;

function taking(plan: Plan, header: HeaderPlaces): string[] {
  const { slots, tiles, frontier, passed, idsBuckets, rememberedSince } = bookOf(header);
  const { lastEventAt, eventSeq } = served;
  const row = ['cells.rowTime()', 'cells.rowFlags()', ...plan.columns.map((_, i) => `cells.rowColumn(${i})`)];
  return [
    `local view = views[${plan.index}]`,
    `local ${namesOf(plan)} = ${row.join(', ')}`,
    block('if not call.event_clock and not (time <= now) then', [
      'if time > max(now, call.millis + call.tolerance) then return nil end',
      'time, flags = now, flags + TAKEN_AS_NOW',
    ]),
    `local number, tiles = ${numberOf(header)}, ${tiles}`,
    'local place = number',
    block(`if time == s[${lastEventAt}] then`, [
      // Others of this moment that are in a tile are looked for there.
      `if number == 0 or time == ${frontier} or cells.timeOf(number - 1) ~= time then return nil end`,
      'place = cells.placeAt(time)',
    ]),
    block(
      [
        `if time < s[${lastEventAt}] or time <= now - min(${oldestPassing(plan)}, view.horizon) or time <= ${rememberedSince}`,
        `  or number >= ${slots} or ${passed} > MOST_TAKEN_OUT or cells.knowsId(number)`,
        // Where not all marks are read at once, the store writes the log anew.
        `  or ${markBytesOf(plan)} * min(number, most_singles(call, view)) > view.reading - view.header_bytes then`,
      ].join('\n'),
      ['return nil'],
    ),
    'if time > now then now = time end',
    `if ${idsBuckets} > 0 and beside.knowsId(now) then return nil end`,
    'cells.put(place, time, flags)',
    ...showing(plan, header),
    `s[${eventSeq}], s[${lastEventAt}] = s[${eventSeq}] + 1, time`,
    ...plan.lifetimes.flatMap((lifetime, i) => {
      const at = header.lifetimes[i] as number;
      return running(lifetime, plan.lanes, at, `clear_lifetime(s, ${at})`);
    }),
    ...crossing(plan, header, doubts).enter(plan.groups.flatMap(({ delayMs }, i) => (delayMs === 0 ? [i] : []))),
    ...plan.edges.map(({ ageMs }, e) => {
      const at = header.edges[e] as number;
      return `if s[${at}] == tiles + number then s[${at + 1}] = time + ${ageMs} end`;
    }),
    ...notingNewest(plan),
    ...(newestOf(plan).length > 0
      ? [block('if number > 0 and cells.timeOf(number - 1) == time then', notingAll(plan))]
      : []),
    'return now',
  ];
}

/** Notes the event as the newest one; of those at one moment, all must be. */
function notingNewest(plan: Plan): string[] {
  return newestOf(plan).map(
    ({ f, lane }) => `if ${isIn(lane)} then cells.noteNewest(${f}, ${valueIn(lane)}, time) end`,
  );
}

/** Notes all singles of the event's moment. */
function notingAll(plan: Plan): string[] {
  const read = ['cells.flagsOf(number)', ...plan.columns.map((_, c) => `cells.columnOf(number, ${c})`)];
  return [
    block('while number >= 0 and cells.timeOf(number) == time do', [
      `local ${['flags', ...columnsOf(plan)].join(', ')} = ${read.join(', ')}`,
      ...notingNewest(plan),
      'number = number - 1',
    ]),
  ];
}

/** Features that tell the newest event's value. */
function newestOf({ features, lanes }: Plan) {
  return features.flatMap(({ scan }, f) => (scan ? [{ f, lane: lanes[scan.lane] as Lane }] : []));
}

/** The event's values become its own, and no longer those of the single that showed them before, or of the table. */
function showing(plan: Plan, header: HeaderPlaces): string[] {
  return plan.seen.map(({ mask }, i) => {
    const windows = windowsOf(plan, header, i);
    const { buckets } = tableOf(header.seen[i]?.at as number);
    const show = [
      `local before = cells.show(${i}, place)`,
      ...windows.map(
        ({ edge, held }) =>
          `if before == nil or before >= 0 and s[${edge}] > tiles + before then ${held} = ${held} + 1 end`,
      ),
      block(`if before == nil and ${buckets} > 0 then`, forgetting(plan, header, i)),
    ];
    const isShown = `cells.hasValue(${i}, place)${mask === 0 ? '' : ` and (${hasFlag(mask)})`}`;
    return block(`if ${isShown} then`, show);
  });
}

/** As `forget_value` in lua/table-sightings.lua. */
function forgetting(plan: Plan, header: HeaderPlaces, set: number): string[] {
  const windows = tableWindowsOf(plan, header, set);
  return [
    `local seen_at = beside.forget(${set}, now)`,
    'if seen_at == nil then return nil end',
    block('if seen_at > -INFINITE then', [
      `if ${windows.map(({ leavesAt }) => `now >= ${leavesAt}`).join(' or ')} then return nil end`,
      ...windows.map(({ lengthMs, inside, sample }, w) =>
        block(`if seen_at > now - ${lengthMs} then`, [
          `local share = beside.shareAt(${set}, ${w}, seen_at)`,
          'if share == nil then return nil end',
          `if share > 0 then ${inside}, ${sample} = ${inside} - 1 / share, ${sample} - 1 end`,
        ]),
      ),
    ]),
  ];
}

const doubts: Doubts = { refold: 'return nil', unsure: (group) => `unsure_${group + 1} = true` };

function telling(plan: Plan, header: HeaderPlaces): string[] {
  const unsure = plan.groups.flatMap(({ extremes }, i) => (extremes ? [`unsure_${i + 1}`] : []));
  const { tiles, passed } = bookOf(header);
  return [
    `local view, number, tiles, passed, scanned = views[${plan.index}], ${numberOf(header)}, ${tiles}, 0, false`,
    'local log',
    ...(unsure.length > 0 ? [`local ${unsure.join(', ')}`] : []),
    ...plan.edges.map((edge, e) => {
      const at = header.edges[e] as number;
      return block(`if now >= s[${at + 1}] then`, [
        ...(edge.scans.length > 0 ? ['scanned = true'] : []),
        `if s[${at}] < tiles then`,
        ...passingTiles(edge, e),
        'else',
        ...passingSingles(plan, header, edge, at),
        'end',
      ]);
    }),
    'if log and (log.refold or next(log.unsure)) then return nil end',
    `${passed} = ${passed} + passed`,
    `if ${passed} > MOST_TAKEN_OUT then return nil end`,
    ...searching(plan, header),
    ...leavingTables(plan, header),
    ...valuing(plan, header),
    ...prolonging(plan, header),
  ];
}

/** Tiles pass the edge, as long as none of the singles does. */
function passingTiles({ ageMs }: Edge, e: number): string[] {
  return [
    block('if not log then', [
      'log = { s = s, view = view, tiles = beside.tiles(), tiles_from = 0, scans = {}, unsure = {} }',
    ]),
    // What was in the last tile may have been retracted: of the newest event that ever was, nothing follows for it.
    `if not log.tiles or tile_at(log, tiles - 1)[2] <= now - ${ageMs} then return nil end`,
    `advance(log, view.edges[${e + 1}], now)`,
  ];
}

/** Singles pass the edge that stands at `at` in the header, up to one that has not come of age. */
function passingSingles(plan: Plan, header: HeaderPlaces, edge: Edge, at: number): string[] {
  const { ageMs, leave: left, enter: entered } = edge;
  const { enter, leave } = crossing(plan, header, doubts);
  const [position, next] = [`s[${at}]`, `s[${at + 1}]`];
  const numbers = ['flags', ...columnsOf(plan)];
  const read = ['cells.flagsOf(position)', ...plan.columns.map((_, i) => `cells.columnOf(position, ${i})`)];
  return [
    `local position, limit = ${position} - tiles, now - ${ageMs}`,
    block('while true do', [
      `if position == number then ${next} = INFINITE break end`,
      'local time = cells.timeOf(position)',
      `if time > limit then ${next} = time + ${ageMs} break end`,
      `local ${numbers.join(', ')} = ${read.join(', ')}`,
      ...leave(left),
      ...enter(entered),
      ...uncounting(plan, header, ageMs),
      'position, passed = position + 1, passed + 1',
      `if passed > ${mostPassing} then return nil end`,
    ]),
    `${position} = tiles + position`,
  ];
}

/** Where values leave a table, or its lists are to be made anew, all is for `fold_seen` in lua/table-sightings.lua. */
function leavingTables(plan: Plan, header: HeaderPlaces): string[] {
  return plan.seen.map((_, i) => {
    const { buckets } = tableOf(header.seen[i]?.at as number);
    const doubtful = tableWindowsOf(plan, header, i).flatMap(
      ({ lengthMs, leavesAt, cursor, length, newestStratum }) => {
        const oldest = (moment: string) => `floor((${moment} - ${lengthMs} + 1) / ${stratumMs(lengthMs)})`;
        return [
          `now >= ${leavesAt}`,
          `${cursor} >= FEW_LISTED and ${length} - ${cursor} < FEW_LISTED`,
          `${newestStratum} > -INFINITE and ${oldest('now')} > ${oldest(`s[${served.asOf}]`)}`,
        ];
      },
    );
    return `if ${buckets} > 0 and (${doubtful.join(' or ')}) then return nil end`;
  });
}

/** Windows of this length no longer count the values that the single shows for the last time. */
function uncounting(plan: Plan, header: HeaderPlaces, ageMs: number): string[] {
  return plan.seen.flatMap((_, i) =>
    windowsOf(plan, header, i)
      .filter(({ lengthMs }) => lengthMs === ageMs)
      .map(({ held }) => `if cells.shows(position, ${i}) then ${held} = ${held} - 1 end`),
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
    const read = ['cells.timeOf(i)', 'cells.flagsOf(i)', ...plan.columns.map((_, c) => `cells.columnOf(i, ${c})`)];
    return [
      block(`if unsure_${i + 1} then`, [
        `if s[${edge(endMs)}] < tiles then return nil end`,
        'local least, most = INFINITE, -INFINITE',
        block(`for i = s[${edge(endMs)}] - tiles, ${delayMs > 0 ? `s[${edge(delayMs)}] - tiles` : 'number'} - 1 do`, [
          `local ${namesOf(plan)} = ${read.join(', ')}`,
          block(`if ${isIn(lane)} then`, [
            `if ${value} < least then least = ${value} end`,
            `if ${value} > most then most = ${value} end`,
          ]),
        ]),
        `s[${least}], s[${least + 1}] = least, most`,
      ]),
    ];
  });
}

/** The vector, and until when it holds. */
function valuing(plan: Plan, header: HeaderPlaces): string[] {
  return [
    'local changed, value, old = false',
    ...plan.features.flatMap((_, f) => {
      const at = vectorAt + f + 1;
      const held = valueHeld(plan, header, f);
      return [
        `old = s[${at}]`,
        ...(held === null ? newest(plan, f, at) : [`value = ${held}`]),
        block('if value ~= old and (value == value or old == old) then', [
          `s[${at}], changed = value, true`,
          `cells.noteChange(${f})`,
        ]),
      ];
    }),
    ...dating(plan, header, true),
  ];
}

/** Where none of these events is the newest in its lane and in the window, one before them may be, or may have left. */
function newest({ features }: Plan, f: number, at: number): string[] {
  return [
    `value = cells.newestOf(${f}, now - ${features[f]?.scan?.endMs})`,
    block('if value == nil then', ['if scanned then return nil end', `value = s[${at}]`]),
  ];
}

/**
 * How long the log and the hash must live; and its tables, as `extend_seen` in lua/table-sightings.lua says. Where others beside it must
 * live longer with it, which is seldom, that is for `extend_log` in lua/store.lua.
 */
function prolonging(plan: Plan, header: HeaderPlaces): string[] {
  const { expiresAt } = served;
  const { idsBuckets, corrections } = bookOf(header);
  return [
    ...needing(plan, header),
    `local extended = s[${expiresAt}] < needed`,
    `if extended and call.event_clock and (${idsBuckets} > 0 or ${corrections} > 0) then return nil end`,
    `if extended then s[${expiresAt}] = floor(needed + view.keep * SLACK) end`,
    ...plan.seen.map((_, i) => {
      const { fedAt, expiresAt: tableExpiresAt } = tableOf(header.seen[i]?.at as number);
      return block(`if ${fedAt} > -INFINITE then`, [
        `local kept = view.seen[${i + 1}].kept`,
        `local needed = call.event_clock and s[${expiresAt}] or ${fedAt} + kept`,
        block(`if ${tableExpiresAt} < needed then`, [
          `${tableExpiresAt} = min(floor(needed + kept * SLACK), s[${expiresAt}])`,
          `beside.prolong(${i}, ${tableExpiresAt})`,
        ]),
      ]);
    }),
    'return extended',
  ];
}
