-- Reading: vectors out, brought up to date where time has passed them by.

local function read_entity(call, view, key, force)
  local served = redis.call('GETRANGE', key, 0, 8 * (1 + VECTOR + view.vector) - 1)
  if served == '' then
    -- A hash without a log would go on serving what nobody can vouch for.
    call.lost = call.lost + redis.call('DEL', hash_name(call, key))
    return nothing_stored(call, view)
  end
  local outdated = other_layout(view, served)
  if outdated then return outdated end
  if #served < 8 * (1 + VECTOR + view.vector) then error({ err = 'this log is cut off' }) end
  local whole = force or redis.call('EXISTS', hash_name(call, key)) == 0
  local as_of, valid_until = struct.unpack('<dd', served, 17)
  local now = now_of(call, as_of)
  if not whole and now < valid_until then return still_true(view, served, now) end
  if is_over(call, MUCH_WORK) then return LEFT end
  local log = load_log(call, view, key)
  log.refold, log.check_seen = force, true
  if force then
    for _, seen in ipairs(view.seen) do log.relist[seen] = true end
  end
  return settle(call, log, now, false, whole)
end

-- KEYS: logs of one view. ARGV[2]: B index of the view, B 1 to fold all of them anew.
-- Returns, one after the other: 'V' and the vector; 'S' for one that must be brought up to date and is left for another
-- call; 'L' and c8 a layout; or 'E' as `record` has it. At the end I4 as `record`.
local function read(keys, args)
  local call = open_call(args[1])
  local index, force = struct.unpack('<BB', args[2])
  local view, replies = views[index], {}
  for i, key in ipairs(keys) do replies[i] = alone(read_entity, call, view, key, force == 1) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

-- Reading goes on where memory has run out: bringing up to date stores no more than is there.
redis.register_function({ function_name = 'freshet_read_' .. version, callback = read, flags = { 'allow-oom' } })
