-- Sightings: singles that show a value for the last time. Beside the mark of its id, a single has one for each set of last-seen
-- times: the beginning of the value's hash, if no later event shows the value; else nothing. A window that ends now holds as
-- many different values as it holds marked singles, and what the table of those in tiles says (see seen.lua).

local function mark_of(value)
  local mark = sub(value, 1, MARK_BYTES)
  return mark == NO_MARK and '\0\0\0\1' or mark
end

-- The marks of a single of which no value is sighted yet.
local function marks_of_id(view, id)
  return sub(id, 1, MARK_BYTES) .. string.rep(NO_MARK, #view.seen)
end

-- The distinct values of a single, one after the other.
local function values_of(log, j)
  local view = log.view
  local text, at = singles_at(log, j, 1)
  return sub(text, at + view.single_bytes - 8 * view.distinct_fields, at + view.single_bytes - 1)
end

local function value_of(values, seen)
  return sub(values, 8 * seen.field - 7, 8 * seen.field)
end

-- The value that an event shows to a set; nil if none.
local function value_shown(seen, flags, values)
  if seen.mask ~= 0 and band(flags, seen.mask) == 0 then return nil end
  local value = value_of(values, seen)
  return value ~= NO_VALUE and value or nil
end

-- The number of the single that shows a value for the last time; nil if none does.
local function last_sighting(log, place, seen, value)
  local mark = mark_of(value)
  local j = marked_from(log, 0, mark, place)
  while j and value_of(values_of(log, j), seen) ~= value do j = marked_from(log, j + 1, mark, place) end
  return j
end

-- A single's value counts, or (sign -1) does not any more, in the windows that hold the single.
local function count_held(log, seen, j, sign)
  local s = log.s
  local number = s[log.view.book + TILES] + j
  for _, window in ipairs(seen.windows) do
    if s[window.edge.at + POSITION] <= number then s[window.held] = s[window.held] + sign end
  end
end

-- Whichever sighting of a value was its last is not any more.
local function supersede(call, log, place, seen, value, now)
  local last = last_sighting(log, place, seen, value)
  if last then
    set_mark(log, last, place, NO_MARK)
    count_held(log, seen, last, -1)
  else
    forget_value(call, log, seen, value, now)
  end
end

-- Single number j shows a value.
local function sight_value(call, log, place, seen, value, j, now)
  if call.preview then return end
  local last = last_sighting(log, place, seen, value)
  if last and last > j then return end
  supersede(call, log, place, seen, value, now)
  set_mark(log, j, place, mark_of(value))
  count_held(log, seen, j, 1)
end

-- A new event, which is single number j, shows its values.
local function sight(call, log, row, j, now)
  for place, seen in ipairs(log.view.seen) do
    local value = value_shown(seen, row.flags, row.values_packed)
    if value then sight_value(call, log, place, seen, value, j, now) end
  end
end

-- A value's last sighting is in a tile. Those that no window can hold any more, nor could at a moment that can be looked back
-- at, stay out of the table.
local function sight_in_table(call, log, seen, name, value, time, now)
  mark_value(call, log, seen, name, sub(value, 1, VALUE_BYTES), time, now)
  local at = seen.at + FED_AT
  log.s[at] = max(log.s[at], time)
end

-- A new event among the tiles shows its values.
local function sight_among_tiles(call, log, row, now)
  if call.preview then return end
  for place, seen in ipairs(log.view.seen) do
    local value = value_shown(seen, row.flags, row.values_packed)
    if value and row.time > now - seen.kept and not last_sighting(log, place, seen, value) then
      sight_in_table(call, log, seen, open_table(call, log, seen, now), value, row.time, now)
    end
  end
end

-- A preview, which writes no table and no mark, notes what a sighting adds to the windows (sign 1), or (-1) what one that was
-- counted takes from them.
local function show(log, seen, value, time, now, is_single, sign)
  for _, window in ipairs(seen.windows) do
    if time > now - window.length then
      local of_all = is_single and 1 or fraction_at(log, seen, window, time)
      if is_single or fraction_of(value) < of_all then
        local at = is_single and window.held or window.at + INSIDE
        log.shown[at] = (log.shown[at] or 0) + sign / of_all
        if sign > 0 and not is_single then log.shown_until = min(log.shown_until or INFINITE, time + window.length) end
      end
    end
  end
end

-- The first singles, of these times, become part of tiles: their sightings go into the tables.
local function take_sightings(call, log, times, now)
  for place, seen in ipairs(log.view.seen) do
    local name
    for j = 0, #times - 1 do
      if mark_at(log, j, place) ~= NO_MARK then
        count_held(log, seen, j, -1)
        local time = times[j + 1]
        if call.preview then
          show(log, seen, value_of(values_of(log, j), seen), time, now, false, 1)
        elseif time > now - seen.kept then
          name = name or open_table(call, log, seen, now)
          sight_in_table(call, log, seen, name, value_of(values_of(log, j), seen), time, now)
        end
      end
    end
  end
end

-- Counts the singles anew that show a value for the last time, once it is known where the edges stand.
local function count_all_held(log)
  local s, view = log.s, log.view
  local tiles = s[view.book + TILES]
  for place, seen in ipairs(view.seen) do
    for _, window in ipairs(seen.windows) do
      local held = 0
      for j = max(0, s[window.edge.at + POSITION] - tiles), s[view.book + SINGLES] - 1 do
        if mark_at(log, j, place) ~= NO_MARK then held = held + 1 end
      end
      s[window.held] = held
    end
  end
end

return mark_of, marks_of_id, values_of, value_of, value_shown, last_sighting, supersede, sight_value, sight, sight_among_tiles,
  show, take_sightings, count_all_held
