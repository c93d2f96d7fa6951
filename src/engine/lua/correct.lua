-- Correcting: what labels and retractions have in common. Each first finds its event, then whether all that depends on it can
-- be corrected, and only then changes anything: a view is corrected whole or not at all.

local DONE, AGAIN, NOT_FOUND, MISMATCH, TOO_OLD = 0, 1, 2, 3, 4

-- Why not.
local PAST_WINDOWS = 1 -- no window of the view reaches back so far
local AMONG_OTHERS = 2 -- compaction put it together with others
local NO_SIGHTING = 3 -- a distinct value's earlier sighting is not known any more
local RUNNING = 4 -- a running figure cannot be taken back
local NOT_KEPT = 5 -- corrections of events that old had to make room
local WAS_RETRACTED = 6
local UNKNOWABLE = 7 -- it depends on what is not kept of events that were put together

-- Finds an event: its single and that one's number, or its tile and that one's number. Otherwise neither: status, and why
-- (`row.retracted` is the status of one that was taken out before).
-- Returns what was found as one table with `time`; `known` is what the list of corrections says, and `at` where.
local function find_event(call, log, row, now)
  local s, view = log.s, log.view
  local book = view.book
  local j, single = find_single(log, row.id)
  if single and single[1] > now - view.keep then
    if single[1] <= now - view.span then return { status = TOO_OLD, why = PAST_WINDOWS, time = single[1] } end
    if band(single[3], RETRACTED) ~= 0 then return { status = row.retracted, why = WAS_RETRACTED, time = single[1] } end
    return { single = single, number = j, time = single[1] }
  end

  local time = remembered(call, log, row.id, now)
  local is_remembered = time ~= nil
  time = time or row.time
  if time <= now - view.span then return { status = TOO_OLD, why = PAST_WINDOWS, time = time } end
  local known, at = find_correction(load_corrections(call, log, now), row.id, time)
  if known == TAKEN_BACK then return { status = row.retracted, why = WAS_RETRACTED, time = time } end
  if not is_remembered then
    if not is_among_tiles(log, time, halves(row.id)) or time > max(s[book + REMEMBERED_SINCE], now - view.horizon) then
      return { status = NOT_FOUND, time = time }
    end
  end
  if time <= s[book + CORRECTED_SINCE] then return { status = TOO_OLD, why = NOT_KEPT, time = time } end
  local number = first_tile_from(log, (stretch_of(view, time, s[book + COMPACTED_AT])))
  local tile = number < s[book + TILES] and tile_at(log, number)
  if not tile or time < tile[1] or time > tile[2] then return { status = NOT_FOUND, time = time } end
  return { tile = tile, number = number, time = time, known = known, at = at }
end

-- Whether an event is among those of a running figure, which go by arrival: true, false, or (nil) not known. It came no
-- earlier than at its own time, and what was forgotten came no later than when the figure last ended.
local function is_running(log, lifetime, time, now)
  local s, at = log.s, lifetime.at
  if now - s[at + ARRIVAL] >= lifetime.idle or time < s[at + OLDEST_AT] then return false end
  if time > s[at + ENDED_AT] then return true end
end

-- Writes into a single, from its flags on.
local function rewrite_single(log, j, bytes)
  local from = log.view.single_bytes * j + 16
  if log.singles then
    log.rewrite = true
    log.singles = sub(log.singles, 1, from) .. bytes .. sub(log.singles, from + #bytes + 1)
  else
    patch(log, single_offset(log, j) + 16, bytes)
  end
end

local function rewrite_tile(log, number, tile)
  load_cells(log)
  local bytes = log.view.tile_bytes
  log.tiles = sub(log.tiles, 1, bytes * number) .. (tile and pack_tile(log.view, tile) or '')
    .. sub(log.tiles, bytes * (number + 1) + 1)
  if not tile then log.s[log.view.book + TILES] = log.s[log.view.book + TILES] - 1 end
  log.rewrite = true
end

-- An event of which the view has no log.
local function correct_nothing(call, view, time)
  if not call.event_clock and time <= call.millis - view.span then return TOO_OLD, PAST_WINDOWS end
  return NOT_FOUND, 0
end

-- Corrects one entity. `of_single` and `of_tile` are given call, log, row, what was found and the log's now; they change the
-- log or not, and return status, why, and what differs: I4 columns, I4 distinct fields, B time.
local function correct_entity(call, view, key, row, of_single, of_tile)
  if is_over(call, MUCH_WORK) then return LEFT end
  local log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  here.expect_all(call, view, key)
  local status, why, time, columns, fields, time_differs, vector
  local lost = call.lost
  if log then
    local now = now_of(call, log.s[AS_OF])
    local found = find_event(call, log, row, now)
    status, why, time = found.status, found.why, found.time
    if not status then
      local correct_found = found.single and of_single or of_tile
      status, why, columns, fields, time_differs = correct_found(call, log, row, found, now)
    end
    if status == DONE and not row.dry then
      log.s[EVENT_SEQ] = log.s[EVENT_SEQ] + 1
      log.refold = true
      vector = settle(call, log, now, true)
    elseif row.dry or call.lost == lost and now < log.s[VALID_UNTIL] and redis.call('EXISTS', hash_name(call, key)) == 1 then
      vector = 'V' .. sub(log.raw, 9, 8 + 8 * (VECTOR + view.vector))
      if not row.dry then here.write_again(call, log) end
    else
      vector = settle(call, log, now, false)
    end
    if row.dry then call.lost = lost end -- nobody has put down that it is lost, so whoever comes next counts it
  else
    status, why = correct_nothing(call, view, row.time)
    vector = nothing_stored(call, view)
  end
  return vector .. struct.pack('<BBI4I4Bd', status, why or 0, columns or 0, fields or 0, time_differs or 0, time or row.time)
end

-- Registers a correction; `parse` makes a row of its argument.
-- KEYS: a log an entity, each of a view. ARGV[i + 1]: B index of the view, and what `parse` says.
-- Returns, one after the other: 'V', the vector, B status, B why, I4 columns and I4 distinct fields that differ, B whether the
-- time does, d the event's time where known; or 'S', 'L' or 'E' as `record` has them. At the end I4 as `record`.
local function register_correction(name, parse, of_single, of_tile)
  local function correct(call, key, packed)
    local view = views[string.byte(packed, 1)]
    return correct_entity(call, view, key, parse(view, packed), of_single, of_tile)
  end
  redis.register_function('freshet_' .. name .. '_' .. version, function(keys, args)
    local call, replies = open_call(args[1]), {}
    for i, key in ipairs(keys) do replies[i] = alone(correct, call, key, args[i + 1]) end
    replies[#replies + 1] = struct.pack('<I4', call.lost)
    return table.concat(replies)
  end)
end

return is_running, rewrite_single, rewrite_tile, register_correction
