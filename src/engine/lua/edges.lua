-- Edges: the ages at which cells enter and leave windows. Each knows the first cell that has not passed it whole, and when
-- some of that cell will. A single passes at its time; a tile passes in steps: its first event and its last at their own
-- times, those between, in at most 14 more, as if they were spread evenly as wide around their mean as they are.

local STEPS = 15
local MOST_PASSED = 256 -- cells that pass one edge in one call; with more, folding anew is cheaper

-- How few and how many of a tile's events can be at or before a limit that cuts it: one at least has passed and one has not;
-- the mean of all would be elsewhere if fewer, or more, had (Markov); and so would be their spread (Cantelli).
local function passed_between(tile, limit)
  local first, last, n, mean = tile[1], tile[2], tile[3], tile[4] -- the mean is counted from the first
  local past = limit - first
  local least = max(1, n * (past + 1 - mean) / (past + 1))
  local most = min(n - 1, n * (last - first - mean) / (last - limit))
  local variance = max(0, tile[5] / n)
  if past > mean then
    local distance = past - mean
    least = max(least, n * distance * distance / (variance + distance * distance))
  else
    local distance = mean - past
    most = min(most, n * variance / (variance + distance * distance))
  end
  -- What rounding may have done to the mean and the spread is allowed for.
  return max(1, ceil(least - 1e-6 * n)), min(n - 1, floor(most + 1e-6 * n))
end

-- How many of a tile's events are at or before `limit`, and the next limit at which there are more. In between it is one number,
-- which no limit in between contradicts: where there is none such for a whole step, its halves are steps, and so on.
local function passed_part(tile, limit)
  local first, last, n = tile[1], tile[2], tile[3]
  if limit < first then return 0, first end
  if limit >= last then return n, INFINITE end
  if n == 2 then return 1, last end
  local half = math.sqrt(3 * max(0, tile[5]) / n) -- of an even spread
  local from, to = max(first, first + floor(tile[4] - half)), min(last, first + ceil(tile[4] + half))
  local begins, ends, part
  if limit < from then
    begins, ends, part = first, from, 1
  elseif limit >= to then
    begins, ends, part = to, last, n - 1
  else
    local span = to - from
    local step = floor((limit - from) * STEPS / span)
    begins, ends = from + ceil(step * span / STEPS), from + ceil((step + 1) * span / STEPS)
    part = 1 + floor((n - 2) * (step + 0.5) / STEPS + 0.5)
  end
  while true do
    -- Later limits have more events before them for sure, earlier ones fewer at most.
    local least = passed_between(tile, ends - 1)
    local _, most = passed_between(tile, begins)
    if least <= most or ends - begins <= 1 then return min(most, max(least, part)), ends end
    local middle = floor((begins + ends) / 2)
    if limit < middle then ends = middle else begins = middle end
  end
end

-- How many events of a lane in a tile, cell `number`, have passed an edge, by its steps.
local function passed_of_lane(s, lane, edge, number, tile)
  local at = edge.at
  if s[at + POSITION] > number then return tile[lane.tile.n] end
  return s[at + POSITION] == number and tile_part(lane, tile, s[at + PART]) or 0
end

-- Of a tile, cell `number`, `before` events had passed an edge, and now `after` have: more or fewer. What had left is put back
-- first, so that what was once taken out by steps is taken out as one in the end. A tile's extremes are in a group for as
-- long as any of its events count there.
local function pass_tile(log, edge, number, tile, before, after)
  local s = log.s
  for _, group in ipairs(edge.leave) do
    local lane = group.lane
    local n, sum, rest, least, most, spread, trues = tile_part(lane, tile, before)
    if n > 0 then grow(s, group, n, sum, rest, least, most, spread, trues) end
    n, sum, rest, least, most, spread, trues = tile_part(lane, tile, after)
    if n > 0 then
      local entered = group.begins and passed_of_lane(s, lane, group.begins, number, tile) or tile[lane.tile.n]
      shrink(log, group, n >= entered, n, sum, rest, least, most, spread, trues)
    end
  end
  for _, group in ipairs(edge.enter) do
    local lane = group.lane
    -- What has entered before what had: of that, another edge of the window may have taken some out.
    local entered, sum, rest, least, most, spread, trues = tile_part(lane, tile, after)
    if entered > 0 then grow(s, group, entered, sum, rest, least, most, spread, trues) end
    local n
    n, sum, rest, least, most, spread, trues = tile_part(lane, tile, before)
    if n > 0 then
      local whole = entered <= passed_of_lane(s, lane, group.ends, number, tile)
      shrink(log, group, whole, n, sum, rest, least, most, spread, trues)
    end
  end
end

-- Lets pass what has come of age at `now`; something has.
local function advance(log, edge, now)
  local s, view = log.s, log.view
  local at, limit = edge.at, now - edge.age
  local tiles, cells = s[view.book + TILES], cell_count(log)
  local position, passed = s[at + POSITION], 0
  for _, feature in ipairs(edge.scans) do log.scans[feature] = true end

  local upcoming = nil -- the time of the first event that has not passed
  while position < cells and not upcoming do
    if passed > MOST_PASSED then
      log.refold = true
      return
    end
    if position < tiles then
      local tile = tile_at(log, position)
      local part, more_at = passed_part(tile, limit)
      if part ~= s[at + PART] then pass_tile(log, edge, position, tile, s[at + PART], part) end
      if part == tile[3] then
        position, part, passed = position + 1, 0, passed + 1
      else
        upcoming = more_at
      end
      s[at + PART] = part
    else
      local count = min(4, cells - position)
      local text, from = singles_at(log, position - tiles, count)
      for i = 0, count - 1 do
        local time = struct.unpack('<d', text, from + i * view.single_bytes)
        if time > limit then
          upcoming = time
          break
        end
        edge.pass(log, s, struct.unpack(view.single_format, text, from + i * view.single_bytes))
        for _, count in ipairs(edge.counts) do
          if mark_at(log, position - tiles, count.place) ~= NO_MARK then s[count.held] = s[count.held] - 1 end
        end
        position, passed = position + 1, passed + 1
      end
    end
  end
  s[at + POSITION], s[at + NEXT] = position, upcoming and upcoming + edge.age or INFINITE
  s[view.book + PASSED] = s[view.book + PASSED] + passed
end

-- Takes an edge back to before a tile, so that the tile may change.
local function retreat(log, edge, number, tile)
  local s, at = log.s, edge.at
  if s[at + POSITION] > number and s[at + PART] > 0 then -- it cuts the next one
    pass_tile(log, edge, s[at + POSITION], tile_at(log, s[at + POSITION]), s[at + PART], 0)
  end
  local passed = s[at + POSITION] == number and s[at + PART] or tile[3]
  if passed > 0 then pass_tile(log, edge, number, tile, passed, 0) end
  s[at + POSITION], s[at + PART], s[at + NEXT] = number, 0, tile[1] + edge.age
end

-- A cell was put in before cell `number`, and first event `time`: edges that had passed what stood there have passed it.
local function shift_edges(log, number, time)
  local s = log.s
  for _, edge in ipairs(log.view.edges) do
    local at = edge.at
    if s[at + POSITION] > number or s[at + POSITION] == number and s[at + PART] > 0 then
      s[at + POSITION] = s[at + POSITION] + 1
    elseif s[at + POSITION] == number then
      s[at + NEXT] = time + edge.age
    end
  end
end
