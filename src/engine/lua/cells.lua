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

-- A stretch of the stored log that must be there.
local function load_stretch(log, offset, bytes)
  if bytes <= 0 then return '' end
  local text = redis.call('GETRANGE', log.key, offset, offset + bytes - 1)
  if #text < bytes then error({ err = 'this log is cut off' }) end
  return text
end

-- Loads the tiles from number `from` on.
local function load_tiles(log, from)
  if log.tiles and log.tiles_from <= from then return end
  local bytes, to = log.view.tile_bytes, log.tiles and log.tiles_from or log.s[log.view.book + TILES]
  log.tiles = load_stretch(log, tile_offset(log, from), bytes * (to - from)) .. (log.tiles or '')
  log.tiles_from = from
end

-- Tiles from number i on, and where in the string the first begins. Before those that are loaded, the stored ones hold.
local function tiles_at(log, i, count)
  local bytes = log.view.tile_bytes
  if not log.tiles or i + count <= log.tiles_from then return stored(log, tile_offset(log, i), count * bytes) end
  load_tiles(log, i)
  return log.tiles, (i - log.tiles_from) * bytes + 1
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
  if number < tiles then return (struct.unpack('<i7', tiles_at(log, number, 1))) end
  return (struct.unpack('<d', singles_at(log, number - tiles, 1)))
end

-- Loads all singles and their marks, for what works on many of them. What changes in them is written with the whole log
-- (`rewrite`), or by compaction.
local function load_singles(log)
  if log.singles then return end
  local view, singles = log.view, log.s[log.view.book + SINGLES]
  log.marks = load_stretch(log, mark_offset(log, 0), view.mark_bytes * singles)
  log.singles = load_stretch(log, single_offset(log, 0), view.single_bytes * singles)
end

local function load_cells(log)
  load_singles(log)
  load_tiles(log, 0)
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
    if at + #log.appended - 1 <= #log.raw then
      log.raw = overwritten(log.raw, at, log.appended)
    else
      log.raw, log.raw_until = sub(log.raw, 1, at - 1), min(log.raw_until or at - 1, at - 1)
    end
    log.appended = nil
  end
  if offset + log.view.mark_bytes * log.s[log.view.book + SINGLES] > (log.raw_until or #log.raw) then return nil end
  return log.raw, offset + 1
end

-- Puts `no mark` into the marks that were read wherever it stands by now.
local function erase_marks(log)
  local numbers = {}
  for number in pairs(log.erased) do numbers[#numbers + 1] = number end
  local text, begin = marks_of(log)
  if #numbers == 0 or not text then return end
  log.erased = {}
  table.sort(numbers)
  local parts, from = {}, 1
  for _, number in ipairs(numbers) do
    local at = begin + MARK_BYTES * number
    parts[#parts + 1] = sub(text, from, at - 1)
    parts[#parts + 1] = NO_MARK
    from = at + MARK_BYTES
  end
  parts[#parts + 1] = sub(text, from)
  text = table.concat(parts)
  if log.marks then log.marks = text else log.raw = text end
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

-- The number of a mark among all marks of all singles.
local function mark_number(log, j, place)
  return j * log.view.mark_bytes / MARK_BYTES + place
end

-- As `find_mark`, of a log.
local function marked_from(log, j, mark, place)
  local marks, begin = marks_of(log)
  if not marks then
    load_singles(log)
    log.rewrite = true -- what is put in goes among the loaded cells
    marks, begin = log.marks, 1
  end
  repeat
    j = find_mark(marks, begin, log.s[log.view.book + SINGLES], log.view.mark_bytes, j, mark, place)
    if not j or not log.erased[mark_number(log, j, place)] then return j end
    j = j + 1
  until false
end

-- A single's mark in a place.
local function mark_at(log, j, place)
  if log.erased[mark_number(log, j, place)] then return NO_MARK end
  local at = mark_offset(log, j) + MARK_BYTES * place + 1
  if log.marks then
    at = at - mark_offset(log, 0)
    return sub(log.marks, at, at + MARK_BYTES - 1)
  end
  if log.appended and at > log.appended_at then
    return sub(log.appended, at - log.appended_at, at - log.appended_at + MARK_BYTES - 1)
  end
  if at + MARK_BYTES - 1 <= (log.raw_until or #log.raw) then return sub(log.raw, at, at + MARK_BYTES - 1) end
  return redis.call('GETRANGE', log.key, at - 1, at + MARK_BYTES - 2)
end

-- Of marks that are taken out it is only noted (`log.erased`, by number) what the string that was read does not show yet.
local function set_mark(log, j, place, mark)
  local at = mark_offset(log, j) + MARK_BYTES * place + 1
  if log.marks then log.rewrite = true else redis.call('SETRANGE', log.key, at - 1, mark) end
  if mark == NO_MARK then
    log.erased[mark_number(log, j, place)] = true
    return
  end
  erase_marks(log)
  local text, begin = marks_of(log)
  if not text then return end
  text = overwritten(text, begin + at - 1 - mark_offset(log, 0), mark)
  if log.marks then log.marks = text else log.raw = text end
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

return NO_MARK, NO_VALUE, stored, patch, mark_offset, single_offset, tile_offset, singles_at, load_tiles, tiles_at,
  unpack_single, tile_at, pack_tile, cell_count, first_time, load_singles, load_cells, halves, is_before, is_among_tiles,
  place_among_singles, first_tile_from, marks_of, erase_marks, find_mark, marked_from, mark_at, set_mark, find_single
