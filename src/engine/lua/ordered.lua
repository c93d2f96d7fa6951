-- What goes by the order of events: the newest in a window. It is looked for among the cells where one may have crossed an
-- edge of the window, or come late; otherwise it is as it was, but for an event that is newer than all others.

local EXACT, INTERPOLATED, SAMPLED, UNREACHABLE = 0, 1, 2, 3 -- how sure a value is

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
