-- Growing: logs of an older layout of the same view become logs of this one.

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

redis.register_function('freshet_upgrade_' .. version, upgrade)
