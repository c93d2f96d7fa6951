-- Storing: the log with its new vector, and the served hash.

-- A decimal that reads back as the same double, with as few of 15, 16 or 17 digits as will do.
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
    put('_complete_since', integer(log.complete_since))
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

-- Moves an expiry, once it falls short of what is needed, to a sixteenth of `span` past it. Under the event clock, times
-- of events say nothing of when Valkey may forget: keys live from their last write.
local function extend(holder, needed, span)
  if holder.expires_at >= needed then return false end
  holder.expires_at = math.floor(needed + span * SLACK)
  return true
end

local function extend_log(call, view, log)
  local needed = (call.event_clock and call.millis or log.last_event_at) + view.keep
  for i, lifetime in ipairs(view.lifetimes) do
    needed = math.max(needed, (call.event_clock and call.millis or log.lifetimes[i].arrival) + lifetime.idle)
  end
  return extend(log, needed, view.keep)
end

-- Last-seen times are trimmed to the longest window that counts them as their TTL moves. They never outlive their log,
-- beside which they would seem to be left over from one that was lost.
local function extend_seen(call, view, log, names, now)
  for i, seen in ipairs(view.seen) do
    local state = log.seen[i]
    local needed = call.event_clock and log.expires_at or state.fed_at + seen.longest
    if state.fed_at > -INFINITE and extend(state, needed, seen.longest) then
      state.expires_at = math.min(state.expires_at, log.expires_at)
      redis.call('ZREMRANGEBYSCORE', names.seen[i], '-inf', integer(now - seen.longest))
      redis.call('PEXPIREAT', names.seen[i], integer(state.expires_at))
    end
  end
end

-- Folds the log at `now`, stores it and its hash, and returns the vector as a reader gets it.
-- `taken`: events came in; `whole`: every field of the hash is written, also those that did not change.
local function settle(call, view, log, names, now, taken, whole)
  local vector, valid_until = fold(call, view, log, names, now)
  local packed_vector = struct.pack(view.vector_format, unpack(vector))
  local before = nil
  if not whole and log.vector ~= '' then before = { struct.unpack(view.vector_format, log.vector) } end
  local changed = packed_vector ~= log.vector
  if changed then log.revision = math.max(log.revision + 1, call.micros) end
  log.vector, log.as_of, log.valid_until = packed_vector, now, valid_until

  local extended = extend_log(call, view, log)
  extend_seen(call, view, log, names, now)
  local header = pack_header(view, log)
  if log.cells_stored and not extended then
    redis.call('SETRANGE', names.log, 0, header)
  elseif extended then
    redis.call('SET', names.log, header .. log.cells, 'PXAT', integer(log.expires_at))
  else
    redis.call('SET', names.log, header .. log.cells, 'KEEPTTL')
  end
  local hash_was_missing = store_hash(call, view, log, names, vector, before, changed or taken)
  if extended or hash_was_missing then redis.call('PEXPIREAT', names.hash, integer(log.expires_at)) end
  return 'V' .. string.sub(header, 9, HEADER_BYTES + 8 * #view.features)
end

-- What a reader gets of an entity of which nothing is stored: a vector that is as old as this call, and never wrong.
local function nothing_stored(call, view)
  local parts = { 'V', struct.pack('<ddddddd', call.micros, call.millis, INFINITE, -INFINITE, 0,
    call.complete_since[view.index], -INFINITE) }
  local empty = empty_aggregate()
  for _, feature in ipairs(view.features) do
    parts[#parts + 1] = struct.pack('<d', feature.op == 'distinct' and 0 or outcome[feature.op](empty))
  end
  return table.concat(parts)
end
