-- Recording: events into logs.

local TOLD_OF_TIME, TOLD_OF_RETRACTION = 1, 2 -- what a duplicate's verdict tells: its time differs, it was retracted

local function verdict(status, time, told)
  return struct.pack('<BBI4I4d', status, told or 0, 0, 0, time)
end

-- How a repeated event differs from the one recorded: is the time another, or was it retracted; which columns, which flags.
local function differences(view, single, row, given)
  local time, flags = single[1], single[3]
  if band(flags, RETRACTED) ~= 0 then return verdict(DUPLICATE, time, TOLD_OF_RETRACTION) end
  local told = given == given and time ~= given and band(flags, TAKEN_AS_NOW) == 0 and TOLD_OF_TIME or 0
  local columns = 0
  for c = 1, view.column_count do
    local value = single[3 + c]
    -- A column that is null may only not have been kept, before the definition grew: no difference to tell of.
    if value == value and value ~= row.columns[c] then columns = columns + 2 ^ (c - 1) end
  end
  local mask = band(flags, TAKEN_OVER) == 0 and band(bit.bxor(flags, row.flags), OWN_FLAGS) or 0
  return struct.pack('<BBI4I4d', DUPLICATE, told, columns, mask, time)
end

-- One row of a record call: a single, of which the time may be left out (NaN).
local function parse_row(view, packed, at)
  local row = {}
  row.time, row.id, row.flags, at = struct.unpack('<dc8I4', packed, at)
  row.columns = { struct.unpack(view.columns_format, packed, at) }
  at = at + 8 * view.column_count
  row.values_packed = sub(packed, at, at + 8 * view.distinct_fields - 1)
  return row
end

-- Companions without a log are left over from one that was evicted or deleted: nothing may be built on them.
local function drop_leftovers(call, view, key)
  call.lost = call.lost + redis.call('UNLINK', companion_name(call, key, 'ids'), companion_name(call, key, 'corrections'))
  for _, seen in ipairs(view.seen) do
    call.lost = call.lost + redis.call('UNLINK', seen_name(call, view, key, seen))
  end
end

-- What becomes of a row: its verdict, and whether it is to be recorded.
local function judge(call, log, row, now, fresh)
  local s, view = log.s, log.view
  local given = row.time
  local latest = call.event_clock and INFINITE or max(now, call.millis + call.tolerance)
  if not call.event_clock and (given ~= given or given > now and given <= latest) then
    row.time, row.as_now = now, true
  end
  local single = fresh and fresh[row.id] and unpack_single(view, fresh[row.id], 1)
  if not single then
    local _
    _, single = find_single(log, row.id)
  end
  -- The id of a single past the horizon, which only waits to be dropped, is free again.
  local horizon = (given > latest and now or max(now, row.time)) - view.keep
  if single and single[1] > horizon then return differences(view, single, row, given) end
  local recorded_at = not single and remembered(call, log, row.id, given > latest and now or max(now, row.time))
  if recorded_at then
    return verdict(DUPLICATE, recorded_at, was_retracted(call, log, row.id, recorded_at, now) and TOLD_OF_RETRACTION)
  end
  if given > latest then return verdict(REJECTED, given) end
  if row.time <= now - view.span then return verdict(TOO_LATE, given) end
  row.high, row.low = halves(row.id)
  local book = view.book
  if row.time <= max(s[book + REMEMBERED_SINCE], now - view.horizon) then
    if was_retracted(call, log, row.id, row.time, now) then return verdict(DUPLICATE, row.time, TOLD_OF_RETRACTION) end
    -- What falls among the tiles cannot be told from a repeat once its id would be forgotten.
    if is_among_tiles(log, row.time, row.high, row.low) then return verdict(FORGOTTEN, given) end
  end
  return verdict(RECORDED, row.time), true
end

-- Singles that wait to be appended together, and their marks: filled anew for each entity. `shown` tells where the mark of a
-- value's last sighting among them is, and `fresh` knows all singles of the call by their ids, where more than one event came.
local singles, marks, single_count, mark_count = {}, {}, 0, 0
local shown, fresh

-- The values of an event that waits are marked as its, and no longer as of those that showed them before.
local function show_values(call, log, single, flags, now)
  local s, view = log.s, log.view
  marks[mark_count + 1] = sub(single, 9, 8 + MARK_BYTES)
  mark_count = mark_count + 1
  for place, seen in ipairs(view.seen) do
    local mark, value = NO_MARK, sub(single, seen.value_at, seen.value_at + 7)
    if value ~= NO_VALUE and (seen.mask == 0 or band(flags, seen.mask) ~= 0) then
      mark = mark_of(value)
      local before = shown and shown[place .. value]
      if before then
        marks[before] = NO_MARK
      else
        supersede(call, log, place, seen, value, now)
        for _, window in ipairs(seen.windows) do s[window.held] = s[window.held] + 1 end
      end
      if shown then shown[place .. value] = mark_count + 1 end
    end
    mark_count = mark_count + 1
    marks[mark_count] = mark
  end
end

-- Whether an event that is as old as the newest one stands after it, by its id: that one is a single then.
local function follows_last(log, time, id)
  local text, at, count = singles[single_count], 1, log.s[log.view.book + SINGLES]
  if single_count == 0 then
    if count == 0 then return false end
    text, at = singles_at(log, count - 1, 1)
  end
  local last_time, last_id = struct.unpack('<dc8', text, at)
  if last_time ~= time then return false end
  local high, low = halves(id)
  local last_high, last_low = halves(last_id)
  return is_before(time, last_high, last_low, time, high, low)
end

-- Takes in the common case: an event that stands after all others, and whose id is new. Returns its verdict and its time,
-- and its single waits to be appended; or nil for any other.
local function take_in_order(call, log, packed, at, now)
  local s, view = log.s, log.view
  local time, id, flags = struct.unpack('<dc8I4', packed, at)
  local single = sub(packed, at, at + view.single_bytes - 1)
  if not call.event_clock and not (time <= now) then -- also if it was left out
    if time > max(now, call.millis + call.tolerance) then return nil end
    time = now
    single = struct.pack('<dc8I4', time, id, flags + TAKEN_AS_NOW) .. sub(single, 21)
  end
  local ties = time == s[LAST_EVENT_AT]
  if not (time > s[LAST_EVENT_AT] or ties and follows_last(log, time, id))
    or time <= s[view.book + REMEMBERED_SINCE] or time <= now - view.horizon or time <= now - view.span
    or fresh and fresh[id] or marked_from(log, 0, sub(id, 1, MARK_BYTES), 0) then
    return nil
  end
  if time > now then now = time end
  if s[view.book + IDS_BUCKETS] > 0 and remembered(call, log, id, now) then return nil end

  s[EVENT_SEQ], s[LAST_EVENT_AT] = s[EVENT_SEQ] + 1, time
  view.take_in(log, s, now, cell_count(log) + single_count, struct.unpack(view.single_format, single))
  if ties then look_for_all(log) end -- of several at one moment, which is told is not for their order to say
  show_values(call, log, single, flags, now)
  single_count = single_count + 1
  singles[single_count] = single
  if fresh then fresh[id] = single end
  return JUST_RECORDED .. sub(single, 1, 8), time
end

-- Takes in an event that is not in order: it is judged, and if it is to be recorded, added to `rows`. Returns its verdict, and
-- what is now then.
local function take_late(call, log, row, now, rows)
  local s, view = log.s, log.view
  local reply, taken = judge(call, log, row, now, fresh)
  if not taken then return reply, now end
  now = max(now, row.time)
  if row.as_now then row.flags = row.flags + TAKEN_AS_NOW end
  if fresh then fresh[row.id] = pack_single(view, row) end
  rows[#rows + 1] = row
  s[EVENT_SEQ], s[LAST_EVENT_AT] = s[EVENT_SEQ] + 1, max(s[LAST_EVENT_AT], row.time)
  view.run(s, now, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
  return reply, now
end

local function record_entity(call, key, packed)
  local view = views[string.byte(packed, 1)]
  local count, is_first = (#packed - 1) / view.single_bytes, call.done == 0
  if is_over(call, count) then return LEFT end
  here.expect_hash(call, key)
  local several, done, read = count > 1, nil, nil
  if view.append and not several then
    done, read = view.append(call, key, packed)
    if done then return done end
  end
  local log, outdated = load_log(call, view, key, read, several and view.single_bytes * most_singles(call, view))
  if outdated then return outdated end
  here.expect_all(call, view, key)
  local is_new = not log
  log = log or new_log(call, view, key)
  -- Compaction takes longest of all: a call begins with it, or leaves it to the next, with all that follows: an entity's events
  -- stay in order.
  if not is_first and is_crowded(call, log, count) then
    call.over = true
    return LEFT
  end
  local s = log.s
  local now = now_of(call, s[AS_OF])

  if several then
    expect_ids(call, log, count)
    expect_values(log, count)
  end
  local verdicts, rows = {}, {}
  single_count, mark_count, shown, fresh = 0, 0, several and {}, several and {}
  for at = 2, #packed, view.single_bytes do
    local reply, time = take_in_order(call, log, packed, at, now)
    if not reply then reply, time = take_late(call, log, parse_row(view, packed, at), now, rows) end
    if time > now then now = time end
    verdicts[#verdicts + 1] = reply
  end

  local vector
  if #rows + single_count > 0 then
    if is_new then drop_leftovers(call, view, key) end
    if single_count > 0 then
      append_singles(log, single_count, table.concat(marks, '', 1, mark_count), table.concat(singles, '', 1, single_count))
    end
    if #rows > 0 then insert(call, log, rows, now) end
    if is_crowded(call, log) then compact(call, log, now) end
    vector = settle(call, log, now, true)
  elseif is_new then
    vector = nothing_stored(call, view)
  elseif now < s[VALID_UNTIL] and redis.call('EXISTS', hash_name(call, key)) == 1 then
    vector = still_true(view, log.raw, now)
    here.write_again(call, log)
  else
    vector = settle(call, log, now, false)
  end
  return vector .. (several and table.concat(verdicts) or verdicts[1])
end

-- KEYS: a log an entity; one whose rows are many stands there several times. ARGV[i + 1]: B index of the view, then rows.
-- Returns, one after the other: 'V', the vector, and for each row B status, B what it tells (1 time differs, 2 was
-- retracted), I4 columns that differ, I4 flags that differ, d recorded time; or 'S' for one that is left for another call; or
-- 'L' and c8 the layout of a log that must be upgraded first; or 'E', I2 length and the reason why this entity alone could not
-- be served. At the end I4: how many companions of logs were found missing.
local function record(keys, args)
  local call = open_call(args[1])
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = alone(record_entity, call, key, args[i + 1]) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_record_' .. version, record)

return parse_row, judge
