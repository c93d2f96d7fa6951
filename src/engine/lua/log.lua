-- The log: its header, its cells, and where a cell stands among them.

local function header_bytes(features, lifetimes, seen)
  return HEADER_BYTES + 8 * (features + LIFETIME_DOUBLES * lifetimes + SEEN_DOUBLES * seen)
end

-- What a lane or a lifetime has gathered of nothing.
local function empty_aggregate()
  return { n = 0, sum = 0, rest = 0, least = INFINITE, most = -INFINITE, mean = 0, m2 = 0, trues = 0,
    last_at = -INFINITE, last = NULL, arrival = -INFINITE }
end

local function unpack_lifetime(raw, at)
  local s = {}
  s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2, s.trues, s.last_at, s.last, s.arrival =
    struct.unpack('<ddddddddddd', raw, at)
  return s
end

local function pack_lifetime(s)
  return struct.pack('<ddddddddddd', s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2, s.trues, s.last_at, s.last,
    s.arrival)
end

-- A set of last-seen times that holds nothing and has no TTL yet.
local function empty_seen()
  return { fed_at = -INFINITE, expires_at = -INFINITE }
end

local function unpack_seen(raw, at)
  local s = {}
  s.fed_at, s.expires_at = struct.unpack('<dd', raw, at)
  return s
end

local function new_log(call, view)
  local log = { revision = 0, as_of = -INFINITE, valid_until = INFINITE, last_event_at = -INFINITE, event_seq = 0,
    complete_since = call.complete_since[view.index], expires_at = -INFINITE, vector = '', lifetimes = {}, seen = {},
    cells = '', cells_stored = false }
  for i = 1, #view.lifetimes do log.lifetimes[i] = empty_aggregate() end
  for i = 1, #view.seen do log.seen[i] = empty_seen() end
  return log
end

-- The reply for a log of another layout, which must be brought up to date first; nil for one of this layout.
local function other_layout(view, raw)
  if #raw < HEADER_BYTES then error({ err = 'this is no log' }) end
  local layout = string.sub(raw, 1, 8)
  if layout ~= view.layout then return 'L' .. layout end
  if #raw < HEADER_BYTES + 8 * #view.features then error({ err = 'this log is cut off' }) end
end

local function parse_fixed_header(log, raw)
  log.revision, log.as_of, log.valid_until, log.last_event_at, log.event_seq, log.complete_since, log.expires_at =
    struct.unpack('<ddddddd', raw, 9)
end

local function parse_log(view, raw)
  local log = { lifetimes = {}, seen = {} }
  parse_fixed_header(log, raw)
  local features, lifetimes = #view.features, #view.lifetimes
  log.vector = string.sub(raw, VECTOR_AT, HEADER_BYTES + 8 * features)
  for i = 1, lifetimes do
    log.lifetimes[i] = unpack_lifetime(raw, header_bytes(features, i - 1, 0) + 1)
  end
  for i = 1, #view.seen do
    log.seen[i] = unpack_seen(raw, header_bytes(features, lifetimes, i - 1) + 1)
  end
  log.cells = string.sub(raw, header_bytes(features, lifetimes, #view.seen) + 1)
  if #log.cells % view.cell_bytes ~= 0 then error({ err = 'this log ends within a cell' }) end
  log.cells_stored = true
  return log
end

local function pack_header(view, log)
  local parts = { struct.pack('<c8ddddddd', view.layout, log.revision, log.as_of, log.valid_until, log.last_event_at,
    log.event_seq, log.complete_since, log.expires_at), log.vector }
  for _, lifetime in ipairs(log.lifetimes) do parts[#parts + 1] = pack_lifetime(lifetime) end
  for _, seen in ipairs(log.seen) do parts[#parts + 1] = struct.pack('<dd', seen.fed_at, seen.expires_at) end
  return table.concat(parts)
end

-- The entity's now: the store's, or its newest event's; never before the last fold.
local function now_of(call, as_of)
  if call.event_clock then return as_of end
  return math.max(call.millis, as_of)
end

local function cell_count(view, log)
  return #log.cells / view.cell_bytes
end

local function cell_time(view, log, index)
  return (struct.unpack('<d', log.cells, (index - 1) * view.cell_bytes + 1))
end

-- Index of the first cell whose time is past `limit`; all before it are at or before.
local function first_after(view, log, limit)
  local low, high = 1, cell_count(view, log) + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cell_time(view, log, middle) > limit then high = middle else low = middle + 1 end
  end
  return low
end

-- Where the cell of an id stands, if the log holds it. Only a hit at an id's own place counts.
local function search_cell(view, log, id)
  local from = 1
  while true do
    local at = string.find(log.cells, id, from, true)
    if not at then return nil end
    if (at - 1) % view.cell_bytes == ID_AT_IN_CELL then return at - ID_AT_IN_CELL end
    from = at + 1
  end
end

-- Where each cell stands, by its id; of two with one id, the newer.
local function index_cells(view, log)
  local index, cells = {}, log.cells
  for at = 1, #cells, view.cell_bytes do
    index[string.sub(cells, at + ID_AT_IN_CELL, at + ID_AT_IN_CELL + 7)] = at
  end
  return index
end

-- Order of cells: by time, then by id, read as two numbers because strings compare by the server's locale.
local function is_before(a, b)
  if a.time ~= b.time then return a.time < b.time end
  local a_low, a_high = struct.unpack('<I4I4', a.id)
  local b_low, b_high = struct.unpack('<I4I4', b.id)
  if a_high ~= b_high then return a_high < b_high end
  return a_low < b_low
end

-- Index of the first cell that comes after this one.
local function place_of(view, log, cell)
  local low, high = 1, cell_count(view, log) + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local time, id = struct.unpack('<dc8', log.cells, (middle - 1) * view.cell_bytes + 1)
    if is_before(cell, { time = time, id = id }) then high = middle else low = middle + 1 end
  end
  return low
end

-- Puts new cells in their places.
local function insert_cells(view, log, fresh)
  if #fresh > 1 then table.sort(fresh, is_before) end
  local cells, parts, from = log.cells, {}, 1
  for _, cell in ipairs(fresh) do
    local at = (place_of(view, log, cell) - 1) * view.cell_bytes + 1
    if at > from then parts[#parts + 1] = string.sub(cells, from, at - 1) end
    parts[#parts + 1] = cell.packed
    from = at
  end
  if from <= #cells then parts[#parts + 1] = string.sub(cells, from) end
  log.cells = table.concat(parts)
  log.cells_stored = false
end
