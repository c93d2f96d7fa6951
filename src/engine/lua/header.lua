-- The header: the log's doubles, as one array. After REVISION to EXPIRES_AT stands the vector (a double a feature, then the
-- values of each list), then the book of what the log consists of, the running figures (lifetimes), the edges, the groups, for
-- each window that counts values how many of them singles show (`held`), and the sets of last-seen times, of which nothing is
-- known before the log is first compacted.

local REVISION, AS_OF, VALID_UNTIL, LAST_EVENT_AT, EVENT_SEQ, COMPLETE_SINCE, EXPIRES_AT = 1, 2, 3, 4, 5, 6, 7
local VECTOR = 7 -- feature f stands at VECTOR + f

-- The book, counted from view.book.
local SINGLES = 0 -- how many
local SINGLE_SLOTS = 1
local TILES = 2
local TILE_SLOTS = 3
local FRONTIER = 4 -- the newest event that is in a tile: its time, and the halves of its id
local FRONTIER_HIGH = 5
local FRONTIER_LOW = 6
local COMPACTED_AT = 7 -- the moment by which the tiles' stretches were chosen
local PASSED = 8 -- how many cells were taken out of running aggregates since these were last folded
local IDS_BUCKETS = 9 -- of the table of ids that are in tiles (see ids.lua)
local REMEMBERED_SINCE = 10 -- of events that are in tiles, all ids are known that are newer than this and within the horizon
local FORGOTTEN_IDS = 11 -- how many made room within the horizon
local CORRECTIONS = 12 -- how many entries the list of corrections has (see corrections.lua)
local CORRECTED_SINCE = 13 -- of events in tiles that are newer than this, every correction is known
local DROPPED_CORRECTIONS = 14 -- how many made room while their event was in a window
local NEWEST_CORRECTED = 15 -- the newest event in that list
local DROPPED = 16 -- the newest event that is no longer kept; all that are newer are
local BOOK_DOUBLES = 17

-- An edge, counted from edge.at.
local POSITION = 0 -- the number of the first cell that has not passed it whole
local NEXT = 1 -- the moment at which some of that cell passes
local PART = 2 -- how many of its events have

-- A running figure, counted from lifetime.at. It begins like a group that gathers everything.
local LIFETIME_DOUBLES = 14
local LAST_AT, LAST, ARRIVAL = 9, 10, 11
local ENDED_AT = 12 -- when the last event came that it forgot
local OLDEST_AT = 13 -- of its events, the oldest by its own time

-- A set in the header, counted from seen.at.
local FED_AT = 0 -- the newest event whose sighting is in its table, or was
local SEEN_EXPIRES_AT = 1
local SEEN_BUCKETS = 2
local WHOLE_SINCE = 3 -- values last seen at this moment or before may be missing
local SEEN_DOUBLES = 4

-- One of its windows, counted from window.at.
local INSIDE = 0 -- how many of the table's values were in it at the last fold: each of the sample for as many as it stands for
local SAMPLE = 1 -- how many of these the table holds
local LEAVES_AT = 2 -- when the next one leaves, if it is not seen again
local CURSOR = 3 -- how many of its list are done with
local LENGTH = 4 -- how many are in its list
local COVERED = 5 -- values last seen later than this are not in its list
local NEWEST_STRATUM = 6 -- the newest stretch of time for which a fraction is set; minus infinity: all values are kept
local SEEN_WINDOW_DOUBLES = 7

-- Of a set without a table.
local function clear_seen(s, seen)
  s[seen.at + FED_AT], s[seen.at + SEEN_EXPIRES_AT], s[seen.at + SEEN_BUCKETS] = -INFINITE, -INFINITE, 0
  for _, window in ipairs(seen.windows) do
    local at = window.at
    s[at + INSIDE], s[at + SAMPLE], s[at + LEAVES_AT], s[at + CURSOR] = 0, 0, INFINITE, 0
    s[at + LENGTH], s[at + COVERED], s[at + NEWEST_STRATUM] = 0, -INFINITE, -INFINITE
  end
end

local function clear_lifetime(s, at)
  local ended_at = max(s[at + ENDED_AT], s[at + ARRIVAL])
  for i = at, at + LIFETIME_DOUBLES - 1 do s[i] = 0 end
  s[at + 4], s[at + 5] = INFINITE, -INFINITE
  s[at + LAST_AT], s[at + LAST], s[at + ARRIVAL] = -INFINITE, NULL, -INFINITE
  s[at + ENDED_AT], s[at + OLDEST_AT] = ended_at, INFINITE
end

local function clear_group(s, group)
  s[group.n] = 0
  local at = group.sum
  if at then s[at], s[at + 1], s[at + 2] = 0, 0, 0 end
  at = group.least
  if at then s[at], s[at + 1] = INFINITE, -INFINITE end
  at = group.spread
  if at then s[at], s[at + 1] = 0, 0 end
  if group.trues then s[group.trues] = 0 end
end

-- What a call learns of a log: features that must be looked for in the cells, newest values that were not looked for and their
-- times, groups whose extremes may have left, sets of last-seen times, or windows of them, whose lists are to be made anew, and
-- windows for which that can wait, the fractions of windows that keep a sample, the tables that were looked at, and marks that
-- were taken out.
local function opened(call, key, view, s, raw)
  return {
    call = call, key = key, view = view, s = s, raw = raw,
    scans = {}, newest = {}, newest_at = {}, unsure = {}, relist = {}, listed_late = {}, strata = {}, tables = {}, erased = {},
  }
end

-- A log that does not exist yet.
local function new_log(call, view, key)
  local s = {}
  for i = 1, view.doubles do s[i] = 0 end
  s[AS_OF], s[VALID_UNTIL], s[LAST_EVENT_AT], s[EXPIRES_AT] = -INFINITE, INFINITE, -INFINITE, -INFINITE
  s[COMPLETE_SINCE] = call.complete_since[view.index]
  for i = VECTOR + 1, VECTOR + view.vector do s[i] = NULL end
  s[view.book + FRONTIER], s[view.book + COMPACTED_AT], s[view.book + REMEMBERED_SINCE] = -INFINITE, -INFINITE, -INFINITE
  s[view.book + CORRECTED_SINCE], s[view.book + NEWEST_CORRECTED] = -INFINITE, -INFINITE
  for _, lifetime in ipairs(view.lifetimes) do
    s[lifetime.at + ENDED_AT], s[lifetime.at + ARRIVAL] = -INFINITE, -INFINITE
    clear_lifetime(s, lifetime.at)
  end
  for _, seen in ipairs(view.seen) do
    clear_seen(s, seen)
    s[seen.at + WHOLE_SINCE] = -INFINITE
    for _, window in ipairs(seen.windows) do s[window.held] = 0 end
  end
  s[view.book + DROPPED] = -INFINITE
  for _, edge in ipairs(view.edges) do s[edge.at + NEXT] = INFINITE end
  for _, group in ipairs(view.groups) do clear_group(s, group) end
  local log = opened(call, key, view, s, '')
  log.marks, log.singles, log.tiles, log.tiles_from, log.rewrite = '', '', '', 0, true
  return log
end

-- The reply for a log of another layout, which must be brought up to date first; nil for one of this layout.
local function other_layout(view, raw)
  if #raw < 8 then error({ err = 'this is no log' }) end
  local layout = sub(raw, 1, 8)
  if layout ~= view.layout then return 'L' .. layout end
end

-- The log under a key, or nil. `raw` is its beginning: the header, the marks, and what follows within what was read.
-- Where its layout is another one, the second result is the reply that says so. `read`: what was read of it already; `more`: so
-- many bytes beyond that will be wanted too.
local function load_log(call, view, key, read, more)
  local reading = view.reading + (more or 0)
  local raw = read or redis.call('GETRANGE', key, 0, reading - 1)
  if raw == '' then return nil end
  local outdated = other_layout(view, raw)
  if outdated then return nil, outdated end
  if #raw < view.header_bytes then error({ err = 'this log is cut off' }) end
  local s, book = { struct.unpack(view.header_format, raw, 9) }, view.book
  if #raw < reading then
    local bytes = view.header_bytes + view.slot_bytes * s[book + SINGLE_SLOTS] + view.tile_bytes * s[book + TILE_SLOTS]
    if #raw ~= bytes then error({ err = 'this log ends within a cell' }) end
  end
  return opened(call, key, view, s, raw)
end

-- The entity's now: the store's, or its newest event's; never before the last fold.
local function now_of(call, as_of)
  if call.event_clock then return as_of end
  return max(call.millis, as_of)
end

-- The vector as it is stored, for a reader at a moment until which it holds. Where a feature tells how long ago something
-- was, it is told as of that moment.
local function still_true(view, raw, now)
  local last = 8 * (1 + VECTOR + view.vector)
  if not view.tells_age then return 'V' .. sub(raw, 9, last) end
  return 'V' .. sub(raw, 9, 16) .. struct.pack('<d', now) .. sub(raw, 25, last)
end
