-- Retracting: an event is taken out again. Its single stays, as one that counts no more and keeps the id known, until the
-- singles around it are put together; from then on the table of ids and the list of corrections know it.

-- What of a row is otherwise than recorded: I4 columns, I4 distinct fields, B time; nothing where it does not say.
local function mismatch(view, row, single, values)
  local columns, fields = 0, 0
  local is_whole = band(single[3], TAKEN_OVER) == 0 -- else what is null may only not have been kept
  for c = 1, view.column_count do
    local value, given = single[3 + c], row.columns[c]
    if given == given and (value == value or is_whole) and value ~= given then columns = columns + 2 ^ (c - 1) end
  end
  for f = 1, view.distinct_fields do
    local value = sub(values, 8 * f - 7, 8 * f)
    local given = sub(row.values_packed, 8 * f - 7, 8 * f)
    if given ~= NO_VALUE and value ~= NO_VALUE and value ~= given then
      fields = fields + 2 ^ (f - 1)
    end
  end
  return columns, fields, row.time ~= single[1] and band(single[3], TAKEN_AS_NOW) == 0 and 1 or 0
end

-- A running figure as it is without one of its events; nil if that is not known. `part_of` tells of a lane what the event is.
local function running_without(log, lifetime, time, part_of)
  local view, s, at = log.view, log.s, lifetime.at
  local n, sum, rest, least, most, spread, trues = part_of(lifetime.lane)
  local figures = { unsure = {}, s = {} }
  for i = at, at + LIFETIME_DOUBLES - 1 do figures.s[i] = s[i] end
  local group = lifetime.group
  shrink(figures, group, true, n, sum, rest, least, most, spread, trues)
  local left = figures.s[group.n]
  if left == 0 then
    figures.s[at + LAST_AT], figures.s[at + LAST] = -INFINITE, NULL
    return figures.s
  end
  if left == 1 then
    figures.s[group.spread], figures.refold = 0, nil
  end
  for _, f in ipairs(lifetime.features) do
    local op = view.features[f].op
    if op == 'min' and least <= s[group.least] or op == 'max' and most >= s[group.least + 1]
      or op == 'stddev' and figures.refold or op == 'last' and time >= s[at + LAST_AT] then
      return nil
    end
  end
  return figures.s
end

-- All running figures as they are without an event, by their lifetimes; nil if one is not known.
local function all_running_without(log, time, now, part_of)
  local without = {}
  for _, lifetime in ipairs(log.view.lifetimes) do
    if part_of(lifetime.lane) > 0 then
      local running = is_running(log, lifetime, time, now)
      local figures = running and running_without(log, lifetime, time, part_of)
      if running == nil or running and not figures then return nil end
      if running then without[lifetime] = figures end
    end
  end
  return without
end

local function put_running(log, without)
  for lifetime, figures in pairs(without) do
    for i = lifetime.at, lifetime.at + LIFETIME_DOUBLES - 1 do log.s[i] = figures[i] end
  end
end

local function retract_single(call, log, row, found, now)
  local view, single, j = log.view, found.single, found.number
  local values, undo = values_of(log, j), {}
  local columns, fields, time_differs = mismatch(view, row, single, values)
  if columns + fields + time_differs > 0 then return MISMATCH, 0, columns, fields, time_differs end

  local without = all_running_without(log, found.time, now, function(lane) return single_part(lane, single) end)
  if not without then return TOO_OLD, RUNNING end
  for place, seen in ipairs(view.seen) do
    local value = value_shown(seen, single[3], values)
    if value and not undo_single(log, place, seen, value, j, now, undo) then return TOO_OLD, NO_SIGHTING end
  end
  if row.dry then return DONE end

  put_running(log, without)
  take_back(undo)
  local nothing = {}
  for c = 1, view.column_count do nothing[c] = NULL end
  -- Nothing is kept by which a retry could be told to differ.
  local flags = RETRACTED + TAKEN_OVER + (band(single[3], TAKEN_AS_NOW) ~= 0 and TAKEN_AS_NOW or 0)
  rewrite_single(log, j, struct.pack('<I4', flags) .. struct.pack(view.columns_format, unpack(nothing, 1, view.column_count))
    .. string.rep(NO_VALUE, view.distinct_fields))
  return DONE
end

-- Of a tile only the one event that is alone in it can be taken out: it is the tile.
local function retract_tile(call, log, row, found, now)
  local view, tile, undo = log.view, found.tile, {}
  if row.time ~= found.time then return MISMATCH, 0, 0, 0, 1 end
  if tile[3] > 1 or tile[1] ~= found.time then return TOO_OLD, AMONG_OTHERS end
  local function part_of(lane) return tile_part(lane, tile, 1) end
  for _, lane in ipairs(view.lanes) do
    local n, sum = part_of(lane)
    local given = row.columns[lane.column]
    if n > 0 and given and given == given and sum ~= given then return MISMATCH, 0, 2 ^ (lane.column - 1) end
  end

  local without = all_running_without(log, found.time, now, part_of)
  if not without then return TOO_OLD, RUNNING end
  for place, seen in ipairs(view.seen) do
    local value = value_of(row.values_packed, seen)
    if found.time > now - seen.kept and log.s[seen.at + FED_AT] >= found.time
      and not (value ~= NO_VALUE and undo_tile(call, log, place, seen, value, found.time, found.number, now, undo)) then
      return TOO_OLD, NO_SIGHTING
    end
  end
  if row.dry then return DONE end

  put_running(log, without)
  take_back(undo)
  rewrite_tile(log, found.number, nil)
  set_correction(call, log, found.at, found.time, row.id, TAKEN_BACK, now)
  return DONE
end

-- ARGV[i + 1]: B index of the view, B 1 to look only whether it could be done, then a row (see `parse_row`) in which only
-- what the caller knows is there.
local function parse_retraction(view, packed)
  local row = parse_row(view, packed, 3)
  row.dry, row.retracted = string.byte(packed, 2) == 1, AGAIN
  return row
end

-- Status: 0 retracted, 1 was retracted before, 2 not found, 3 it differs, 4 too old.
register_correction('retract', parse_retraction, retract_single, retract_tile)
