-- Inspecting: what is behind an entity's values, for people: its keys, what its log consists of, and, of a feature, what its
-- window holds and what moves next. It finds all of that with what folds the values, and writes nothing.

local MOST_MOVES = 32 -- that are looked through for one that counts

-- Plain values as JSON, numbers in full. What is no finite number is null; a table is an array if it has a first item or none.
local function json(value)
  if type(value) == 'number' then return value - value == 0 and string.format('%.17g', value) or 'null' end
  if type(value) ~= 'table' then return cjson.encode(value) end
  local items = {}
  if value[1] ~= nil or next(value) == nil then
    for i, item in ipairs(value) do items[i] = json(item) end
    return '[' .. table.concat(items, ',') .. ']'
  end
  for name, item in pairs(value) do items[#items + 1] = '"' .. name .. '":' .. json(item) end
  table.sort(items) -- else their order would be a matter of chance
  return '{' .. table.concat(items, ',') .. '}'
end

-- A key: how large it is (a hash: how many fields), what it takes of memory, where Valkey says so, and when it expires.
local function key_of(kind, name)
  local size = redis.call('EXISTS', name) == 0 and NULL or tonumber(redis.pcall(kind == 'hash' and 'HLEN' or 'STRLEN', name))
  return { kind = kind, name = name, size = size or NULL, memory = tonumber(redis.pcall('MEMORY', 'USAGE', name)) or NULL,
    expiresIn = redis.call('PTTL', name) }
end

local function keys_of(call, view, log_key)
  local keys = { key_of('log', log_key), key_of('hash', hash_name(call, log_key)) }
  for _, seen in ipairs(view.seen) do keys[#keys + 1] = key_of('seen', seen_name(call, view, log_key, seen)) end
  keys[#keys + 1] = key_of('ids', companion_name(call, log_key, 'ids'))
  keys[#keys + 1] = key_of('corrections', companion_name(call, log_key, 'corrections'))
  return keys
end

-- How many events a cell has that count for something.
local function events_in(log, number)
  local tiles = log.s[log.view.book + TILES]
  if number < tiles then return tile_at(log, number)[3] end
  local _, _, flags = struct.unpack('<dc8I4', singles_at(log, number - tiles, 1))
  return band(flags, RETRACTED) == 0 and 1 or 0
end

-- What a log consists of.
local function composition_of(log)
  local s, view = log.s, log.view
  local book = view.book
  local tiles, cells, together, alone_still = s[book + TILES], cell_count(log), 0, 0
  for number = 0, tiles - 1 do together = together + events_in(log, number) end
  for number = tiles, cells - 1 do alone_still = alone_still + events_in(log, number) end
  return {
    headerBytes = view.header_bytes,
    singles = s[book + SINGLES], singleSlots = s[book + SINGLE_SLOTS], singleBytes = view.slot_bytes,
    retracted = s[book + SINGLES] - alone_still,
    tiles = tiles, tileSlots = s[book + TILE_SLOTS], tileBytes = view.tile_bytes, eventsInTiles = together,
    oldest = cells > 0 and first_time(log, 0) or NULL, frontier = s[book + FRONTIER], compactedAt = s[book + COMPACTED_AT],
    dropped = s[book + DROPPED],
    rememberedSince = s[book + REMEMBERED_SINCE], forgottenIds = s[book + FORGOTTEN_IDS],
    corrections = s[book + CORRECTIONS], droppedCorrections = s[book + DROPPED_CORRECTIONS],
  }
end

-- How many events of a lane a cell has.
local function lane_in(log, lane, number)
  local tiles = log.s[log.view.book + TILES]
  if number < tiles then
    local tile = tile_at(log, number)
    return (tile_part(lane, tile, tile[3]))
  end
  return (single_part(lane, unpack_single(log.view, singles_at(log, number - tiles, 1))))
end

-- How many events of a lane so many of a tile's are taken for.
local function counted_of(lane, tile, events)
  return events > 0 and (tile_part(lane, tile, events)) or 0
end

-- The tiles that edges of a window cut: how many of their events are taken to be inside, those that passed the younger edge and
-- not the older, and how few and how many may be.
local function cuts_of(lane, begins, ends, young, old)
  local cuts = {}
  local function add(edge, tile, from, to, fewest, most)
    cuts[#cuts + 1] = { edge = edge, first = tile[1], last = tile[2], events = tile[3], inside = to - from, fewest = fewest,
      most = most, counted = counted_of(lane, tile, tile[3]),
      countedInside = counted_of(lane, tile, to) - counted_of(lane, tile, from) }
  end
  local entered, entered_most, left, left_most
  if begins.cut then entered, entered_most = passed_between(begins.cut, young) end
  if ends.cut then left, left_most = passed_between(ends.cut, old) end
  if begins.cut and ends.cut and begins.position == ends.position then
    add('both', begins.cut, ends.part, begins.part, max(0, entered - left_most), entered_most - left)
  else
    if ends.cut then add('older', ends.cut, ends.part, ends.cut[3], ends.cut[3] - left_most, ends.cut[3] - left) end
    if begins.cut then add('younger', begins.cut, 0, begins.part, entered, entered_most) end
  end
  return cuts
end

-- What a window holds between two stands: cells that lie in it whole, with their events and those of the lane, and cut tiles.
local function holding_of(log, lane, begins, ends, young, old)
  local tiles = log.s[log.view.book + TILES]
  local held = { singles = 0, singlesCounted = 0, tiles = 0, eventsInTiles = 0, tilesCounted = 0 }
  for number = ends.position + (ends.cut and 1 or 0), begins.position - 1 do
    local events, counted = events_in(log, number), lane_in(log, lane, number)
    if number < tiles then
      held.tiles, held.eventsInTiles, held.tilesCounted = held.tiles + 1, held.eventsInTiles + events, held.tilesCounted + counted
    else
      held.singles, held.singlesCounted = held.singles + events, held.singlesCounted + counted
    end
  end
  held.cuts = cuts_of(lane, begins, ends, young, old)
  return held
end

-- How many events, and how many of the lane, stand between where an edge stood and where it stands later.
local function passing(log, lane, from, to)
  local events, counted = 0, 0
  for number = from.position, to.position - 1 do
    events, counted = events + events_in(log, number), counted + lane_in(log, lane, number)
  end
  if from.cut then events, counted = events - from.part, counted - counted_of(lane, from.cut, from.part) end
  if to.cut then events, counted = events + to.part, counted + counted_of(lane, to.cut, to.part) end
  return events, counted
end

-- When events that count pass an edge next, and how many; after many that do not count, none of those; nil if none will.
local function next_move(log, lane, age, stand)
  local move, upcoming = nil, stand.upcoming
  for _ = 1, MOST_MOVES do
    if upcoming == INFINITE then break end
    local later = stand_of(log, age, upcoming + age)
    local events, counted = passing(log, lane, stand, later)
    move = { at = upcoming + age, events = events, counted = counted }
    if counted > 0 then return move end
    upcoming = later.upcoming
  end
  return upcoming < INFINITE and move or nil
end

-- Of a feature with a window over cells: what leaves next, and, behind a delay, enters; `whole`: and what it holds.
local function window_of(log, thing, lane, moment, whole)
  local young, old = thing.begins and thing.begins.age or 0, thing.ends.age
  local begins, ends = stand_of(log, young, moment), stand_of(log, old, moment)
  local held = whole and holding_of(log, lane, begins, ends, moment - young, moment - old) or {}
  held.kind, held.from, held.to = 'window', moment - old, moment - young
  held.leaves = next_move(log, lane, old, ends)
  held.enters = thing.begins and next_move(log, lane, young, begins)
  return held
end

-- The fractions of a window's strata, oldest first, and how many values of each the table holds.
local function strata_in(log, seen, window, moment, counts)
  local strata = {}
  for number = floor((moment - window.length + 1) / window.stratum), log.s[window.at + NEWEST_STRATUM] do
    local from = number * window.stratum
    strata[#strata + 1] = { from = from, fraction = fraction_at(log, seen, window, from), values = counts[number] or 0 }
  end
  return strata
end

-- Of times of sightings: the oldest that is in the window, and how many are as old; nil if none is.
local function first_to_leave(limit, ...)
  local first, count = nil, 0
  for _, times in ipairs({ ... }) do
    for _, time in ipairs(times) do
      if time > limit and (not first or time < first) then first, count = time, 0 end
      if time == first then count = count + 1 end
    end
  end
  return first, count
end

-- Of a distinct count: the singles and the table that it is made of, and which values leave it next.
local function seen_of(call, log, place, seen, window, moment)
  local s, name = log.s, seen_name(call, log.view, log.key, seen)
  local buckets, limit = s[seen.at + SEEN_BUCKETS], moment - window.length
  local is_there = buckets > 0 and redis.call('EXISTS', name) == 1
  local slots, stored, sighted = is_there and read_seen(log, seen, moment) or {}, 0, {}
  for i = 2, #slots, 2 do
    if slots[i] > -INFINITE then stored = stored + 1 end
  end
  local by_singles = singles_sighted(log, place)
  for i = 2, #by_singles, 2 do sighted[i / 2] = by_singles[i] end
  local inside, times, counts, strata = 0, {}, {}, {}
  if is_there then
    local _
    inside, times, _, counts = count_window(log, seen, window, slots, moment)
    if strata_of(log, seen, window) then strata = strata_in(log, seen, window, moment, counts) end
  end
  local leaves, leaving = first_to_leave(limit, times, sighted)
  return {
    kind = 'distinct', from = limit, to = moment, singles = seen_between(by_singles, limit, INFINITE), key = name,
    missing = not is_there and is_table_lost(call, log, seen, moment), buckets = is_there and buckets or 0,
    slots = is_there and buckets * SLOTS_A_BUCKET or 0, stored = stored, inTable = #times, inside = inside, strata = strata,
    fedAt = s[seen.at + FED_AT], wholeSince = s[seen.at + WHOLE_SINCE],
    leaves = leaves and { at = leaves + window.length, events = leaving, counted = leaving },
  }
end

-- Of a running figure: how many events it holds, of when, and when it forgets them.
local function running_of(log, lifetime, moment)
  local s, at = log.s, lifetime.at
  local arrival = s[at + ARRIVAL]
  local ended = moment - arrival >= lifetime.idle
  return { kind = 'lifetime', events = ended and 0 or s[at], arrival = arrival, oldest = ended and NULL or s[at + OLDEST_AT],
    ended = ended, endedAt = ended and arrival or s[at + ENDED_AT],
    leaves = not ended and { at = arrival + lifetime.idle, events = s[at], counted = s[at] } or nil }
end

local function feature_of(call, log, f, moment, whole)
  local view, feature = log.view, log.view.features[f]
  if feature.group then return window_of(log, feature.group, feature.group.lane, moment, whole) end
  if feature.ends then return window_of(log, feature, feature.lane, moment, whole) end
  for place, seen in ipairs(view.seen) do
    for _, window in ipairs(seen.windows) do
      if window.feature == f then return seen_of(call, log, place, seen, window, moment) end
    end
  end
  for _, lifetime in ipairs(view.lifetimes) do
    for _, one in ipairs(lifetime.features) do
      if one == f then return running_of(log, lifetime, moment) end
    end
  end
end

local function inspect_entity(call, key, view, f)
  local log, outdated = load_past(call, view, key)
  if outdated then return outdated end
  load_cells(log)
  call.opened = log
  local moment, moments, features = log.is_now, struct.pack('<d', log.is_now), {}
  for i = f > 0 and f or 1, f > 0 and f or #view.features do
    features[#features + 1] = feature_of(call, log, i, moment, f > 0)
  end
  for _, move in ipairs(f > 0 and { features[1].leaves or false, features[1].enters or false } or {}) do
    if move and move.counted > 0 then moments = moments .. struct.pack('<d', move.at) end
  end
  local report = json({ stored = log.raw ~= '', now = moment, keys = keys_of(call, view, key), log = composition_of(log),
    features = features })
  local stored = log.raw == '' and nothing_stored(call, view) or 'V' .. sub(log.raw, 9, 8 * (1 + VECTOR + view.vector))
  return stored .. struct.pack('<I4', #report) .. report .. past_entity(call, view, key, moments)
end

-- KEYS: one log. ARGV[2]: B index of the view, B number of a feature, or 0 for all of them, which are told of more briefly.
-- Returns 'V' and the vector as it is stored; I4 length and JSON, which Inspection in inspection.ts describes; then what
-- `past` has for the entity's now, and, of one feature, for when something that counts leaves its window, and when
-- something enters; or 'L' or 'E' as `read` has them. At the end I4 as `record`.
local function inspect(keys, args)
  local call = open_call(args[1])
  local index, f = struct.unpack('<BB', args[2])
  return alone(inspect_entity, call, keys[1], views[index], f) .. struct.pack('<I4', call.lost)
end

redis.register_function({ function_name = 'freshet_inspect_' .. version, callback = inspect, flags = { 'no-writes' } })
