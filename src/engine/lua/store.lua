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
local function list_text(s, feature, count)
  local texts = {}
  for i = 1, count do texts[i] = decimal(s[VECTOR + feature.list + i - 1]) end
  return '[' .. table.concat(texts, ',') .. ']'
end

-- What is written into the served hash, and what is taken out of it: filled anew for each entity, up to a number that is told
-- beside them. Of a number, Valkey writes the shortest decimal that reads back as the same double.
local fields, gone = {}, {}

-- Fills in all features, from the vector. Returns how many items `fields` and `gone` have.
local function list_all(log)
  local s, at, gone_at = log.s, 0, 0
  for f, feature in ipairs(log.view.features) do
    local value = s[VECTOR + f]
    if value == value then
      fields[at + 1], fields[at + 2] = feature.field, feature.list and list_text(s, feature, value) or value
      at = at + 2
    else
      gone_at = gone_at + 1
      gone[gone_at] = feature.field
    end
  end
  return at, gone_at
end

-- Writes to the served hash the features that are listed, and what tells of the vector: the rest but as_of and valid_until only
-- where something is new, and `complete_since`, which does not change, only where the hash is. Returns whether none of it was
-- there.
local function put_hash(call, name, at, gone_at, as_of, valid_until, revision, event_seq, last_event_at, complete_since)
  fields[at + 1], fields[at + 2] = '_as_of', as_of
  at = at + 2
  if valid_until < INFINITE then
    fields[at + 1], fields[at + 2] = '_valid_until', valid_until
    at = at + 2
  else
    gone_at = gone_at + 1
    gone[gone_at] = '_valid_until'
  end
  if revision then
    fields[at + 1], fields[at + 2], fields[at + 3], fields[at + 4] = '_revision', revision, '_event_seq', event_seq
    fields[at + 5], fields[at + 6] = '_updated_at', floor(call.millis / 1000)
    at = at + 6
    if last_event_at > -INFINITE then
      fields[at + 1], fields[at + 2] = '_last_event_at', last_event_at
      at = at + 2
    end
  end
  if complete_since then
    fields[at + 1], fields[at + 2] = '_complete_since', complete_since
    at = at + 2
  end
  local created = redis.call('HSET', name, unpack(fields, 1, at))
  if gone_at > 0 and created < at / 2 then redis.call('HDEL', name, unpack(gone, 1, gone_at)) end
  return created == at / 2
end

-- Writes a served hash whole.
local function put_whole_hash(call, log, name)
  local s, at, gone_at = log.s, list_all(log)
  return put_hash(call, name, at, gone_at, s[AS_OF], s[VALID_UNTIL], s[REVISION], s[EVENT_SEQ], s[LAST_EVENT_AT],
    s[COMPLETE_SINCE])
end

-- Brings the served hash of a log that is stored up to date after an event. Returns the mark of a reply that is done.
local function keep_served(call, view, key, at, gone_at, extended, as_of, valid_until, revision, event_seq, last_event_at)
  local name = hash_name(call, key)
  local was_missing = put_hash(call, name, at, gone_at, as_of, valid_until, revision, event_seq, last_event_at)
  if not (extended or was_missing) then return 'V' end
  local log = load_log(call, view, key)
  if was_missing then put_whole_hash(call, log, name) end
  redis.call('PEXPIREAT', name, integer(log.s[EXPIRES_AT]))
  return 'V'
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
  local book = view.book
  local needed = (call.event_clock and call.millis or s[LAST_EVENT_AT]) + view.keep
  for _, lifetime in ipairs(view.lifetimes) do
    needed = max(needed, (call.event_clock and call.millis or s[lifetime.at + ARRIVAL]) + lifetime.idle)
  end
  local extended = extend(s, EXPIRES_AT, needed, view.keep)
  if extended and call.event_clock then
    if s[book + IDS_BUCKETS] > 0 then expire_beside(call, log, companion_name(call, log.key, 'ids')) end
    if s[book + CORRECTIONS] > 0 then expire_beside(call, log, companion_name(call, log.key, 'corrections')) end
  end
  return extended
end

local SPARE_SINGLES = 8 -- compaction waits for an eighth as many again as it leaves
local SPARE_TILES = 8

-- How many singles compaction leaves: as many as the longest list of the view, at least.
local function singles_left(call, view)
  return max(call.singles, view.fewest_singles)
end

-- How many singles there may be before the older ones are put together.
local function most_singles(call, view)
  local left = singles_left(call, view)
  return left + floor(left / SPARE_SINGLES)
end

-- Whether there are so many singles, with `more`, that the older ones should be put together.
local function is_crowded(call, log, more)
  return log.s[log.view.book + SINGLES] + (more or 0) > most_singles(call, log.view)
end

-- Drops from a log that is rewritten the cells that no window can hold any more, now or at a moment that can be looked back
-- at, and no retry can repeat: whole stretches, so that what is put together does not depend on when the log was last rewritten.
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
  log.marks = sub(log.marks, gone * view.mark_bytes + 1)
  log.singles = sub(log.singles, gone * view.single_bytes + 1)
  s[book + SINGLES] = singles - gone
end

-- The log written whole, with room for more; and its header. Singles have at most the room that they need until the next
-- compaction; once there are tiles, all of it.
local function rewritten(log, now)
  load_cells(log)
  erase_marks(log)
  trim(log, now)
  local s, view = log.s, log.view
  local book = view.book
  local singles, tiles = s[book + SINGLES], s[book + TILES]
  local slots = max(singles, most_singles(log.call, view))
  if tiles == 0 then slots = max(singles, min(slots, singles + max(4, floor(singles / 4)))) end
  local tile_slots = tiles > 0 and tiles + SPARE_TILES or 0
  s[book + SINGLE_SLOTS], s[book + TILE_SLOTS] = slots, tile_slots
  local header = struct.pack(view.header_format, unpack(s, 1, view.doubles))
  return table.concat({ view.layout, header, log.marks, string.rep('\0', view.mark_bytes * (slots - singles)), log.singles,
    string.rep('\0', view.single_bytes * (slots - singles)), log.tiles,
    string.rep('\0', view.tile_bytes * (tile_slots - tiles)) }), header
end

-- Folds the log at `now` into the vector. Returns how many items `fields` and `gone` have, and whether a value changed.
local function take_vector(call, log, now)
  local s, view = log.s, log.view
  local valid_until = fold(call, log, now)
  if log.shown then -- by a preview
    for at, more in pairs(log.shown) do s[at] = s[at] + more end
    valid_until = min(valid_until, log.shown_until or INFINITE)
  end
  local at, gone_at, changed = view.serve(log, s)
  if changed or log.is_behind or s[REVISION] == 0 then s[REVISION] = max(s[REVISION] + 1, call.micros) end
  s[AS_OF], s[VALID_UNTIL] = now, valid_until
  return at, gone_at, changed
end

-- Folds the log at `now`, and stores its tables. Returns what `take_vector` does; whether the log is to live longer; and, if it is to
-- be written whole, its text and its header.
local function fold_and_extend(call, log, now)
  local at, gone_at, changed = take_vector(call, log, now)
  local extended = extend_log(call, log)
  extend_seen(call, log)
  write_tables(log)
  local text, header
  if log.rewrite then text, header = rewritten(log, now) end
  return at, gone_at, changed, extended, text, header
end

-- Folds the log at `now`, stores it and its hash, and returns the vector as a reader gets it.
-- `taken`: events came in; `whole`: every field of the hash is written, also those that did not change.
local function settle(call, log, now, taken, whole)
  local s, view = log.s, log.view
  whole = whole or s[REVISION] == 0
  local at, gone_at, changed, extended, text, header = fold_and_extend(call, log, now)
  if text then
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
  local was_missing
  if whole then
    was_missing = put_whole_hash(call, log, name)
  else
    local revision = (changed or taken) and s[REVISION]
    was_missing = put_hash(call, name, at, gone_at, now, s[VALID_UNTIL], revision, s[EVENT_SEQ], s[LAST_EVENT_AT])
    if was_missing then put_whole_hash(call, log, name) end -- it was evicted or deleted
  end
  if extended or was_missing then redis.call('PEXPIREAT', name, integer(s[EXPIRES_AT])) end
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

return fields, gone, singles_left, most_singles, is_crowded, list_text, take_vector, keep_served, fold_and_extend, settle,
  nothing_stored
