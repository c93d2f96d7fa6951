-- Reading: vectors out, folded again where time has passed them by.

-- Returns the reply, and how many cells were folded for it.
local function read_entity(call, view, key, force, budget)
  local head = redis.call('GETRANGE', key, 0, HEADER_BYTES + 8 * #view.features - 1)
  if head == '' then
    -- A hash without a log would go on serving what nobody can vouch for.
    call.lost = call.lost + redis.call('DEL', key_names(call, view, key).hash)
    return nothing_stored(call, view), 0
  end
  local outdated = other_layout(view, head)
  if outdated then return outdated, 0 end
  local as_of, valid_until = struct.unpack('<dd', head, 17)
  if not force and now_of(call, { as_of = as_of }) < valid_until then return 'V' .. string.sub(head, 9), 0 end
  local cells = (redis.call('STRLEN', key) - header_bytes(#view.features, #view.lifetimes, #view.seen)) / view.cell_bytes
  if cells > budget then return 'S' .. struct.pack('<I4', cells), 0 end
  local log = parse_log(view, redis.call('GET', key))
  return settle(call, view, log, key_names(call, view, key), now_of(call, log), false, force), cells
end

-- KEYS: logs of one view. ARGV[2]: B index of the view, B 1 to fold all of them again, d how many cells may be folded.
-- Returns, one after the other: 'V' and the vector; 'S' and I4 the cells of one that is stale and past the budget; 'L'
-- and c8 a layout; or 'E' as `record` has it. At the end I4 as `record`.
local function read(keys, args)
  local call = open_call(args[1])
  local index, force, budget = struct.unpack('<BBd', args[2])
  local replies = {}
  for i, key in ipairs(keys) do
    replies[i] = alone(function()
      local reply, folded = read_entity(call, views[index], key, force == 1, budget)
      budget = budget - folded
      return reply
    end)
  end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

-- Reading goes on where memory has run out: folding again stores no more than is there.
redis.register_function({ function_name = 'freshet_read_' .. version, callback = read, flags = { 'allow-oom' } })
