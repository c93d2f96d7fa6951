-- Preview: what recording an event would come to. It runs on the cells as they are loaded, and stops before anything is stored.

-- Notes how many more values each window would count, were an event recorded. It is not marked as their last sighting, since
-- nothing is written.
local function count_shown(call, log, row, now)
  log.shown = {}
  local among_tiles = is_among_tiles(log, row.time, row.high, row.low)
  for place, seen in ipairs(log.view.seen) do
    local value = value_shown(seen, row.flags, row.values_packed)
    local last = value and last_sighting(log, place, seen, value)
    local last_at = last and struct.unpack('<d', singles_at(log, last, 1)) or value and last_seen(call, log, seen, value)
    if value and row.time > (last_at or -INFINITE) then
      if last_at then show(log, seen, value, last_at, now, last ~= nil, -1) end
      show(log, seen, value, row.time, now, not among_tiles, 1)
    end
  end
end

-- The vector that a reader would get of a log that was never stored.
local function previewed(call, log, now)
  local s, view = log.s, log.view
  take_vector(call, log, now)
  return 'V' .. struct.pack('<' .. string.rep('d', VECTOR + view.vector), unpack(s, 1, VECTOR + view.vector))
end

local function preview_entity(call, key, packed)
  if is_over(call, MUCH_WORK) then return LEFT end
  local view = views[string.byte(packed, 1)]
  local log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  local is_new = not log
  log = log or new_log(call, view, key)
  load_cells(log)
  local now = now_of(call, log.s[AS_OF])

  local row = parse_row(view, packed, 2)
  local reply, taken = judge(call, log, row, now)
  if not taken then return (is_new and nothing_stored(call, view) or previewed(call, log, now)) .. reply end
  now = max(now, row.time)
  log.s[EVENT_SEQ], log.s[LAST_EVENT_AT] = log.s[EVENT_SEQ] + 1, max(log.s[LAST_EVENT_AT], row.time)
  if row.as_now then row.flags = row.flags + TAKEN_AS_NOW end
  view.run(log.s, now, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
  count_shown(call, log, row, now)
  insert(call, log, { row }, now)
  if is_crowded(call, log) then compact(call, log, now) end
  return previewed(call, log, now) .. reply
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
