-- Preview: what recording an event would come to. It runs on the cells as they are loaded, and stops before anything is stored.

-- What a window would hold of a set of values, were an event recorded.
local function would_hold(call, log, seen, window, row, now)
  local inside, limit = log.s[window.at + INSIDE], now - window.length
  local passes = seen.mask == 0 or band(row.flags, seen.mask) ~= 0
  if passes and band(row.present, seen.present) ~= 0 and row.time > limit then
    local value = value_of(row.values_packed, seen)
    local fraction, last = fraction_of(value), last_seen(call, log, seen, value)
    local function weight(time)
      local of_all = time > limit and fraction_at(log, seen, window, time) or 0
      return fraction < of_all and 1 / of_all or 0
    end
    if not last then
      inside = inside + weight(row.time)
    elseif last < row.time then
      inside = inside + weight(row.time) - weight(last)
    end
  end
  return floor(inside + 0.5)
end

-- The vector that a reader would get, had `row` (or nothing) been recorded.
local function previewed(call, log, row, now)
  local s, view = log.s, log.view
  local vector, valid_until = fold(call, log, now)
  for _, seen in ipairs(row and view.seen or {}) do
    for _, window in ipairs(seen.windows) do
      vector[window.feature] = would_hold(call, log, seen, window, row, now)
    end
  end
  take_vector(call, log, vector, valid_until, now)
  return 'V' .. struct.pack('<' .. string.rep('d', VECTOR + view.vector), unpack(s, 1, VECTOR + view.vector))
end

local function preview_entity(call, key, packed)
  if is_over(call) then return LEFT end
  local view = views[string.byte(packed, 1)]
  local log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  local is_new = not log
  log = log or new_log(call, view, key)
  load_cells(log)
  local now = now_of(call, log.s[AS_OF])
  log.newest_before = log.s[LAST_EVENT_AT]

  local row = parse_row(view, packed, 2)
  local reply, taken = judge(call, log, row, now, {})
  if not taken then return (is_new and nothing_stored(call, view) or previewed(call, log, nil, now)) .. reply end
  now = max(now, row.time)
  log.s[EVENT_SEQ], log.s[LAST_EVENT_AT] = log.s[EVENT_SEQ] + 1, max(log.s[LAST_EVENT_AT], row.time)
  add_to_lifetimes(log, row, now)
  if row.as_now then row.flags = row.flags + TAKEN_AS_NOW end
  insert(call, log, { row }, now)
  if is_crowded(call, log) then compact(call, log, now) end
  return previewed(call, log, row, now) .. reply
end

-- KEYS: a log an entity, each of a view. ARGV[i + 1]: B index of the view, then one row.
-- Returns what `record` would, and writes nothing.
local function preview(keys, args)
  local call, replies = open_call(args[1]), {}
  call.preview = true
  for i, key in ipairs(keys) do replies[i] = alone(preview_entity, call, key, args[i + 1]) end
  replies[#replies + 1] = struct.pack('<I4', 0) -- what is missing is counted by who can make it good
  return table.concat(replies)
end

redis.register_function({ function_name = 'freshet_preview_' .. version, callback = preview, flags = { 'no-writes' } })
