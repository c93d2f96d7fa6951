-- Recording: events into logs.

-- Takes an event into the running figures that go by arrival.
local function add_to_lifetimes(view, log, row, now)
  for i, lifetime in ipairs(view.lifetimes) do
    if lifetime.mask == 0 or bit.band(row.flags, lifetime.mask) ~= 0 then
      local value = lifetime.column > 0 and row.columns[lifetime.column] or row.time
      if value == value then
        local s = log.lifetimes[i]
        if now - s.arrival >= lifetime.idle then
          s = empty_lifetime()
          log.lifetimes[i] = s
        end
        s.n = s.n + 1
        s.arrival = now
        if lifetime.true_mask ~= 0 and bit.band(row.flags, lifetime.true_mask) ~= 0 then s.trues = s.trues + 1 end
        if lifetime.column > 0 then add_value(s, value) end
        if row.time >= s.last_at then s.last_at, s.last = row.time, value end
      end
    end
  end
end

-- How a repeated event differs from the one recorded: is the time another, which columns, which flags.
local function differences(view, log, at, row, given)
  local time, _, flags = struct.unpack('<dc8I4', log.cells, at)
  local other_time = 0
  if given == given and time ~= given and bit.band(flags, TAKEN_AS_NOW) == 0 then other_time = 1 end
  local columns = 0
  for c = 1, view.columns do
    local value, new = struct.unpack('<d', log.cells, at + CELL_FIXED_BYTES + 8 * (c - 1)), row.columns[c]
    if value ~= new and (value == value or new == new) then columns = columns + 2 ^ (c - 1) end
  end
  local mask = bit.band(bit.bxor(flags, row.flags), 2147483647)
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
  at = at + 8 * view.columns
  for h = 1, view.distinct_fields do row.values[h], at = struct.unpack('<c8', packed, at) end
  return row
end

local function pack_cell(view, row, flags)
  return struct.pack('<dc8I4', row.time, row.id, flags) .. struct.pack(view.columns_format, unpack(row.columns, 1, view.columns))
end

-- Marks when an event's distinct values were last seen. Values that no window can hold any more stay out.
local function mark_seen(view, names, rows, now)
  for i, seen in ipairs(view.seen) do
    local newest = {}
    for _, row in ipairs(rows) do
      local passes = seen.mask == 0 or bit.band(row.flags, seen.mask) ~= 0
      if passes and bit.band(row.present, seen.present) ~= 0 and row.time > now - seen.longest then
        local value = row.values[seen.field]
        if not newest[value] or newest[value] < row.time then newest[value] = row.time end
      end
    end
    for value, time in pairs(newest) do
      local added = redis.call('ZADD', names.seen[i], 'GT', integer(time), value)
      if added == 1 and redis.call('PTTL', names.seen[i]) < 0 then names.unarmed[i] = true end
    end
  end
end

local function record_entity(call, log_key, packed)
  local view = views[string.byte(packed, 1)]
  local raw = redis.call('GET', log_key)
  if raw and string.sub(raw, 1, 8) ~= view.layout then return 'L' .. string.sub(raw, 1, 8) end
  local log = raw and parse_log(view, raw) or new_log(view)
  local names = key_names(call, view, log_key)
  local now = now_of(call, log)

  local verdicts, rows, fresh, known = {}, {}, {}, {}
  local function settle_pending() -- puts the new cells into the log, so that a repeat within the batch finds them
    if #fresh > 0 then insert_cells(view, log, fresh) end
    fresh, known = {}, {}
  end
  for at = 2, #packed, view.row_bytes do
    local row = parse_row(view, packed, at)
    local given, flags = row.time, row.flags
    if not call.event_clock and (given ~= given or (given > now and given <= call.millis + call.tolerance)) then
      row.time, flags = now, flags + TAKEN_AS_NOW
    end
    if known[row.id] then settle_pending() end
    local found = find_cell(view, log, row.id)
    if found then
      verdicts[#verdicts + 1] = differences(view, log, found, row, given)
    elseif not call.event_clock and given > call.millis + call.tolerance then
      verdicts[#verdicts + 1] = verdict(REJECTED, given)
    elseif row.time <= now - view.span then
      verdicts[#verdicts + 1] = verdict(TOO_LATE, given)
    else
      verdicts[#verdicts + 1] = verdict(RECORDED, row.time)
      now = math.max(now, row.time)
      fresh[#fresh + 1] = { time = row.time, id = row.id, packed = pack_cell(view, row, flags) }
      known[row.id] = true
      rows[#rows + 1] = row
      log.event_seq = log.event_seq + 1
      log.last_event_at = math.max(log.last_event_at, row.time)
      add_to_lifetimes(view, log, row, now)
    end
  end
  settle_pending()

  local vector
  if #rows > 0 then
    mark_seen(view, names, rows, now)
    vector = settle(call, view, log, names, now, true)
  elseif not raw then
    vector = nothing_stored(call, view)
  elseif now < log.valid_until then
    vector = 'V' .. string.sub(raw, 9, HEADER_BYTES + 8 * #view.features)
  else
    vector = settle(call, view, log, names, now, false)
  end
  return vector .. table.concat(verdicts)
end

-- KEYS: a log an entity, each entity of a view once. ARGV[i + 1]: B index of the view, then its rows.
-- Returns, one after the other: 'V', the vector, and for each row B status, B time differs, I4 columns that differ, I4
-- flags that differ, d recorded time; or 'L' and c8 the layout of a log that must be upgraded first. At the end I4: how
-- many companions of a log were found missing.
local function record(keys, args)
  local call = open_call(args[1])
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = record_entity(call, key, args[i + 1]) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_record_' .. version, record)
