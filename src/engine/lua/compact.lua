-- Compaction: all events but the newest are put together, each with those of its stretch of time. The stretches are tiles
-- of a grid (see grid.ts): the older, the wider. A stretch is widened only once the whole of it is old enough, so that
--
--   compact(compact(A, t1) + B, t2) = compact(A + B, t2)     for t1 <= t2
--
-- whatever A and B: which events share a cell depends on their times, on t2, and on which are the newest, and tiles of
-- finer stretches are added up to the same as their events.

local SPARE_SINGLES = 2 -- compaction waits for half as many again as it leaves (see `is_crowded`)

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

-- A tile of nothing yet.
local function empty_tile(view)
  local tile = { INFINITE, -INFINITE, 0, 0, 0 }
  for _, lane in ipairs(view.lanes) do
    local places = lane.tile
    if places.n ~= 3 then tile[places.n] = 0 end
    if places.trues then tile[places.trues] = 0 end
    if places.sum then tile[places.sum], tile[places.sum + 1] = 0, 0 end
    if places.least then tile[places.least], tile[places.least + 1] = INFINITE, -INFINITE end
    if places.spread then tile[places.spread] = 0 end
    if places.newest then tile[places.newest] = NULL end
    if places.newest_at and places.newest_at ~= 2 then tile[places.newest_at] = -INFINITE end
    if places.oldest then tile[places.oldest] = NULL end
    if places.oldest_at and places.oldest_at ~= 1 then tile[places.oldest_at] = INFINITE end
  end
  return tile
end

-- Adds what a cell tells of a lane to a tile's lane. The tile's own number of events is not yet what it will be.
local function add_part(tile, places, n, sum, rest, least, most, spread, trues)
  local before = tile[places.n]
  if places.spread then
    if before > 0 then
      local distance = (sum + rest) / n - (tile[places.sum] + tile[places.sum + 1]) / before
      spread = spread + tile[places.spread] + distance * distance * before * n / (before + n)
    end
    tile[places.spread] = spread
  end
  if places.sum then
    local had = tile[places.sum]
    local total = had + sum
    local added = total - had
    tile[places.sum] = total
    tile[places.sum + 1] = tile[places.sum + 1] + ((had - (total - added)) + (sum - added)) + rest
  end
  if places.least then
    if least < tile[places.least] then tile[places.least] = least end
    if most > tile[places.least + 1] then tile[places.least + 1] = most end
  end
  if places.trues then tile[places.trues] = tile[places.trues] + trues end
  if places.n ~= 3 then tile[places.n] = before + n end
end

-- Adds so many events to a tile's, from `first` to `last`, by how far their mean is past `first` and the squared distances
-- from it. (A mean of times themselves would have no digits left for parts of a millisecond.)
local function add_times(tile, n, first, last, past_first, spread)
  local before = tile[3]
  local begins = min(first, tile[1])
  local mean = before > 0 and tile[1] - begins + tile[4] or 0
  local distance = first - begins + past_first - mean
  tile[1], tile[2], tile[3] = begins, max(last, tile[2]), before + n
  tile[4] = mean + distance * n / tile[3]
  tile[5] = tile[5] + spread + distance * distance * before * n / tile[3]
end

-- Notes a value as that of a tile's newest event, if it is: of several at one moment, the greatest.
local function add_newest(tile, places, time, value)
  local newest_at = tile[places.newest_at]
  if time < newest_at or time == newest_at and value <= tile[places.newest] then return end
  tile[places.newest] = value
  if places.newest_at ~= 2 then tile[places.newest_at] = time end
end

-- The same of its oldest event: of several at one moment, the least.
local function add_oldest(tile, places, time, value)
  local oldest_at = tile[places.oldest_at]
  if time > oldest_at or time == oldest_at and value >= tile[places.oldest] then return end
  tile[places.oldest] = value
  if places.oldest_at ~= 1 then tile[places.oldest_at] = time end
end

-- Adds a single to a tile.
local function add_single(view, tile, single)
  local time = single[1]
  for _, lane in ipairs(view.lanes) do
    local n, sum, rest, least, most, spread, trues = single_part(lane, single)
    if n > 0 then
      local places = lane.tile
      if places.newest then add_newest(tile, places, time, lane.column < 0 and time or single[3 + lane.column]) end
      if places.oldest then add_oldest(tile, places, time, lane.column < 0 and time or single[3 + lane.column]) end
      add_part(tile, places, n, sum, rest, least, most, spread, trues)
    end
  end
  add_times(tile, 1, time, time, 0, 0)
end

-- Adds a tile to one that comes before it.
local function add_tile(view, tile, later)
  for _, lane in ipairs(view.lanes) do
    local places = lane.tile
    local n, sum, rest, least, most, spread, trues = tile_part(lane, later, later[3])
    if n > 0 then
      if places.newest then add_newest(tile, places, later[places.newest_at], later[places.newest]) end
      if places.oldest then add_oldest(tile, places, later[places.oldest_at], later[places.oldest]) end
      add_part(tile, places, n, sum, rest, least, most, spread, trues)
    end
  end
  add_times(tile, later[3], later[1], later[2], later[4], later[5])
end

-- How many singles compaction leaves: as many as the longest list of the view, at least.
local function singles_left(call, view)
  return max(call.singles, view.fewest_singles)
end

-- Whether there are so many singles that the older ones should be put together.
local function is_crowded(call, log)
  local left = singles_left(call, log.view)
  return log.s[log.view.book + SINGLES] > left + floor(left / SPARE_SINGLES)
end

-- Puts cells together as of `now`. Edges are taken back to before any cell that becomes part of another.
local function compact(call, log, now)
  load_cells(log)
  local s, view = log.s, log.view
  local book = view.book
  local left = singles_left(call, view)
  local moving = drop_retracted(call, log, s[book + SINGLES] - left, now)
  if moving == 0 then return end
  call.done = call.done + MUCH_WORK
  local tiles = s[book + TILES]

  local pieces, written = {}, 0 -- the new tiles, packed, and how many they are
  local open, open_to = nil, nil -- the cell that is being put together, and where its stretch ends
  local moved = {} -- for each old cell that is looked at: the number of the new cell that it became part of
  local first_of = {} -- for each new cell made of several: the number of the first old one
  local copied = {} -- runs of old cells that stay as they are: from, to (exclusive), and by how much they shift

  local function close()
    if not open then return end
    pieces[#pieces + 1] = pack_tile(view, open)
    open = nil
  end
  local function copy(from, to)
    if from >= to then return end
    close()
    pieces[#pieces + 1] = sub(log.tiles, from * view.tile_bytes + 1, to * view.tile_bytes)
    copied[#copied + 1] = { from, to, written - from }
    written = written + to - from
  end
  local function take(number, time, add, cell)
    if not open or time >= open_to then
      close()
      local _
      _, open_to = stretch_of(view, time, now)
      open = empty_tile(view)
      written = written + 1
      first_of[written - 1] = number
    end
    add(view, open, cell)
    moved[number] = written - 1
  end

  -- Tiles that have come of age for a wider stretch lie, for each level, between where its age was when stretches were
  -- last chosen and where it is now; and the first of the moving singles may share the last tile's stretch.
  local before, at = s[book + COMPACTED_AT], 0
  for l = #view.grid, 2, -1 do
    local level = view.grid[l]
    local to = floor((now - level.age) / level.size) * level.size
    local from = floor((before - level.age) / level.size) * level.size
    local first, last = first_tile_from(log, from), first_tile_from(log, to)
    first = max(first, at)
    if last > first then
      copy(at, first)
      for number = first, last - 1 do
        local tile = tile_at(log, number)
        take(number, tile[1], add_tile, tile)
      end
      at = last
    end
  end
  local single = unpack_single(view, singles_at(log, 0, 1))
  local shared = max(at, first_tile_from(log, (stretch_of(view, single[1], now))))
  copy(at, shared)
  for number = shared, tiles - 1 do
    local tile = tile_at(log, number)
    take(number, tile[1], add_tile, tile)
  end
  local movers = {}
  for j = 0, moving - 1 do
    if j > 0 then single = unpack_single(view, singles_at(log, j, 1)) end
    movers[j + 1] = single
    take(tiles + j, single[1], add_single, single)
  end
  close()
  remember(call, log, movers, now)
  note_labels(call, log, movers, now)
  take_sightings(call, log, moving, now)

  -- Edges within what was put together go back to before it: the oldest first, so that no group gives what it does not hold.
  for e = #view.edges, 1, -1 do
    local edge = view.edges[e]
    local position = s[edge.at + POSITION]
    if position >= tiles + moving then
      s[edge.at + POSITION] = position - (tiles + moving) + written
      -- the last tile may hold what is yet to pass, or have passed as it was
    else
      local became = moved[position]
      if became then
        local begins = first_of[became]
        if s[edge.at + PART] > 0 then
          pass_tile(log, edge, tile_at(log, position), s[edge.at + PART], 0)
          s[edge.at + PART] = 0
        end
        for number = position - 1, begins, -1 do
          if number < tiles then
            local tile = tile_at(log, number)
            pass_tile(log, edge, tile, tile[3], 0)
          else
            edge.unpass(log, s, struct.unpack(view.single_format, singles_at(log, number - tiles, 1)))
          end
        end
        s[edge.at + POSITION], s[edge.at + NEXT] = became, -INFINITE
      else
        for _, run in ipairs(copied) do
          if position >= run[1] and position < run[2] then s[edge.at + POSITION] = position + run[3] end
        end
      end
    end
  end

  s[book + FRONTIER] = single[1]
  s[book + FRONTIER_HIGH], s[book + FRONTIER_LOW] = halves(single[2])
  s[book + COMPACTED_AT] = now
  s[book + TILES], s[book + SINGLES] = written, left
  for _, f in ipairs(view.lists) do log.scans[f] = true end -- what they list may be in a tile now
  log.tiles = table.concat(pieces)
  log.marks = sub(log.marks, view.mark_bytes * moving + 1)
  log.singles = sub(log.singles, view.single_bytes * moving + 1)
  log.rewrite = true
end

return singles_left, is_crowded, stretch_of, empty_tile, add_single, compact
