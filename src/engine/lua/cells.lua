-- Cells: where they stand in the log, and reading them. Most calls read a few; what rewrites the log loads all of them.

local MARK_BYTES = 4 -- of each mark of a single
local NO_MARK = '\0\0\0\0'
local RETRACTED = 536870912 -- the flag of a single that counts no more, and only keeps its id known (see retract.lua)
local NO_VALUE = '\0\0\0\0\0\0\0\0' -- stands for a distinct value that an event does not have

-- A stretch of the stored log, and where in the string it begins: what was read with the header, or read now.
local function stored(log, offset, bytes)
  if offset + bytes <= (log.raw_until or #log.raw) then return log.raw, offset + 1 end
  return redis.call('GETRANGE', log.key, offset, offset + bytes - 1), 1
end

-- Writes into the stored log. What was read with the header no longer holds from there on.
local function patch(log, offset, bytes)
  redis.call('SETRANGE', log.key, offset, bytes)
  log.raw_until = min(log.raw_until or #log.raw, offset)
end

local function mark_offset(log, j)
  local view = log.view
  return view.header_bytes + view.mark_bytes * j
end

local function single_offset(log, j)
  local view = log.view
  return view.header_bytes + view.mark_bytes * log.s[view.book + SINGLE_SLOTS] + view.single_bytes * j
end

local function tile_offset(log, i)
  local view = log.view
  return view.header_bytes + view.slot_bytes * log.s[view.book + SINGLE_SLOTS] + view.tile_bytes * i
end

-- Singles from number j on (counted from 0 among singles), and where in the string the first begins.
local function singles_at(log, j, count)
  local bytes = log.view.single_bytes
  if log.singles then return log.singles, j * bytes + 1 end
  return stored(log, single_offset(log, j), count * bytes)
end

local function tiles_at(log, i, count)
  local bytes = log.view.tile_bytes
  if log.tiles then return log.tiles, i * bytes + 1 end
  return stored(log, tile_offset(log, i), count * bytes)
end

local function unpack_single(view, text, at)
  return { struct.unpack(view.single_format, text, at) }
end

local function tile_at(log, i)
  local text, at = tiles_at(log, i, 1)
  return { struct.unpack(log.view.tile_format, text, at) }
end

local function pack_tile(view, tile)
  return struct.pack(view.tile_format, unpack(tile, 1, view.tile_fields))
end

local function cell_count(log)
  local s, book = log.s, log.view.book
  return s[book + TILES] + s[book + SINGLES]
end

-- The time of the first event in a cell.
local function first_time(log, number)
  local tiles = log.s[log.view.book + TILES]
  local text, at
  if number < tiles then text, at = tiles_at(log, number, 1) else text, at = singles_at(log, number - tiles, 1) end
  return (struct.unpack('<d', text, at))
end

-- Loads all cells, for what works on many of them.
local function load_cells(log)
  if log.singles then return end
  local s, view = log.s, log.view
  local book = view.book
  local text = redis.call('GET', log.key)
  local marks_from, singles_from, tiles_from = mark_offset(log, 0), single_offset(log, 0), tile_offset(log, 0)
  log.marks = sub(text, marks_from + 1, marks_from + view.mark_bytes * s[book + SINGLES])
  log.singles = sub(text, singles_from + 1, singles_from + view.single_bytes * s[book + SINGLES])
  log.tiles = sub(text, tiles_from + 1, tiles_from + view.tile_bytes * s[book + TILES])
  if #log.singles < view.single_bytes * s[book + SINGLES] or #log.tiles < view.tile_bytes * s[book + TILES] then
    error({ err = 'this log is cut off' })
  end
end

-- The halves of an id, as numbers: strings compare by the server's locale.
local function halves(id)
  local low, high = struct.unpack('<I4I4', id)
  return high, low
end

-- Whether one event stands before another: by time, then by id.
local function is_before(a_time, a_high, a_low, b_time, b_high, b_low)
  if a_time ~= b_time then return a_time < b_time end
  if a_high ~= b_high then return a_high < b_high end
  return a_low < b_low
end

-- Whether an event stands among those that are in tiles: it is the newest of them, or before that.
local function is_among_tiles(log, time, high, low)
  local s, book = log.s, log.view.book
  return not is_before(s[book + FRONTIER], s[book + FRONTIER_HIGH], s[book + FRONTIER_LOW], time, high, low)
end

-- The number, among the singles, of the first that stands after an event. Events mostly come last.
local function place_among_singles(log, row)
  local low, high = 0, log.s[log.view.book + SINGLES]
  local middle = high - 1
  while low < high do
    local text, at = singles_at(log, middle, 1)
    local time, id = struct.unpack('<dc8', text, at)
    local id_high, id_low = halves(id)
    if is_before(row.time, row.high, row.low, time, id_high, id_low) then high = middle else low = middle + 1 end
    middle = floor((low + high) / 2)
  end
  return low
end

-- The number of the first tile that begins at `time` or later.
local function first_tile_from(log, time)
  local low, high = 0, log.s[log.view.book + TILES]
  while low < high do
    local middle = floor((low + high) / 2)
    if first_time(log, middle) >= time then high = middle else low = middle + 1 end
  end
  return low
end

-- Puts `bytes` in the place of as many in a string, from `at` on.
local function overwritten(text, at, bytes)
  return sub(text, 1, at - 1) .. bytes .. sub(text, at + #bytes)
end

-- The marks of all singles, and where in the string the first begins; nil if they were not read with the header.
local function marks_of(log)
  if log.marks then return log.marks, 1 end
  local offset = mark_offset(log, 0)
  if log.appended then -- they were read before
    local at = log.appended_at + 1
    log.raw = at + #log.appended <= #log.raw and overwritten(log.raw, at, log.appended) or sub(log.raw, 1, at - 1)
    log.appended = nil
  end
  if log.changed then
    for at, mark in pairs(log.changed) do log.raw = overwritten(log.raw, at, mark) end
    log.changed = nil
  end
  if offset + log.view.mark_bytes * log.s[log.view.book + SINGLES] > (log.raw_until or #log.raw) then return nil end
  return log.raw, offset + 1
end

-- In a text, the number of the first single from number j on, of `count` whose marks begin at `begin`, that has this mark in a
-- place (0: of its id; else of a set of last-seen times); nil if none has.
local function find_mark(text, begin, count, bytes, j, mark, place)
  local last = begin + bytes * count - 1
  local at = string.find(text, mark, begin + bytes * j, true)
  while at and at <= last do
    if (at - begin) % bytes == MARK_BYTES * place then return floor((at - begin) / bytes) end
    at = string.find(text, mark, at + 1, true)
  end
end

-- The same of a log.
local function marked_from(log, j, mark, place)
  local marks, begin = marks_of(log)
  if not marks then
    load_cells(log)
    log.rewrite = true -- what is put in goes among the loaded cells
    marks, begin = log.marks, 1
  end
  return find_mark(marks, begin, log.s[log.view.book + SINGLES], log.view.mark_bytes, j, mark, place)
end

-- A single's mark in a place.
local function mark_at(log, j, place)
  local at = mark_offset(log, j) + MARK_BYTES * place + 1
  if log.marks then
    at = at - mark_offset(log, 0)
    return sub(log.marks, at, at + MARK_BYTES - 1)
  end
  if log.changed and log.changed[at] then return log.changed[at] end
  if log.appended and at > log.appended_at then
    return sub(log.appended, at - log.appended_at, at - log.appended_at + MARK_BYTES - 1)
  end
  if at + MARK_BYTES - 1 <= (log.raw_until or #log.raw) then return sub(log.raw, at, at + MARK_BYTES - 1) end
  return redis.call('GETRANGE', log.key, at - 1, at + MARK_BYTES - 2)
end

local function set_mark(log, j, place, mark)
  local at = mark_offset(log, j) + MARK_BYTES * place + 1
  if log.marks then
    log.marks, log.rewrite = overwritten(log.marks, at - mark_offset(log, 0), mark), true
    return
  end
  redis.call('SETRANGE', log.key, at - 1, mark)
  log.changed = log.changed or {} -- the string that was read is brought up to date when it is looked through again
  log.changed[at] = mark
end

-- The single that holds an id, by its number among the singles, and the single itself; nil if none does. The newest, where an
-- older one of that id waits to be dropped.
local function find_single(log, id)
  local mark, number, found = sub(id, 1, MARK_BYTES), nil, nil
  local j = marked_from(log, 0, mark, 0)
  while j do
    local single = unpack_single(log.view, singles_at(log, j, 1))
    if single[2] == id then number, found = j, single end
    j = marked_from(log, j + 1, mark, 0)
  end
  return number, found
end
