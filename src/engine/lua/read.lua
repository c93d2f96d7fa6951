-- Reading: vectors out, folded again where time has passed them by.

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

redis.register_function('freshet_read_' .. version, read)
