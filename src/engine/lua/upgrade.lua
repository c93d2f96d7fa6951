-- Growing: logs of an older layout of the same view become logs of this one. What was not kept is null.

-- Numbers of things that the old layout has, and, for each thing of the new one, where the old one has it (0: nowhere).
local function parse_upgrade(packed)
  local old = {}
  local index, at
  index, old.layout, old.features, old.columns, old.lifetimes, old.seen, at = struct.unpack('<Bc8BBBB', packed)
  local view = views[index]
  local from = {}
  for _, part in ipairs({ { 'features', #view.features }, { 'columns', view.column_count }, { 'flags', 30 },
    { 'lifetimes', #view.lifetimes }, { 'seen', #view.seen } }) do
    from[part[1]] = { string.byte(packed, at, at + part[2] - 1) }
    at = at + part[2]
  end
  return view, old, from
end

local function upgraded_cells(view, old, from, raw)
  local cells = {}
  local cell_bytes = CELL_FIXED_BYTES + 8 * old.columns
  for at = header_bytes(old.features, old.lifetimes, old.seen) + 1, #raw, cell_bytes do
    local row, flags = { columns = {} }, nil
    row.time, row.id, flags = struct.unpack('<dc8I4', raw, at)
    local kept = TAKEN_OVER + (bit.band(flags, TAKEN_AS_NOW) ~= 0 and TAKEN_AS_NOW or 0)
    for new, place in ipairs(from.flags) do
      if place > 0 and bit.band(flags, 2 ^ (place - 1)) ~= 0 then kept = kept + 2 ^ (new - 1) end
    end
    for new, place in ipairs(from.columns) do
      row.columns[new] = place > 0 and struct.unpack('<d', raw, at + CELL_FIXED_BYTES + 8 * (place - 1)) or NULL
    end
    cells[#cells + 1] = pack_cell(view, row, kept)
  end
  return table.concat(cells)
end

-- Returns 'V' once the log is none of the old layout.
local function upgrade_log(call, view, old, from, key)
  local raw = redis.call('GET', key)
  if not raw or string.sub(raw, 1, 8) ~= old.layout then return 'V' end
  if call.budget <= 0 then return LEFT end
  local log = new_log(call, view)
  local since = log.complete_since
  parse_fixed_header(log, raw)

  local vector, added = {}, false
  for new, place in ipairs(from.features) do
    vector[new] = place > 0 and struct.unpack('<d', raw, VECTOR_AT + 8 * (place - 1)) or NULL
    added = added or place == 0
  end
  -- A process of the older definition may have taken events in since the newer one was enrolled.
  local late = added and (call.event_clock or log.as_of >= since)
  log.complete_since = math.max(log.complete_since, late and call.millis or since)
  log.vector = struct.pack(view.vector_format, unpack(vector))
  for new, place in ipairs(from.lifetimes) do
    if place > 0 then log.lifetimes[new] = unpack_lifetime(raw, header_bytes(old.features, place - 1, 0) + 1) end
  end
  for new, place in ipairs(from.seen) do
    local seen = place > 0 and unpack_seen(raw, header_bytes(old.features, old.lifetimes, place - 1) + 1)
    -- One that has expired as it should is nothing that a longer window could find lost.
    if seen and seen.expires_at > call.millis then log.seen[new] = seen end
  end
  log.cells = upgraded_cells(view, old, from, raw)
  settle(call, view, log, key_names(call, view, key), now_of(call, log.as_of), false, true)
  return 'V'
end

-- KEYS: logs. ARGV[2]: B index of the view, c8 the old layout, B its features, B columns, B lifetimes, B sets of
-- last-seen times; then, for each feature, column, flag (30), lifetime and set of the new layout, B where the old one has
-- it (from 1; 0: nowhere). Logs of another layout are left alone.
-- Returns, one after the other: 'V' for one that is done, 'S' for one that is left for another call, or 'E' as `record`
-- has it. At the end I4 as `record`.
local function upgrade(keys, args)
  local call = open_call(args[1])
  local view, old, from = parse_upgrade(args[2])
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = alone(upgrade_log, call, view, old, from, key) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_upgrade_' .. version, upgrade)
