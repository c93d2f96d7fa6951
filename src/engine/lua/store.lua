-- Storing: the log with its new vector, and the served hash.

-- The shortest decimal that reads back as the same double.
local function decimal(value)
  for digits = 15, 16 do
    local text = string.format('%.' .. digits .. 'g', value)
    if tonumber(text) == value then return text end
  end
  return string.format('%.17g', value)
end

-- The values of a list as JSON, for a hash's field.
local function list_text(feature, vector, count)
  local texts = {}
  for i = 1, count do texts[i] = decimal(vector[feature.list + i - 1]) end
  return '[' .. table.concat(texts, ',') .. ']'
end

-- Writes the fields of the served hash that differ from `before` (nil: all of them). Returns how many it set, and how
-- many of these were not there.
local function put_hash(call, log, name, vector, before, touched)
  local s, view = log.s, log.view
  local set, gone = { '_as_of', s[AS_OF] }, nil
  local at = 2
  if s[VALID_UNTIL] < INFINITE then
    set[3], set[4] = '_valid_until', s[VALID_UNTIL]
    at = 4
  else
    gone = { '_valid_until' }
  end
  if touched or not before then
    set[at + 1], set[at + 2] = '_revision', s[REVISION]
    set[at + 3], set[at + 4] = '_event_seq', s[EVENT_SEQ]
    set[at + 5], set[at + 6] = '_updated_at', floor(call.millis / 1000)
    at = at + 6
    if not before then
      set[at + 1], set[at + 2] = '_complete_since', s[COMPLETE_SINCE]
      at = at + 2
    end
    if s[LAST_EVENT_AT] > -INFINITE then
      set[at + 1], set[at + 2] = '_last_event_at', s[LAST_EVENT_AT]
      at = at + 2
    end
  end
  for f, feature in ipairs(view.features) do
    local value = vector[f]
    local old = before and before[f]
    if value ~= value then
      if not before or old == old then
        gone = gone or {}
        gone[#gone + 1] = feature.field
      end
    elseif value ~= old then
      -- Of a number, Valkey writes the shortest decimal that reads back as the same double.
      set[at + 1], set[at + 2] = feature.field, feature.list and list_text(feature, vector, value) or value
      at = at + 2
    end
  end
  local created = redis.call('HSET', name, unpack(set))
  if gone and created < at / 2 then redis.call('HDEL', name, unpack(gone)) end
  return at / 2, created
end

-- Brings the served hash up to date, whole where it was missing (evicted, deleted). Returns whether it was.
local function store_hash(call, log, name, vector, before, touched)
  local set, created = put_hash(call, log, name, vector, before, touched)
  local missing = created == set
  if missing and before then put_hash(call, log, name, vector, nil, touched) end
  return missing
end

-- Moves an expiry, once it falls short of what is needed, to a sixteenth of `span` past it. Under the event clock, times
-- of events say nothing of when Valkey may forget: keys live from their last write.
local function extend(s, at, needed, span)
  if s[at] >= needed then return false end
  s[at] = floor(needed + span * SLACK)
  return true
end

local function extend_log(call, log)
  local s, view = log.s, log.view
  local needed = (call.event_clock and call.millis or s[LAST_EVENT_AT]) + view.keep
  for _, lifetime in ipairs(view.lifetimes) do
    needed = max(needed, (call.event_clock and call.millis or s[lifetime.at + ARRIVAL]) + lifetime.idle)
  end
  return extend(s, EXPIRES_AT, needed, view.keep)
end

-- Drops from a log that is rewritten the cells that no window can hold any more, now or at a moment that can be
-- looked back at, and no retry can repeat: whole stretches, so
-- that what is put together does not depend on when the log was last rewritten.
local function trim(log, now)
  local s, view = log.s, log.view
  local book = view.book
  local tiles, singles = s[book + TILES], s[book + SINGLES]
  local widest = view.grid[#view.grid].size
  local number, last = 0, cell_count(log)
  for _, edge in ipairs(view.edges) do last = min(last, s[edge.at + POSITION]) end
  while number < last do
    local newest
    if number < tiles then
      newest = tile_at(log, number)[2]
    else
      newest = first_time(log, number)
    end
    if floor(newest / widest + 1) * widest > now - view.keep then break end
    s[book + DROPPED] = newest
    number = number + 1
  end
  if number == 0 then return end
  for _, edge in ipairs(view.edges) do s[edge.at + POSITION] = s[edge.at + POSITION] - number end
  local gone = min(number, tiles)
  log.tiles = sub(log.tiles, gone * view.tile_bytes + 1)
  s[book + TILES] = tiles - gone
  gone = number - gone
  log.marks = sub(log.marks, gone * MARK_BYTES + 1)
  log.singles = sub(log.singles, gone * view.single_bytes + 1)
  s[book + SINGLES] = singles - gone
end

-- The log written whole, with room for more; and its header.
local function rewritten(log, now)
  trim(log, now)
  local s, view = log.s, log.view
  local book = view.book
  local singles, tiles = s[book + SINGLES], s[book + TILES]
  local slots = singles + max(4, floor(singles / 4))
  local tile_slots = tiles > 0 and tiles + 8 or 0
  s[book + FIRST_SINGLE], s[book + SINGLE_SLOTS], s[book + TILE_SLOTS] = 0, slots, tile_slots
  local header = struct.pack(view.header_format, unpack(s, 1, view.doubles))
  return table.concat({ view.layout, header, log.marks, string.rep('\0', MARK_BYTES * (slots - singles)), log.singles,
    string.rep('\0', view.single_bytes * (slots - singles)), log.tiles,
    string.rep('\0', view.tile_bytes * (tile_slots - tiles)) }), header
end

-- Puts the values of lists into the log's vector. Returns whether any differs; it is then no longer known what that list held
-- `before`.
local function put_lists(log, vector, before)
  local s, changed = log.s, false
  for _, f in ipairs(log.view.lists) do
    local feature = log.view.features[f]
    for i = feature.list, feature.list + feature.most - 1 do
      local old, new = s[VECTOR + i], vector[i]
      if new ~= old and (new == new or old == old) then
        changed = true
        if before then before[f] = nil end
      end
      s[VECTOR + i] = new
    end
  end
  return changed
end

-- Takes a vector into the header. Returns whether a value changed. `before`, if given, gets what was served until now.
local function take_vector(call, log, vector, valid_until, now, before)
  local s, changed = log.s, false
  for f = 1, #log.view.features do
    local at = VECTOR + f
    local old, new = s[at], vector[f]
    if before then before[f] = old end
    if new ~= old and (new == new or old == old) then changed = true end
    s[at] = new
  end
  if put_lists(log, vector, before) then changed = true end
  if changed or s[REVISION] == 0 then s[REVISION] = max(s[REVISION] + 1, call.micros) end
  s[AS_OF], s[VALID_UNTIL] = now, valid_until
  return changed
end

-- Folds the log at `now`, stores it and its hash, and returns the vector as a reader gets it.
-- `taken`: events came in; `whole`: every field of the hash is written, also those that did not change.
local function settle(call, log, now, taken, whole)
  local s, view = log.s, log.view
  local vector, valid_until = fold(call, log, now)
  local before = not whole and s[REVISION] > 0 and {} or nil
  local changed = take_vector(call, log, vector, valid_until, now, before)

  local extended = extend_log(call, log)
  extend_seen(call, log)
  local header
  if log.rewrite then
    local text
    text, header = rewritten(log, now)
    if extended then
      redis.call('SET', log.key, text, 'PXAT', integer(s[EXPIRES_AT]))
    else
      redis.call('SET', log.key, text, 'KEEPTTL')
    end
  else
    header = struct.pack(view.header_format, unpack(s, 1, view.doubles))
    redis.call('SETRANGE', log.key, 8, header)
    if extended then redis.call('PEXPIREAT', log.key, integer(s[EXPIRES_AT])) end
  end
  local name = hash_name(call, log.key)
  local hash_was_missing = store_hash(call, log, name, vector, before, changed or taken)
  if extended or hash_was_missing then redis.call('PEXPIREAT', name, integer(s[EXPIRES_AT])) end
  return 'V' .. sub(header, 1, 8 * (VECTOR + view.vector))
end

local ZERO_OF_NOTHING = { count = true, rate = true, sum = true, distinct = true, lastN = true }

-- What a reader gets of an entity of which nothing is stored: a vector that is as old as this call, and never wrong.
local function nothing_stored(call, view)
  local parts = { 'V', struct.pack('<ddddddd', call.micros, call.millis, INFINITE, -INFINITE, 0,
    call.complete_since[view.index], -INFINITE) }
  for _, feature in ipairs(view.features) do
    parts[#parts + 1] = struct.pack('<d', ZERO_OF_NOTHING[feature.op] and 0 or NULL)
  end
  parts[#parts + 1] = string.rep(struct.pack('<d', NULL), view.vector - #view.features)
  return table.concat(parts)
end

return take_vector, settle, nothing_stored
