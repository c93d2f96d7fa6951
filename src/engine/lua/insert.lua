-- Putting events into the log: in order at its end, or late in their places.

local TAKEN_AS_NOW = 2147483648 -- the flag of a single whose time the store chose, so that a retry's own time is no difference
local TAKEN_OVER = 1073741824 -- the flag of one of an older layout, which may not have kept all that a retry tells
local OWN_FLAGS = 536870911 -- the flags that are the view's

local function pack_single(view, row)
  return struct.pack('<dc8I4', row.time, row.id, row.flags)
    .. struct.pack(view.columns_format, unpack(row.columns, 1, view.column_count)) .. row.values_packed
end

-- The single that a row becomes, as it is unpacked.
local function single_of(view, row)
  return { row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count) }
end

-- Takes the event in cell `number` into the groups in whose windows that cell is.
local function take_into_groups(log, number, single)
  local s = log.s
  for _, group in ipairs(log.view.groups) do
    if s[group.ends.at + POSITION] <= number and (not group.begins or s[group.begins.at + POSITION] > number) then
      local n, sum, rest, least, most, spread, trues = single_part(group.lane, single)
      if n > 0 then grow(s, group, n, sum, rest, least, most, spread, trues) end
    end
  end
end

-- Writes singles, packed one after the other, behind all others; and their marks.
local function append_singles(log, count, marks, singles)
  local s, view = log.s, log.view
  local book = view.book
  if not log.singles and s[book + SINGLES] + count > s[book + SINGLE_SLOTS] then
    load_singles(log)
    log.rewrite = not is_crowded(log.call, log, count) -- else compaction stores what it leaves
  end
  if log.singles then
    log.marks, log.singles = log.marks .. marks, log.singles .. singles
  else
    patch(log, single_offset(log, s[book + SINGLES]), singles)
    marks_of(log) -- what was appended before is in its place
    log.appended, log.appended_at = marks, mark_offset(log, s[book + SINGLES])
    redis.call('SETRANGE', log.key, log.appended_at, marks)
  end
  s[book + SINGLES] = s[book + SINGLES] + count
end

-- Appends events that stand after all others, and in order.
local function append(call, log, rows, now)
  local s, view = log.s, log.view
  local number, marks, singles = cell_count(log), {}, {}
  for i, row in ipairs(rows) do
    marks[i], singles[i] = marks_of_id(view, row.id), pack_single(view, row)
    view.enter(log, s, number + i - 1, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
  end
  append_singles(log, #rows, table.concat(marks), table.concat(singles))
  look_for_all(log) -- some may be of one moment
  for i, row in ipairs(rows) do sight(call, log, row, number - s[view.book + TILES] + i - 1, now) end
end

-- Puts an event that is late, but newer than the tiles, among the singles.
local function insert_single(call, log, row, j, now)
  local s, view = log.s, log.view
  local book = view.book
  local singles, number = s[book + SINGLES], s[book + TILES] + j
  if not log.singles and (not marks_of(log) or singles + 1 > s[book + SINGLE_SLOTS]) then
    load_singles(log)
    log.rewrite = true
  end
  erase_marks(log)
  local mark, cell, mark_bytes = marks_of_id(view, row.id), pack_single(view, row), view.mark_bytes
  if log.singles then
    local marks_at, cells_at = mark_bytes * j, view.single_bytes * j
    log.marks = sub(log.marks, 1, marks_at) .. mark .. sub(log.marks, marks_at + 1)
    log.singles = sub(log.singles, 1, cells_at) .. cell .. sub(log.singles, cells_at + 1)
  else
    local marks_at, cells_at = mark_offset(log, j), single_offset(log, j)
    local later_marks = sub(log.raw, marks_at + 1, marks_at + mark_bytes * (singles - j))
    local text, from = stored(log, cells_at, view.single_bytes * (singles - j))
    local later_cells = sub(text, from, from + view.single_bytes * (singles - j) - 1)
    patch(log, cells_at, cell .. later_cells)
    redis.call('SETRANGE', log.key, marks_at, mark .. later_marks)
    log.raw = sub(log.raw, 1, marks_at) .. mark .. later_marks .. sub(log.raw, marks_at + mark_bytes * (singles - j + 1) + 1)
  end
  s[book + SINGLES] = singles + 1
  shift_edges(log, number, row.time)
  take_into_groups(log, number, single_of(view, row))
  look_for_all(log)
  sight(call, log, row, j, now)
end

-- Puts an event that is older than the newest one in a tile into its own stretch's tile, a new one if there is none.
local function insert_into_tiles(call, log, row, now)
  local s, view, single = log.s, log.view, single_of(log.view, row)
  local book = view.book
  local from, to = stretch_of(view, row.time, s[book + COMPACTED_AT])
  local number, tiles = first_tile_from(log, from), s[book + TILES]
  local tile = number < tiles and tile_at(log, number)
  look_for_all(log)
  sight_among_tiles(call, log, row, now)

  if tile and tile[1] < to then
    for e = #view.edges, 1, -1 do -- the oldest first, so that no group gives what it does not hold
      local position = s[view.edges[e].at + POSITION]
      if position == number or position == number + 1 then retreat(log, view.edges[e], number, tile) end
    end
    take_into_groups(log, number, single)
    view.add(tile, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
    for _, edge in ipairs(view.edges) do
      if s[edge.at + POSITION] == number then s[edge.at + NEXT] = tile[1] + edge.age end
    end
    local packed = pack_tile(view, tile)
    if log.tiles then
      load_tiles(log, 0)
      local at = view.tile_bytes * number
      log.tiles = sub(log.tiles, 1, at) .. packed .. sub(log.tiles, at + view.tile_bytes + 1)
    else
      patch(log, tile_offset(log, number), packed)
    end
    return
  end

  tile = view.empty_tile()
  view.add(tile, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
  if not log.tiles and tiles + 1 > s[book + TILE_SLOTS] then
    load_cells(log)
    log.rewrite = true
  end
  local packed = pack_tile(view, tile)
  if log.tiles then
    load_tiles(log, 0)
    local at = view.tile_bytes * number
    log.tiles = sub(log.tiles, 1, at) .. packed .. sub(log.tiles, at + 1)
  else
    local at = tile_offset(log, number)
    local bytes = view.tile_bytes * (tiles - number)
    if bytes > 0 then patch(log, at + view.tile_bytes, (redis.call('GETRANGE', log.key, at, at + bytes - 1))) end
    patch(log, at, packed)
  end
  s[book + TILES] = tiles + 1
  shift_edges(log, number, row.time)
  take_into_groups(log, number, single)
end

-- Puts new events into the log, whatever their times.
local function insert(call, log, rows, now)
  local s, view = log.s, log.view
  local book = view.book
  if #rows > 1 then
    table.sort(rows, function(a, b) return is_before(a.time, a.high, a.low, b.time, b.high, b.low) end)
  end
  local i, count = 1, #rows
  local ids, times, flags = {}, {}, {} -- of those that are in tiles
  while i <= count do
    local row = rows[i]
    if is_before(row.time, row.high, row.low, s[book + FRONTIER], s[book + FRONTIER_HIGH], s[book + FRONTIER_LOW]) then
      insert_into_tiles(call, log, row, now)
      ids[i], times[i], flags[i] = row.id, row.time, row.flags
    else
      local j = place_among_singles(log, row)
      if j == s[book + SINGLES] then break end
      insert_single(call, log, row, j, now)
    end
    i = i + 1
  end
  if #ids > 0 then
    remember(call, log, ids, times, now)
    note_labels(call, log, ids, times, flags, now)
  end
  if i == 1 then
    append(call, log, rows, now)
  elseif i <= count then
    local later = {}
    for k = i, count do later[k - i + 1] = rows[k] end
    append(call, log, later, now)
  end
end

return pack_single, append_singles, insert
