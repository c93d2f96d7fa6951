-- Recording: events into logs.

local SEARCHES_WORTH_AN_INDEX = 16

-- Takes an event into the running figures that go by arrival.
local function add_to_lifetimes(view, log, row, now)
  local chunk = { row.time, row.flags, unpack(row.columns, 1, view.column_count) }
  for i, lifetime in ipairs(view.lifetimes) do
    local s = log.lifetimes[i]
    if now - s.arrival >= lifetime.idle then s = empty_aggregate() end
    local n = s.n
    gather(lifetime, s, chunk, 0, 0, #chunk)
    if s.n > n then
      s.arrival = now
      if row.time >= s.last_at then
        s.last_at, s.last = row.time, lifetime.column > 0 and row.columns[lifetime.column] or row.time
      end
      log.lifetimes[i] = s
    end
  end
end

-- How a repeated event differs from the one recorded: is the time another, which columns, which flags.
local function differences(view, cells, at, row, given)
  local time, _, flags = struct.unpack('<dc8I4', cells, at)
  local other_time = 0
  if given == given and time ~= given and bit.band(flags, TAKEN_AS_NOW) == 0 then other_time = 1 end
  local columns = 0
  for c = 1, view.column_count do
    local value = struct.unpack('<d', cells, at + CELL_FIXED_BYTES + 8 * (c - 1))
    -- A column that is null may only not have been kept, before the definition grew: no difference to tell of.
    if value == value and value ~= row.columns[c] then columns = columns + 2 ^ (c - 1) end
  end
  local mask = bit.band(flags, TAKEN_OVER) == 0 and bit.band(bit.bxor(flags, row.flags), OWN_FLAGS) or 0
  return struct.pack('<BBI4I4d', DUPLICATE, other_time, columns, mask, time)
end

local function verdict(status, time)
  return struct.pack('<BBI4I4d', status, 0, 0, 0, time)
end

-- One row of a record call: d time (NaN: left out), c8 id, I4 flags, I4 which distinct fields are present, d a column,
-- c8 a distinct field.
local function parse_row(view, packed, at)
  local row = { values = {} }
  row.time, row.id, row.flags, row.present, at = struct.unpack('<dc8I4I4', packed, at)
  row.columns = { struct.unpack(view.columns_format, packed, at) }
  at = at + 8 * view.column_count
  for h = 1, view.distinct_fields do row.values[h], at = struct.unpack('<c8', packed, at) end
  return row
end

local function pack_cell(view, row, flags)
  return struct.pack('<dc8I4', row.time, row.id, flags) .. struct.pack(view.columns_format, unpack(row.columns, 1, view.column_count))
end

-- Marks when an event's distinct values were last seen. Values that no window can hold any more stay out.
local function mark_seen(call, view, log, names, rows, now)
  for i, seen in ipairs(view.seen) do
    local newest, newest_time = {}, -INFINITE
    for _, row in ipairs(rows) do
      local passes = seen.mask == 0 or bit.band(row.flags, seen.mask) ~= 0
      if passes and bit.band(row.present, seen.present) ~= 0 and row.time > now - seen.longest then
        local value = row.values[seen.field]
        if not newest[value] or newest[value] < row.time then newest[value] = row.time end
        newest_time = math.max(newest_time, row.time)
      end
    end
    if newest_time > -INFINITE then
      local name = names.seen[i]
      if log.seen[i].fed_at > now - seen.longest and redis.call('EXISTS', name) == 0 then lose_seen(call, log, i) end
      for value, time in pairs(newest) do redis.call('ZADD', name, 'GT', integer(time), value) end
      log.seen[i].fed_at = math.max(log.seen[i].fed_at, newest_time)
    end
  end
end

-- Last-seen times without a log are left over from one that was evicted or deleted: nothing may be built on them.
local function drop_leftovers(call, names)
  for _, name in ipairs(names.seen) do call.lost = call.lost + redis.call('UNLINK', name) end
end

-- Finds where the cell of an id stands, if the log holds it.
local function cell_finder(view, log, searches)
  if searches < SEARCHES_WORTH_AN_INDEX then
    return function(id) return search_cell(view, log, id) end
  end
  local index = index_cells(view, log)
  return function(id) return index[id] end
end

local function record_entity(call, log_key, packed)
  if call.budget <= 0 then return LEFT end
  local view = views[string.byte(packed, 1)]
  local raw = redis.call('GET', log_key)
  local outdated = raw and other_layout(view, raw)
  if outdated then return outdated end
  local log = raw and parse_log(view, raw) or new_log(call, view)
  local names = key_names(call, view, log_key)
  local now = now_of(call, log.as_of)
  local find_cell = cell_finder(view, log, (#packed - 1) / view.row_bytes)

  local verdicts, rows, fresh, fresh_by_id = {}, {}, {}, {}
  for at = 2, #packed, view.row_bytes do
    local row = parse_row(view, packed, at)
    local given, flags, reply = row.time, row.flags, nil
    local latest = call.event_clock and INFINITE or math.max(now, call.millis + call.tolerance)
    if not call.event_clock and (given ~= given or (given > now and given <= latest)) then
      row.time, flags = now, flags + TAKEN_AS_NOW
    end
    local cells, cell_at = log.cells, find_cell(row.id)
    if fresh_by_id[row.id] then cells, cell_at = fresh_by_id[row.id].packed, 1 end
    -- The id of a cell past the horizon, which only waits to be dropped, is free again.
    local horizon = (given > latest and now or math.max(now, row.time)) - view.keep
    if cell_at and struct.unpack('<d', cells, cell_at) > horizon then
      reply = differences(view, cells, cell_at, row, given)
    elseif given > latest then
      reply = verdict(REJECTED, given)
    elseif row.time <= now - view.span then
      reply = verdict(TOO_LATE, given)
    else
      reply = verdict(RECORDED, row.time)
      now = math.max(now, row.time)
      local cell = { time = row.time, id = row.id, packed = pack_cell(view, row, flags) }
      fresh[#fresh + 1], fresh_by_id[row.id], rows[#rows + 1] = cell, cell, row
      log.event_seq = log.event_seq + 1
      log.last_event_at = math.max(log.last_event_at, row.time)
      add_to_lifetimes(view, log, row, now)
    end
    verdicts[#verdicts + 1] = reply
  end

  local vector
  if #rows > 0 then
    if not raw then drop_leftovers(call, names) end
    insert_cells(view, log, fresh)
    mark_seen(call, view, log, names, rows, now)
    vector = settle(call, view, log, names, now, true)
  elseif not raw then
    vector = nothing_stored(call, view)
  elseif now < log.valid_until and redis.call('EXISTS', names.hash) == 1 then
    vector = 'V' .. string.sub(raw, 9, HEADER_BYTES + 8 * #view.features)
  else
    vector = settle(call, view, log, names, now, false)
  end
  return vector .. table.concat(verdicts)
end

-- KEYS: a log an entity, each entity of a view once. ARGV[i + 1]: B index of the view, then its rows.
-- Returns, one after the other: 'V', the vector, and for each row B status, B time differs, I4 columns that differ, I4
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
