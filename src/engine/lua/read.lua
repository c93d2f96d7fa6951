-- Reading: vectors out, folded again where time has passed them by.

local function read_entity(call, view, key, force)
  local head = redis.call('GETRANGE', key, 0, HEADER_BYTES + 8 * #view.features - 1)
  if head == '' then
    -- A hash without a log would go on serving what nobody can vouch for.
    call.lost = call.lost + redis.call('DEL', hash_name(call, key))
    return nothing_stored(call, view)
  end
  local outdated = other_layout(view, head)
  if outdated then return outdated end
  local whole = force or redis.call('EXISTS', hash_name(call, key)) == 0
  local as_of, valid_until = struct.unpack('<dd', head, 17)
  if not whole and now_of(call, as_of) < valid_until then return 'V' .. string.sub(head, 9) end
  if call.budget <= 0 then return LEFT end
  local log = parse_log(view, redis.call('GET', key))
  return settle(call, view, log, key_names(call, view, key), now_of(call, log.as_of), false, whole)
end

-- KEYS: logs of one view. ARGV[2]: B index of the view, B 1 to fold all of them again.
-- Returns, one after the other: 'V' and the vector; 'S' for one that must be folded again and is left for another call;
-- 'L' and c8 a layout; or 'E' as `record` has it. At the end I4 as `record`.
local function read(keys, args)
  local call = open_call(args[1])
  local index, force = struct.unpack('<BB', args[2])
  local view, replies = views[index], {}
  for i, key in ipairs(keys) do replies[i] = alone(read_entity, call, view, key, force == 1) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

-- Reading goes on where memory has run out: folding again stores no more than is there.
redis.register_function({ function_name = 'freshet_read_' .. version, callback = read, flags = { 'allow-oom' } })
