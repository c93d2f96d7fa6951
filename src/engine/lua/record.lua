-- Recording: events into logs.

-- Takes an event into the running figures that go by arrival.
local function add_to_lifetimes(log, row, now)
  local s = log.s
  local single = single_of(log.view, row)
  for _, lifetime in ipairs(log.view.lifetimes) do
    local at, lane = lifetime.at, lifetime.lane
    if now - s[at + ARRIVAL] >= lifetime.idle then clear_lifetime(s, at) end
    local n, sum, rest, least, most, spread, trues = single_part(lane, single)
    if n > 0 then
      grow(s, lifetime.group, n, sum, rest, least, most, spread, trues)
      s[at + ARRIVAL] = now
      s[at + OLDEST_AT] = min(s[at + OLDEST_AT], row.time)
      if row.time >= s[at + LAST_AT] then
        s[at + LAST_AT], s[at + LAST] = row.time, lane.column > 0 and single[3 + lane.column] or row.time
      end
    end
  end
end

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

-- One row of a record call: d time (NaN: left out), c8 id, I4 flags, I4 which distinct fields are present, d a column,
-- c8 a distinct field.
local function parse_row(view, packed, at)
  local row = {}
  row.time, row.id, row.flags, row.present, at = struct.unpack('<dc8I4I4', packed, at)
  row.columns = { struct.unpack(view.columns_format, packed, at) }
  at = at + 8 * view.column_count
  row.values_packed = sub(packed, at, at + 8 * view.distinct_fields - 1)
  return row
end

-- Companions without a log are left over from one that was evicted or deleted: nothing may be built on them.
local function drop_leftovers(call, view, key)
  call.lost = call.lost + redis.call('UNLINK', ids_name(call, view, key), corrections_name(call, key))
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
  local single = fresh[row.id]
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

local function record_entity(call, key, packed)
  if is_over(call) then return LEFT end
  local view = views[string.byte(packed, 1)]
  local log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  local is_new = not log
  log = log or new_log(call, view, key)
  local s = log.s
  local now = now_of(call, s[AS_OF])

  log.newest_before = s[LAST_EVENT_AT]

  local verdicts, rows, fresh = {}, {}, {}
  for at = 2, #packed, view.row_bytes do
    local row = parse_row(view, packed, at)
    local reply, taken = judge(call, log, row, now, fresh)
    if taken then
      now = max(now, row.time)
      fresh[row.id] = { row.time, row.id, row.as_now and row.flags + TAKEN_AS_NOW or row.flags,
        unpack(row.columns, 1, view.column_count) }
      rows[#rows + 1] = row
      s[EVENT_SEQ] = s[EVENT_SEQ] + 1
      s[LAST_EVENT_AT] = max(s[LAST_EVENT_AT], row.time)
      add_to_lifetimes(log, row, now)
      if row.as_now then row.flags = row.flags + TAKEN_AS_NOW end
    end
    verdicts[#verdicts + 1] = reply
  end

  local vector
  if #rows > 0 then
    if is_new then drop_leftovers(call, view, key) end
    mark_seen(call, log, rows, now)
    insert(call, log, rows, now)
    if is_crowded(call, log) then compact(call, log, now) end
    vector = settle(call, log, now, true)
  elseif is_new then
    vector = nothing_stored(call, view)
  elseif now < s[VALID_UNTIL] and redis.call('EXISTS', hash_name(call, key)) == 1 then
    vector = still_true(view, log.raw, now)
  else
    vector = settle(call, log, now, false)
  end
  return vector .. table.concat(verdicts)
end

-- KEYS: a log an entity, each entity of a view once. ARGV[i + 1]: B index of the view, then its rows.
-- Returns, one after the other: 'V', the vector, and for each row B status, B what it tells (1 time differs, 2 was retracted), I4 columns that differ, I4
-- flags that differ, d recorded time; or 'S' for one that is left for another call; or 'L' and c8 the layout of a log that
-- must be upgraded first; or 'E', I2 length and the reason why this entity alone could not be served. At the end I4: how
-- many companions of logs were found missing.
local function record(keys, args)
  local call = open_call(args[1])
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = alone(record_entity, call, key, args[i + 1]) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_record_' .. version, record)
