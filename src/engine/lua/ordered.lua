-- What goes by the order of events: a window's newest event, its oldest, and its newest few. They are looked for among the
-- cells where one may have crossed an edge of the window, or come late; otherwise they are as they were, but for an event
-- that is newer than all others.

local EXACT, INTERPOLATED, SAMPLED, UNREACHABLE = 0, 1, 2, 3 -- how sure a value is
local SINGLES_AT_ONCE = 16

-- Between what a lane's values lie, of those events of a tile that are in `(old, young]`.
local function extent(lane, tile, old, young)
  if lane.column < 0 then return max(old + 1, tile[1]), min(young, tile[2]) end
  return tile[lane.tile.least], tile[lane.tile.least + 1]
end

-- Widens what a tile that an edge cuts may hold to what stands in its place if it holds nothing inside.
local function widened(guess, lower, upper, value, found)
  if not guess then return value, value, value, EXACT end
  if found then lower, upper = min(lower, value), max(upper, value) end
  return guess, lower, upper, INTERPOLATED
end

-- The newest event of a feature's lane between two stands, looked for from the younger on; of several at one moment, the one
-- with the greatest value. Returns its value, between what it lies, and how sure that is.
local function newest_between(log, feature, begins, ends, moment)
  local view, lane = log.view, feature.lane
  local places, by_time = lane.tile, lane.column < 0
  local tiles = log.s[view.book + TILES]
  local young = moment - (feature.begins and feature.begins.age or 0)
  local old = moment - feature.ends.age
  local number = begins.position + (begins.part > 0 and 1 or 0)
  local value, found_at = NULL, nil
  local guess, lower, upper
  while number > ends.position do
    number = number - 1
    if number < tiles then
      local tile = tile_at(log, number)
      if tile[places.n] > 0 then
        local newest_at, newest = tile[places.newest_at], by_time and tile[places.newest_at] or tile[places.newest]
        if newest_at <= old or found_at and newest_at < found_at then break end
        if newest_at > young then
          -- Which of the lane's events in this tile is the newest inside is not known, nor whether any is, unless all are the
          -- lane's: the first of them is inside.
          lower, upper = extent(lane, tile, old, young)
          guess = by_time and upper or newest
          if tile[places.n] == tile[3] and not (number == ends.position and ends.part > 0) then break end
        elseif not found_at or newest > value then
          value, found_at = newest, newest_at
        end
      end
    else
      local single = unpack_single(view, singles_at(log, number - tiles, 1))
      if found_at and single[1] < found_at then break end
      if single_part(lane, single) > 0 then
        local one = by_time and single[1] or single[3 + lane.column]
        if not found_at or one > value then value, found_at = one, single[1] end
      end
    end
  end
  return widened(guess, lower, upper, value, found_at)
end

-- As `newest_between`, but the oldest, looked for from the older stand on; of several at one moment, the least.
local function oldest_between(log, feature, begins, ends, moment)
  local view, lane = log.view, feature.lane
  local places, by_time = lane.tile, lane.column < 0
  local tiles = log.s[view.book + TILES]
  local young = moment - (feature.begins and feature.begins.age or 0)
  local old = moment - feature.ends.age
  local value, found_at = NULL, nil
  local guess, lower, upper
  local ties_at -- a tile's last event may be its first inside, and have been at one moment with the first single
  for number = ends.position, begins.position - (begins.part > 0 and 0 or 1) do
    if number < tiles then
      local tile = tile_at(log, number)
      if tile[1] > (found_at or ties_at or INFINITE) then break end
      if tile[places.n] > 0 then
        local oldest_at, oldest = tile[places.oldest_at], by_time and tile[places.oldest_at] or tile[places.oldest]
        if oldest_at <= old then
          lower, upper = extent(lane, tile, old, young)
          guess = by_time and lower or oldest
          if tile[places.n] == tile[3] and not (number == begins.position and begins.part > 0) then ties_at = tile[2] end
        elseif oldest_at <= young and (not found_at or oldest_at == found_at and oldest < value) then
          value, found_at = oldest, oldest_at
        end
      end
    else
      local single = unpack_single(view, singles_at(log, number - tiles, 1))
      if single[1] > (found_at or ties_at or INFINITE) then break end
      if single_part(lane, single) > 0 then
        local one = by_time and single[1] or single[3 + lane.column]
        if not found_at or one < value then value, found_at = one, single[1] end
      end
    end
  end
  return widened(guess, lower, upper, value, found_at)
end

-- Leaves out of a list what happened at the moment at which the tiles end, if the lane has events there too: which of them
-- come first is not known. Returns how many it left out.
local function leave_out_ties(log, lane, values, times)
  local s, book = log.s, log.view.book
  local frontier = s[book + FRONTIER]
  if s[book + TILES] == 0 or times[#times] ~= frontier then return 0 end
  local tile, places = tile_at(log, s[book + TILES] - 1), lane.tile
  if tile[places.n] == 0 or places.newest_at and tile[places.newest_at] < frontier then return 0 end
  local count = #values
  while times[#times] == frontier do values[#values], times[#times] = nil, nil end
  return count - #values
end

-- The newest values of a feature's lane between two stands, as many as it may list: newest first, and of several at one
-- moment the greatest. What tiles hold cannot be listed. Returns also how many were left out beside it.
local function newest_few(log, feature, begins, ends)
  local view, lane, most = log.view, feature.lane, feature.most
  local by_time, tiles = lane.column < 0, log.s[view.book + TILES]
  local number, last = begins.position, max(ends.position, tiles)
  local values, times, count = {}, {}, 0
  local text, at, read_from = nil, nil, number
  while number > last do
    number = number - 1
    if number < read_from then
      read_from = max(last, number + 1 - SINGLES_AT_ONCE)
      text, at = singles_at(log, read_from - tiles, number + 1 - read_from)
    end
    local single = unpack_single(view, text, at + (number - read_from) * view.single_bytes)
    local time = single[1]
    if count >= most and time < times[count] then break end
    if single_part(lane, single) > 0 then
      local value, place = by_time and time or single[3 + lane.column], count + 1
      while place > 1 and times[place - 1] == time and values[place - 1] < value do
        values[place], place = values[place - 1], place - 1
      end
      count = count + 1
      values[place], times[count] = value, time
    end
  end
  local left_out = leave_out_ties(log, lane, values, times)
  for i = #values, most + 1, -1 do values[i] = nil end
  return values, left_out
end

-- How many values a list lacks, at most: no more than were left out, and than the tiles between two stands hold.
local function lacking(log, feature, values, left_out, begins, ends)
  local lack, held = feature.most - #values, left_out
  local number = min(begins.position + (begins.part > 0 and 1 or 0), log.s[log.view.book + TILES])
  while number > ends.position and held < lack do
    number = number - 1
    held = held + tile_at(log, number)[feature.lane.tile.n]
  end
  return min(lack, held)
end

local NOW = { part = 0 } -- where the edge stands that every event has passed

-- Where the edges of a feature's window stand now.
local function stands_now(log, feature)
  local s = log.s
  local function stand(edge) return { position = s[edge.at + POSITION], part = s[edge.at + PART] } end
  NOW.position = cell_count(log)
  return feature.begins and stand(feature.begins) or NOW, stand(feature.ends)
end

-- The value of the newest event in a feature's window now.
local function newest_value(log, feature)
  local begins, ends = stands_now(log, feature)
  return (newest_between(log, feature, begins, ends, log.now))
end

-- Notes for feature number `f` an event of its lane that is newer than all others.
local function note_newest(log, f, feature, time, value)
  if feature.op == 'first' and log.newest[f] then return end
  if feature.op == 'lastN' and log.newest[f] then log.scans[f] = true end
  log.newest[f], log.newest_at[f] = value, time
end

-- All such features are to be looked for in the cells.
local function look_for_all(log)
  for f, feature in ipairs(log.view.features) do
    if feature.ends then log.scans[f], log.newest[f] = true, nil end
  end
end

local function last_of(log, f, feature)
  local newest = log.newest[f]
  if newest and log.newest_at[f] > log.now - feature.ends.age then return newest end
  if log.scans[f] then return newest_value(log, feature) end
  return log.s[VECTOR + f]
end

-- The value of feature number `f` at the moment of the fold. A list's is how many it holds; its values go into `vector`, behind
-- those of all features.
local fold_in_order = {
  last = last_of,
  timeSinceLast = last_of,
  first = function(log, f, feature)
    if log.scans[f] then
      local begins, ends = stands_now(log, feature)
      return (oldest_between(log, feature, begins, ends, log.now))
    end
    local held = log.s[VECTOR + f]
    return held == held and held or log.newest[f] or held
  end,
  lastN = function(log, f, feature, vector)
    local s, at, most = log.s, feature.list, feature.most
    if log.scans[f] then
      local begins, ends = stands_now(log, feature)
      local values = newest_few(log, feature, begins, ends)
      for i = 1, most do vector[at + i - 1] = values[i] or NULL end
      return #values
    end
    local count, newest, shift = s[VECTOR + f], log.newest[f], 0
    if count ~= count then count = 0 end -- of a new log
    if newest then
      vector[at], count, shift = newest, min(count + 1, most), 1
    end
    for i = at + shift, at + most - 1 do vector[i] = s[VECTOR + i - shift] end
    return count
  end,
}

-- Puts the values of list number `f` into the header. Returns how many it holds, and whether any differs.
local function take_list(log, f, feature)
  local s, values, changed = log.s, {}, false
  local count = fold_in_order.lastN(log, f, feature, values)
  for i = feature.list, feature.list + feature.most - 1 do
    local old, new = s[VECTOR + i], values[i]
    if new ~= old and (new == new or old == old) then changed = true end
    s[VECTOR + i] = new
  end
  return count, changed
end

return newest_between, oldest_between, newest_few, lacking, NOW, note_newest, look_for_all, fold_in_order, take_list
