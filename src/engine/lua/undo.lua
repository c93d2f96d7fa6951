-- Taking sightings back: what corrections know of how last-seen times are kept.

-- When the table says that a value was last seen; nil if it does not.
local function last_seen(call, log, seen, value)
  if log.s[seen.at + SEEN_BUCKETS] == 0 then return nil end
  local now = max(log.s[AS_OF], call.millis)
  local _, time = number_of(seen_table(log, seen), sub(value, 1, VALUE_BYTES))
  return time and now - (now - time) % ERA
end

-- The last single before number j that shows a value; nil if none does.
local function earlier_sighting(log, seen, value, j)
  for k = j - 1, 0, -1 do
    local values = values_of(log, k)
    if value_of(values, seen) == value then
      local single = unpack_single(log.view, singles_at(log, k, 1))
      if value_shown(seen, single[3], values) then return k end
    end
  end
end

-- Whether the newest event among so many tiles may be in one of a set's windows, or in one that can be looked back at.
local function may_hold(log, seen, tiles, now)
  return tiles > 0 and tile_at(log, tiles - 1)[2] > now - seen.kept
end

-- What takes back that single number j shows a value is added to `undo`. Returns false if it cannot be known: the sighting
-- before may be in a tile.
local function undo_single(log, place, seen, value, j, now, undo)
  if mark_at(log, j, place) == NO_MARK then return true end
  local earlier = earlier_sighting(log, seen, value, j)
  local time = struct.unpack('<d', singles_at(log, j, 1))
  if not earlier and time > now - seen.kept and may_hold(log, seen, log.s[log.view.book + TILES], now) then return false end
  undo[#undo + 1] = function()
    set_mark(log, j, place, NO_MARK)
    if earlier then set_mark(log, earlier, place, mark_of(value)) end
  end
  return true
end

-- The same of an event that is a tile by itself, before which there are so many others.
local function undo_tile(call, log, place, seen, value, time, older, now, undo)
  if time <= now - seen.kept or last_sighting(log, place, seen, value) then return true end
  if last_seen(call, log, seen, value) ~= time then return true end
  if may_hold(log, seen, older, now) then return false end
  undo[#undo + 1] = function()
    local values, hash = seen_table(log, seen), sub(value, 1, VALUE_BYTES)
    take_out(values, number_of(values, hash), hash)
    log.relist[seen] = true
  end
  return true
end

local function take_back(undo)
  for _, one in ipairs(undo) do one() end
end

return last_seen, undo_single, undo_tile, take_back
