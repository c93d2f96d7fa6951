-- Freshet's engine: takes events into an entity's log, folds the log into its vector, and serves the vector.
--
-- A table `views`, generated from the definitions, stands before this text (see library.ts). All keys of an entity share
-- its hash tag; a call names the log alone and derives the others. The log is one packed, little-endian string:
--
--   header   c8 layout, d revision, d as_of, d valid_until, d last_event_at, d event_seq, d expires_at,
--            then one d a feature (the vector; NaN is null), then LIFETIME_DOUBLES a lifetime
--   cells    oldest first, ties by id: d time, c8 id, I4 flags, one d a column (NaN is null)
--
-- Times are milliseconds since 1970; an absent time is infinite. ARGV[1] of every function: B clock (0 wall, 1 event),
-- I4 length of the key prefix, d tolerance for times ahead, then d complete_since of each view.

local HEADER_BYTES = 56
local VECTOR_AT = HEADER_BYTES + 1
local LIFETIME_DOUBLES = 11
local CELL_FIXED_BYTES = 20
local ID_AT_IN_CELL = 8
local TAKEN_AS_NOW = 2147483648 -- the flag of a cell whose time the store chose, so that a retry's own time is no difference
local INFINITE = 1 / 0
local NULL = 0 / 0
local SLACK = 1 / 16 -- a TTL is armed this much longer than needed, so that it need not be armed at each event

local RECORDED, DUPLICATE, TOO_LATE, REJECTED = 0, 1, 2, 3

local function integer(value)
  return string.format('%.0f', value)
end

-- The call: what holds for all of its entities. ----------------------------------------------------------------------

local function open_call(packed)
  local call = { lost = 0 }
  local clock, prefix_length, tolerance, at = struct.unpack('<BI4d', packed)
  call.event_clock = clock == 1
  call.prefix_length = prefix_length
  call.tolerance = tolerance
  call.complete_since = {}
  for i = 1, #views do
    call.complete_since[i], at = struct.unpack('<d', packed, at)
  end
  local time = redis.call('TIME')
  call.micros = time[1] * 1000000 + time[2]
  call.millis = math.floor(call.micros / 1000)
  return call
end

-- Names of an entity's keys, from that of its log: `<prefix>:log:<stem>{<id>}`.
local function key_names(call, view, log_key)
  local prefix = string.sub(log_key, 1, call.prefix_length)
  local tag = string.sub(log_key, call.prefix_length + 6 + #view.stem)
  local names = { log = log_key, hash = prefix .. ':' .. view.stem .. tag, seen = {}, unarmed = {} }
  for i, seen in ipairs(view.seen) do
    names.seen[i] = prefix .. ':seen:' .. view.stem .. seen.name .. ':' .. tag
  end
  return names
end

-- The log. ------------------------------------------------------------------------------------------------------------

local function header_bytes(features, lifetimes)
  return HEADER_BYTES + 8 * features + 8 * LIFETIME_DOUBLES * lifetimes
end

local function empty_lifetime()
  return { n = 0, sum = 0, rest = 0, least = INFINITE, most = -INFINITE, mean = 0, m2 = 0, trues = 0,
    last_at = -INFINITE, last = NULL, arrival = -INFINITE }
end

local function unpack_lifetime(raw, at)
  local s = {}
  s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2, s.trues, s.last_at, s.last, s.arrival =
    struct.unpack('<ddddddddddd', raw, at)
  return s
end

local function pack_lifetime(s)
  return struct.pack('<ddddddddddd', s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2, s.trues, s.last_at, s.last,
    s.arrival)
end

local function new_log(view)
  local log = { revision = 0, as_of = -INFINITE, valid_until = INFINITE, last_event_at = -INFINITE, event_seq = 0,
    expires_at = -INFINITE, vector = '', lifetimes = {}, cells = '', stored_cells = false }
  for i = 1, #view.lifetimes do log.lifetimes[i] = empty_lifetime() end
  return log
end

local function parse_log(view, raw)
  local log = {}
  log.revision, log.as_of, log.valid_until, log.last_event_at, log.event_seq, log.expires_at =
    struct.unpack('<dddddd', raw, 9)
  local features = #view.features
  log.vector = string.sub(raw, VECTOR_AT, HEADER_BYTES + 8 * features)
  log.lifetimes = {}
  for i = 1, #view.lifetimes do
    log.lifetimes[i] = unpack_lifetime(raw, VECTOR_AT + 8 * features + 8 * LIFETIME_DOUBLES * (i - 1))
  end
  log.cells = string.sub(raw, header_bytes(features, #view.lifetimes) + 1)
  log.stored_cells = log.cells
  return log
end

-- The entity's now: the store's, or its newest event's; never before the last fold.
local function now_of(call, log)
  if call.event_clock then return log.as_of end
  return math.max(call.millis, log.as_of)
end

local function cell_count(view, log)
  return #log.cells / view.cell_bytes
end

local function cell_time(view, log, index)
  return (struct.unpack('<d', log.cells, (index - 1) * view.cell_bytes + 1))
end

-- Index of the first cell whose time is past `limit`; all before it are at or before.
local function first_after(view, log, limit)
  local low, high = 1, cell_count(view, log) + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if cell_time(view, log, middle) > limit then high = middle else low = middle + 1 end
  end
  return low
end

-- Where a cell's id stands, if the log holds it. Only a hit at an id's own place counts.
local function find_cell(view, log, id)
  local from = 1
  while true do
    local at = string.find(log.cells, id, from, true)
    if not at then return nil end
    if (at - 1) % view.cell_bytes == ID_AT_IN_CELL then return at - ID_AT_IN_CELL end
    from = at + 1
  end
end

-- Order of cells: by time, then by id, read as two numbers because strings compare by the server's locale.
local function is_before(a, b)
  if a.time ~= b.time then return a.time < b.time end
  local a_low, a_high = struct.unpack('<I4I4', a.id)
  local b_low, b_high = struct.unpack('<I4I4', b.id)
  if a_high ~= b_high then return a_high < b_high end
  return a_low < b_low
end

-- Puts new cells in their places.
local function insert_cells(view, log, fresh)
  if #fresh > 1 then table.sort(fresh, is_before) end
  local cells, size, parts, from = log.cells, view.cell_bytes, {}, 1
  for _, cell in ipairs(fresh) do
    local index = first_after(view, log, cell.time)
    while index > 1 do -- ties: step back over cells of the same moment with a larger id
      local at = (index - 2) * size + 1
      local time, id = struct.unpack('<dc8', cells, at)
      if time ~= cell.time or is_before({ time = time, id = id }, cell) then break end
      index = index - 1
    end
    local at = (index - 1) * size + 1
    if at > from then parts[#parts + 1] = string.sub(cells, from, at - 1) end
    parts[#parts + 1] = cell.packed
    from = at
  end
  if from <= #cells then parts[#parts + 1] = string.sub(cells, from) end
  log.cells = table.concat(parts)
end

-- Folding. ------------------------------------------------------------------------------------------------------------

-- Takes one value into a running aggregate. Sums are compensated (Neumaier), spread is Welford's.
local function add_value(s, value)
  local sum = s.sum + value
  if math.abs(s.sum) >= math.abs(value) then
    s.rest = s.rest + ((s.sum - sum) + value)
  else
    s.rest = s.rest + ((value - sum) + s.sum)
  end
  s.sum = sum
  if value < s.least then s.least = value end
  if value > s.most then s.most = value end
  local delta = value - s.mean
  s.mean = s.mean + delta / s.n
  s.m2 = s.m2 + delta * (value - s.mean)
end

-- What a running aggregate says of a feature.
local outcome = {
  count = function(s) return s.n end,
  sum = function(s) return s.sum + s.rest + 0 end,
  avg = function(s) return s.n > 0 and (s.sum + s.rest) / s.n or NULL end,
  min = function(s) return s.n > 0 and s.least or NULL end,
  max = function(s) return s.n > 0 and s.most or NULL end,
  stddev = function(s) return s.n > 0 and math.sqrt(math.max(0, s.m2 / s.n)) or NULL end,
  share = function(s) return s.n > 0 and s.trues / s.n or NULL end,
  last = function(s) return s.n > 0 and s.last or NULL end,
}

-- One pass from the newest cell to the oldest. A lane (a delay, a filter, a field) gathers from its delay on; as the
-- pass comes to an edge's age, the features whose window ends there are read off their lanes. Returns the vector and the
-- first moment at which a cell crosses an edge or an idle time ends.
local function fold(call, view, log, names, now)
  local first = first_after(view, log, now - view.keep)
  if first > 1 then log.cells = string.sub(log.cells, (first - 1) * view.cell_bytes + 1) end

  local vector, valid_until = {}, INFINITE
  local cells, size, unpack = log.cells, view.cell_bytes, struct.unpack
  local lanes, active = {}, {}
  for i = 1, #view.lanes do lanes[i] = empty_lifetime() end

  local index = cell_count(view, log)
  local time, flags
  if index > 0 then time, flags = unpack('<dxxxxxxxxI4', cells, (index - 1) * size + 1) end
  local inside = nil
  for _, edge in ipairs(view.edges) do
    local limit = now - edge.age
    while index > 0 and time > limit do
      local at = (index - 1) * size + 1
      for k = 1, #active do
        local lane, s = view.lanes[active[k]], lanes[active[k]]
        if lane.mask == 0 or bit.band(flags, lane.mask) ~= 0 then
          local column = lane.column
          if column == 0 then -- counts alone
            s.n = s.n + 1
            if lane.true_mask ~= 0 and bit.band(flags, lane.true_mask) ~= 0 then s.trues = s.trues + 1 end
          elseif column < 0 then -- the event's own time
            if s.n == 0 then s.last = time end
            s.n = s.n + 1
          else
            local value = unpack('<d', cells, at + CELL_FIXED_BYTES + 8 * (column - 1))
            if value == value then
              if s.n == 0 then s.last = value end
              s.n = s.n + 1
              if lane.numeric then add_value(s, value) end
            end
          end
        end
      end
      inside = time
      index = index - 1
      if index > 0 then time, flags = unpack('<dxxxxxxxxI4', cells, at - size) end
    end
    if inside and edge.age > 0 then valid_until = math.min(valid_until, inside + edge.age) end
    for _, f in ipairs(edge.leave) do
      local feature = view.features[f]
      vector[f] = outcome[feature.op](lanes[feature.lane])
    end
    for _, i in ipairs(edge.enter) do active[#active + 1] = i end
  end

  for i, lifetime in ipairs(view.lifetimes) do
    local s = log.lifetimes[i]
    if s.arrival > -INFINITE then
      if now - s.arrival >= lifetime.idle then
        s = empty_lifetime()
        log.lifetimes[i] = s
      else
        valid_until = math.min(valid_until, s.arrival + lifetime.idle)
      end
    end
    for _, f in ipairs(lifetime.features) do vector[f] = outcome[view.features[f].op](s) end
  end

  for i, seen in ipairs(view.seen) do
    local found = 0
    for _, window in ipairs(seen.windows) do
      vector[window.feature] = 0
      if #log.cells > 0 then
        found = redis.call('ZCOUNT', names.seen[i], '(' .. integer(now - window.length), '+inf')
        vector[window.feature] = found
      end
    end
    if found == 0 and seen.always and first_after(view, log, now - seen.longest) <= cell_count(view, log) then
      call.lost = call.lost + 1
    end
  end
  return vector, valid_until
end

-- Storing. ------------------------------------------------------------------------------------------------------------

-- The shortest decimal that reads back as the same double.
local function decimal(value)
  if value == math.floor(value) and math.abs(value) < 1e15 then return string.format('%d', value) end
  local text = string.format('%.15g', value)
  if tonumber(text) == value then return text end
  text = string.format('%.16g', value)
  if tonumber(text) == value then return text end
  return string.format('%.17g', value)
end

-- Writes the fields of the served hash that differ from `before` (nil: all of them). Returns how many it set, and how
-- many of these were not there.
local function put_hash(call, view, log, names, vector, before, touched)
  local set, gone = { '_as_of', integer(log.as_of) }, {}
  local at = 2
  local function put(field, text)
    set[at + 1], set[at + 2] = field, text
    at = at + 2
  end
  if log.valid_until < INFINITE then put('_valid_until', integer(log.valid_until)) else gone[1] = '_valid_until' end
  if touched or not before then
    put('_revision', integer(log.revision))
    put('_event_seq', integer(log.event_seq))
    put('_updated_at', integer(math.floor(call.millis / 1000)))
    put('_complete_since', integer(call.complete_since[view.index]))
    if log.last_event_at > -INFINITE then put('_last_event_at', integer(log.last_event_at)) end
  end
  for f, feature in ipairs(view.features) do
    local value, old = vector[f], before and before[f]
    if value ~= value then
      if not before or old == old then gone[#gone + 1] = feature.field end
    elseif value ~= old then
      put(feature.field, decimal(value))
    end
  end
  local created = redis.call('HSET', names.hash, unpack(set))
  if #gone > 0 and created < at / 2 then redis.call('HDEL', names.hash, unpack(gone)) end
  return at / 2, created
end

-- Brings the served hash up to date, whole where it was missing (evicted, deleted). Returns whether it was.
local function store_hash(call, view, log, names, vector, before, touched)
  local set, created = put_hash(call, view, log, names, vector, before, touched)
  local missing = created == set
  if missing and before then put_hash(call, view, log, names, vector, nil, touched) end
  return missing
end

-- Folds the log at `now`, stores it and its hash, and returns the vector as a reader gets it. `taken`: events came in.
local function settle(call, view, log, names, now, taken)
  local vector, valid_until = fold(call, view, log, names, now)
  local packed_vector = struct.pack(view.vector_format, unpack(vector))
  local before = nil
  if #log.vector == #packed_vector then before = { struct.unpack(view.vector_format, log.vector) } end
  local changed = packed_vector ~= log.vector
  if changed then log.revision = math.max(log.revision + 1, call.micros) end
  log.vector, log.as_of, log.valid_until = packed_vector, now, valid_until

  -- Under the event clock, times of events say nothing of when Valkey may forget: keys live from their last write.
  local needed = (call.event_clock and call.millis or log.last_event_at) + view.keep
  for i, lifetime in ipairs(view.lifetimes) do
    needed = math.max(needed, (call.event_clock and call.millis or log.lifetimes[i].arrival) + lifetime.idle)
  end
  local arm = log.expires_at < needed
  if arm then log.expires_at = math.floor(needed + view.keep * SLACK) end
  local expires_at = integer(log.expires_at)

  local header = struct.pack('<c8dddddd', view.layout, log.revision, log.as_of, log.valid_until, log.last_event_at,
    log.event_seq, log.expires_at) .. packed_vector
  local lifetimes = {}
  for i = 1, #view.lifetimes do lifetimes[i] = pack_lifetime(log.lifetimes[i]) end
  header = header .. table.concat(lifetimes)
  if log.cells == log.stored_cells and not arm then
    redis.call('SETRANGE', names.log, 0, header)
  elseif arm then
    redis.call('SET', names.log, header .. log.cells, 'PXAT', expires_at)
  else
    redis.call('SET', names.log, header .. log.cells, 'KEEPTTL')
  end

  local fresh_hash = store_hash(call, view, log, names, vector, before, changed or taken)
  if arm or fresh_hash then redis.call('PEXPIREAT', names.hash, expires_at) end
  for i, seen in ipairs(view.seen) do
    if arm then redis.call('ZREMRANGEBYSCORE', names.seen[i], '-inf', integer(now - seen.longest)) end
    if arm or names.unarmed[i] then redis.call('PEXPIREAT', names.seen[i], expires_at) end
  end
  return 'V' .. string.sub(header, 9, HEADER_BYTES + 8 * #view.features)
end

-- What a reader gets of an entity of which nothing is stored: a vector that is as old as this call, and never wrong.
local function nothing_stored(call, view)
  local parts = { 'V', struct.pack('<dddddd', call.micros, call.millis, INFINITE, -INFINITE, 0, 0) }
  local empty = empty_lifetime()
  for _, feature in ipairs(view.features) do
    parts[#parts + 1] = struct.pack('<d', feature.op == 'distinct' and 0 or outcome[feature.op](empty))
  end
  return table.concat(parts)
end

-- Recording. ----------------------------------------------------------------------------------------------------------

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

-- Reading. ------------------------------------------------------------------------------------------------------------

-- KEYS: logs of one view. ARGV[2]: B index of the view, B 1 to fold all of them again, d how many cells may be folded.
-- Returns, one after the other: 'V' and the vector; 'S' and I4 the cells of one that is stale and past the budget; or 'L'
-- and c8 a layout. At the end I4 as `record`.
local function read(keys, args)
  local call = open_call(args[1])
  local index, force, budget = struct.unpack('<BBd', args[2])
  local view = views[index]
  local head_bytes = HEADER_BYTES + 8 * #view.features
  local fixed_bytes = header_bytes(#view.features, #view.lifetimes)
  local replies = {}
  for i, key in ipairs(keys) do
    local head = redis.call('GETRANGE', key, 0, head_bytes - 1)
    if head == '' then
      replies[i] = nothing_stored(call, view)
    elseif string.sub(head, 1, 8) ~= view.layout then
      replies[i] = 'L' .. string.sub(head, 1, 8)
    else
      local as_of, valid_until = struct.unpack('<dd', head, 17)
      if force == 0 and now_of(call, { as_of = as_of }) < valid_until then
        replies[i] = 'V' .. string.sub(head, 9)
      else
        local cells = (redis.call('STRLEN', key) - fixed_bytes) / view.cell_bytes
        if cells > budget then
          replies[i] = 'S' .. struct.pack('<I4', cells)
        else
          budget = budget - cells
          local log = parse_log(view, redis.call('GET', key))
          replies[i] = settle(call, view, log, key_names(call, view, key), now_of(call, log), false)
        end
      end
    end
  end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

-- Growing. ------------------------------------------------------------------------------------------------------------

-- Brings logs of an older layout of the same view up to date: what the old layout did not keep is null.
-- KEYS: logs. ARGV[2]: B index of the view, c8 the old layout, B its features, B its columns, then for each column, each
-- of 31 flags and each lifetime of the new layout B where the old one had it (from 1; 0: nowhere).
local function upgrade(keys, args)
  local call = open_call(args[1])
  local index, layout, features, columns, at = struct.unpack('<Bc8BB', args[2])
  local view = views[index]
  local function places(count)
    local from = { string.byte(args[2], at, at + count - 1) }
    at = at + count
    return from
  end
  local column_from, flag_from, lifetime_from = places(view.columns), places(31), places(#view.lifetimes)
  local lifetimes = string.byte(args[2], at)
  local old_cell_bytes = CELL_FIXED_BYTES + 8 * columns
  for _, key in ipairs(keys) do
    local raw = redis.call('GET', key)
    if raw and string.sub(raw, 1, 8) == layout then
      local log = new_log(view)
      log.revision, log.as_of, log.valid_until, log.last_event_at, log.event_seq, log.expires_at =
        struct.unpack('<dddddd', raw, 9)
      for i, from in ipairs(lifetime_from) do
        if from > 0 then
          log.lifetimes[i] = unpack_lifetime(raw, VECTOR_AT + 8 * features + 8 * LIFETIME_DOUBLES * (from - 1))
        end
      end
      local cells = {}
      for from = header_bytes(features, lifetimes) + 1, #raw, old_cell_bytes do
        local row = { columns = {} }
        local flags
        row.time, row.id, flags = struct.unpack('<dc8I4', raw, from)
        local kept = bit.band(flags, TAKEN_AS_NOW) ~= 0 and TAKEN_AS_NOW or 0
        for new, old in ipairs(flag_from) do
          if old > 0 and bit.band(flags, 2 ^ (old - 1)) ~= 0 then kept = kept + 2 ^ (new - 1) end
        end
        for new, old in ipairs(column_from) do
          row.columns[new] = old > 0 and struct.unpack('<d', raw, from + CELL_FIXED_BYTES + 8 * (old - 1)) or NULL
        end
        cells[#cells + 1] = pack_cell(view, row, kept)
      end
      log.cells = table.concat(cells)
      log.stored_cells = false
      settle(call, view, log, key_names(call, view, key), now_of(call, log), false)
    end
  end
  return struct.pack('<I4', call.lost)
end

redis.register_function('freshet_record_' .. version, record)
redis.register_function('freshet_read_' .. version, read)
redis.register_function('freshet_upgrade_' .. version, upgrade)
