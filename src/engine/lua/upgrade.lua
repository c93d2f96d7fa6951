-- Growing: logs of an older layout of the same view, or of another version of it (see fill.lua), become logs of this one. What was
-- not kept is null.

-- A cell's numbers, moved from where the old layout has them to where the new one does.
local function upgraded_tile(view, old, raw, at)
  local had = { struct.unpack(old.tile_format, raw, at) }
  local tile = view.empty_tile()
  for i = 1, 5 do tile[i] = had[i] end
  for l, lane in ipairs(view.lanes) do
    local places, from = lane.tile, old.lanes[l]
    if from.n then
      if places.n ~= 3 then tile[places.n] = had[from.n] end
      if places.trues and from.trues > 0 then tile[places.trues] = had[from.trues] end
      if places.sum and from.sum > 0 then
        tile[places.sum], tile[places.sum + 1] = had[from.sum], had[from.sum + 1]
        tile[places.least], tile[places.least + 1] = had[from.least], had[from.least + 1]
        tile[places.spread] = had[from.spread]
      end
      if places.newest and from.newest > 0 then
        tile[places.newest] = had[from.newest]
        if places.newest_at ~= 2 then tile[places.newest_at] = had[from.newestAt] end
      end
      if places.oldest and from.oldest > 0 then
        tile[places.oldest] = had[from.oldest]
        if places.oldest_at ~= 1 then tile[places.oldest_at] = had[from.oldestAt] end
      end
    end
  end
  return pack_tile(view, tile)
end

local function upgraded_single(view, old, raw, at)
  local had = { struct.unpack(old.single_format, raw, at) }
  local flags = had[3]
  local row = { time = had[1], id = had[2], columns = {} }
  row.flags = TAKEN_OVER + (band(flags, TAKEN_AS_NOW) ~= 0 and TAKEN_AS_NOW or 0) + (band(flags, RETRACTED) ~= 0 and RETRACTED or 0)
  for new, place in ipairs(old.from.flags) do
    if place > 0 and band(flags, 2 ^ (place - 1)) ~= 0 then row.flags = row.flags + 2 ^ (new - 1) end
  end
  for new, place in ipairs(old.from.columns) do row.columns[new] = place > 0 and had[3 + place] or NULL end
  local values = {}
  for new, place in ipairs(old.from.distinctFields) do
    values[new] = place > 0 and had[3 + old.columns + place] or NO_VALUE
  end
  row.values_packed = table.concat(values)
  return pack_single(view, row)
end

-- The log that one of another layout becomes under a key, where its companions are: it is not stored yet. Also returns whether
-- the new layout has features that the old one had not.
local function taken_over(call, view, old, key, raw)
  local had = { struct.unpack(old.header_format, raw, 9) }
  local log = new_log(call, view, key)
  local s, from, added = log.s, old.from, false
  for i = REVISION, VECTOR do s[i] = had[i] end
  for new, place in ipairs(from.vector) do
    s[VECTOR + new] = place > 0 and had[VECTOR + place] or NULL
    added = added or place == 0
  end
  local old_book = VECTOR + old.vector + 1
  for i = FRONTIER, DROPPED do s[view.book + i] = had[old_book + i] end
  for new, place in ipairs(from.lifetimes) do
    local at = view.lifetimes[new].at
    s[at + ENDED_AT] = s[AS_OF] -- of a new one: what came before is not in it
    if place > 0 then
      local from_at = old_book + BOOK_DOUBLES + LIFETIME_DOUBLES * (place - 1)
      for i = 0, LIFETIME_DOUBLES - 1 do s[at + i] = had[from_at + i] end
    end
  end
  for new, place in ipairs(from.seen) do
    local seen = view.seen[new]
    if place.same then
      -- The table stays as it is, with all that the header tells of it.
      for i = 0, SEEN_DOUBLES + SEEN_WINDOW_DOUBLES * place.windows - 1 do s[seen.at + i] = had[place.at + i] end
      log.relist[seen] = true
    elseif place.at > 0 and had[place.at + FED_AT] == -INFINITE then
      s[seen.at + WHOLE_SINCE] = had[place.at + WHOLE_SINCE]
    elseif place.at > 0 and had[place.at + SEEN_EXPIRES_AT] > call.millis then
      for i = FED_AT, WHOLE_SINCE do s[seen.at + i] = had[place.at + i] end
      -- What windows kept a sample of is known of no window whole.
      local sampled = false
      for w = 1, place.windows do
        sampled = sampled or had[place.at + SEEN_DOUBLES + SEEN_WINDOW_DOUBLES * (w - 1) + NEWEST_STRATUM] > -INFINITE
      end
      if sampled then
        lose_seen(call, log, seen)
      else
        grow_seen(log, seen, seen_name(call, view, key, seen), now_of(call, s[AS_OF]))
      end
      log.relist[seen] = true
    else
      -- One that has expired as it should is nothing that a longer window could find lost.
      s[seen.at + WHOLE_SINCE] = s[LAST_EVENT_AT]
    end
  end

  local singles, slots, tiles = had[old_book + SINGLES], had[old_book + SINGLE_SLOTS], had[old_book + TILES]
  local marks_at = 8 + 8 * old.doubles
  local singles_from = marks_at + old.mark_bytes * slots
  local cells, marks = {}, {}
  for j = 0, singles - 1 do
    cells[j + 1] = upgraded_single(view, old, raw, singles_from + old.single_bytes * j + 1)
    local at = marks_at + old.mark_bytes * j + 1
    marks[#marks + 1] = sub(raw, at, at + MARK_BYTES - 1)
    for _, place in ipairs(from.seen) do
      local mark = at + MARK_BYTES * place.place
      marks[#marks + 1] = place.at > 0 and sub(raw, mark, mark + MARK_BYTES - 1) or NO_MARK
    end
  end
  log.marks = table.concat(marks)
  log.singles, cells = table.concat(cells), {}
  for i = 0, tiles - 1 do
    cells[i + 1] = upgraded_tile(view, old, raw, singles_from + old.single_bytes * slots + old.tile_bytes * i + 1)
  end
  log.tiles, log.tiles_from = table.concat(cells), 0
  s[view.book + SINGLES], s[view.book + TILES] = singles, tiles
  log.refold = true
  return log, added
end

-- Returns 'V' once the log is none of the old layout.
local function upgrade_log(call, view, old, key)
  local raw = redis.call('GET', key)
  if not raw or sub(raw, 1, 8) ~= old.layout then return 'V' end
  if is_over(call, MUCH_WORK) then return LEFT end
  here.expect_all(call, view, key)
  local log, added = taken_over(call, view, old, key, raw)
  local s, since = log.s, call.complete_since[view.index]
  -- A process of the older definition may have taken events in since the newer one was enrolled.
  local late = added and (call.event_clock or s[AS_OF] >= since)
  s[COMPLETE_SINCE] = max(s[COMPLETE_SINCE], late and call.millis or since)
  settle(call, log, now_of(call, s[AS_OF]), false, true)
  return 'V'
end

-- KEYS: logs. ARGV[2]: B index of the view, then JSON that tells of the old layout (see upgrade.ts). Logs of another layout
-- are left alone.
-- Returns, one after the other: 'V' for one that is done, 'S' for one that is left for another call, or 'E' as `record`
-- has it. At the end I4 as `record`.
local function upgrade(keys, args)
  local call = open_call(args[1])
  local view, old = views[string.byte(args[2], 1)], cjson.decode(sub(args[2], 2))
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = alone(upgrade_log, call, view, old, key) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_upgrade_' .. version, upgrade)

return taken_over
