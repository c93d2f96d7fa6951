-- Compaction: all events but the newest are put together, each with those of its stretch of time. The stretches are tiles
-- of a grid (see grid.ts): the older, the wider. A stretch is widened only once the whole of it is old enough, so that
--
--   compact(compact(A, t1) + B, t2) = compact(A + B, t2)     for t1 <= t2
--
-- whatever A and B: which events share a cell depends on their times, on t2, and on which are the newest, and tiles of
-- finer stretches are added up to the same as their events.

-- Where the stretch of an event begins and ends, when chosen at `moment`: the widest that is old enough as a whole.
local function stretch_of(view, time, moment)
  local from, to
  for _, level in ipairs(view.grid) do
    local begins = floor(time / level.size) * level.size
    if from and moment - (begins + level.size) < level.age then break end
    from, to = begins, begins + level.size
  end
  return from, to
end

-- Tiles that have come of age for a wider stretch lie, for each level, between where its age was when stretches were last chosen
-- and where it is now; and the last one may share the stretch of the first single that moves. Returns these ranges, oldest first:
-- from, to (exclusive).
local function tiles_to_merge(log, now)
  local s, view = log.s, log.view
  local before, tiles = s[view.book + COMPACTED_AT], s[view.book + TILES]
  local ranges, at = {}, 0
  for l = #view.grid, 2, -1 do
    local level = view.grid[l]
    local to = floor((now - level.age) / level.size) * level.size
    local from = floor((before - level.age) / level.size) * level.size
    if to > from and tiles > 0 then
      local first, last = max(at, first_tile_from(log, from)), first_tile_from(log, to)
      if last > first then
        ranges[#ranges + 1] = { first, last }
        at = last
      end
    end
  end
  local begins = stretch_of(view, first_time(log, tiles), now)
  ranges[#ranges + 1] = { max(at, first_tile_from(log, begins)), tiles }
  return ranges
end

-- Stores singles and tiles, these from number `kept` on, where they have room: the rest of the log is as it was.
local function store_cells(log, kept)
  local s, view = log.s, log.view
  erase_marks(log)
  redis.call('SETRANGE', log.key, mark_offset(log, 0), log.marks)
  redis.call('SETRANGE', log.key, single_offset(log, 0), log.singles)
  redis.call('SETRANGE', log.key, tile_offset(log, kept), log.tiles)
  log.raw_until = min(log.raw_until or #log.raw, view.header_bytes)
end

-- Puts cells together as of `now`. Edges are taken back to before any cell that becomes part of another.
local function compact(call, log, now)
  load_singles(log)
  local s, view = log.s, log.view
  local book = view.book
  local left = singles_left(call, view)
  local moving = drop_retracted(call, log, s[book + SINGLES] - left, now)
  if moving == 0 then return end
  call.done, log.compacted = call.done + MUCH_WORK, true
  local tiles = s[book + TILES]

  local ranges = tiles_to_merge(log, now)
  local kept = ranges[1][1] -- tiles before this one stay as they are
  load_tiles(log, kept)
  local pieces, written = {}, kept -- the new tiles, packed, and how many there are
  local open, open_to = nil, nil -- the cell that is being put together, and where its stretch ends
  local made = {} -- for each new cell: the numbers of the first and the last old one, and its own
  local copied = {} -- runs of old cells that stay as they are: from, to (exclusive), and by how much they shift

  local function close()
    if not open then return end
    pieces[#pieces + 1] = pack_tile(view, open)
    open = nil
  end
  local function copy(from, to)
    if from >= to then return end
    close()
    local text, at = tiles_at(log, from, to - from)
    pieces[#pieces + 1] = sub(text, at, at + (to - from) * view.tile_bytes - 1)
    copied[#copied + 1] = { from, to, written - from }
    written = written + to - from
  end
  -- Opens the cell into which an old one goes that begins at `time`.
  local function open_for(number, time)
    if not open or time >= open_to then
      close()
      local _
      _, open_to = stretch_of(view, time, now)
      open = view.empty_tile()
      made[#made + 1] = { number, number, written }
      written = written + 1
    end
  end
  local function take_tiles(from, to)
    for number = from, to - 1 do
      local tile = tile_at(log, number)
      open_for(number, tile[1])
      view.merge(open, tile)
      made[#made][2] = number
    end
  end

  local at = kept
  for _, range in ipairs(ranges) do
    copy(at, range[1])
    take_tiles(range[1], range[2])
    at = range[2]
  end
  local time = first_time(log, tiles)
  local times, ids, flags, j = {}, {}, {}, 0
  while j < moving do
    open_for(tiles + j, time)
    j, time = view.take(open, log.singles, j, moving, open_to, times, ids, flags)
    made[#made][2] = tiles + j - 1
  end
  close()
  remember(call, log, ids, times, now)
  note_labels(call, log, ids, times, flags, now)
  expect_values(log, moving)
  take_sightings(call, log, times, now)

  -- Edges within what was put together go back to before it: the oldest first, so that no group gives what it does not hold.
  for e = #view.edges, 1, -1 do
    local edge = view.edges[e]
    local position = s[edge.at + POSITION]
    if position >= tiles + moving then
      s[edge.at + POSITION] = position - (tiles + moving) + written
      -- the last tile may hold what is yet to pass, or have passed as it was
    else
      local cell = nil -- the one that it stands in now
      for _, one in ipairs(made) do
        if position >= one[1] and position <= one[2] then cell = one end
      end
      if cell then
        local begins = cell[1]
        if s[edge.at + PART] > 0 then
          pass_tile(log, edge, position, tile_at(log, position), s[edge.at + PART], 0)
          s[edge.at + PART] = 0
        end
        for number = position - 1, begins, -1 do
          if number < tiles then
            local tile = tile_at(log, number)
            pass_tile(log, edge, number, tile, tile[3], 0)
          else
            edge.unpass(log, s, struct.unpack(view.single_format, singles_at(log, number - tiles, 1)))
          end
        end
        s[edge.at + POSITION], s[edge.at + NEXT] = cell[3], -INFINITE
      else
        for _, run in ipairs(copied) do
          if position >= run[1] and position < run[2] then s[edge.at + POSITION] = position + run[3] end
        end
      end
    end
  end

  s[book + FRONTIER] = times[moving]
  s[book + FRONTIER_HIGH], s[book + FRONTIER_LOW] = halves(ids[moving])
  s[book + COMPACTED_AT] = now
  s[book + TILES], s[book + SINGLES] = written, left
  for _, f in ipairs(view.lists) do log.scans[f] = true end -- what they list may be in a tile now
  erase_marks(log)
  log.marks = sub(log.marks, view.mark_bytes * moving + 1)
  log.singles = sub(log.singles, view.single_bytes * moving + 1)
  if log.tiles_from < kept then table.insert(pieces, 1, sub(log.tiles, 1, (kept - log.tiles_from) * view.tile_bytes)) end
  log.tiles = table.concat(pieces)
  -- Whatever else was to be written whole is: all singles are stored, and of tiles those that were loaded. It may be that fewer
  -- singles were left when the log was last written whole.
  log.rewrite = call.preview or written > s[book + TILE_SLOTS] or left > s[book + SINGLE_SLOTS]
  if not log.rewrite then store_cells(log, log.tiles_from) end
end

return stretch_of, compact
