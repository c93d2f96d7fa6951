-- Reading: vectors out, brought up to date where time has passed them by.

local function read_entity(call, view, key, force, above)
  local served = redis.call('GETRANGE', key, 0, 8 * (1 + VECTOR + view.vector) - 1)
  if served == '' then
    -- A hash without a log would go on serving what nobody can vouch for.
    call.lost = call.lost + redis.call('DEL', hash_name(call, key))
    return nothing_stored(call, view)
  end
  local outdated = other_layout(view, served)
  if outdated then return outdated end
  if #served < 8 * (1 + VECTOR + view.vector) then error({ err = 'this log is cut off' }) end
  local revision, as_of, valid_until = struct.unpack('<ddd', served, 9)
  local whole = force or revision < above or redis.call('EXISTS', hash_name(call, key)) == 0
  local now = now_of(call, as_of)
  if not whole and now < valid_until then return still_true(view, served, now) end
  if is_over(call, MUCH_WORK) then return LEFT end
  local log = load_log(call, view, key)
  here.expect_tables(call, log)
  log.refold, log.check_seen = force, true
  if force then
    for _, seen in ipairs(view.seen) do log.relist[seen] = true end
  end
  if revision < above then
    log.s[REVISION], log.is_behind = above, true
  end
  return settle(call, log, now, false, whole)
end

-- KEYS: logs of one view. ARGV[2]: B index of the view, B 1 to fold all of them anew. ARGV[3], if given: d a log, the revision
-- that was served of it last: where the store lost what was written since, a new one is given that comes after it.
-- Returns, one after the other: 'V' and the vector; 'S' for one that must be brought up to date and is left for another
-- call; 'L' and c8 a layout; or 'E' as `record` has it. At the end I4 as `record`.
local function read(keys, args)
  local call = open_call(args[1])
  local index, force = struct.unpack('<BB', args[2])
  local view, replies = views[index], {}
  for i, key in ipairs(keys) do
    local above = args[3] and struct.unpack('<d', args[3], 8 * i - 7) or 0
    replies[i] = alone(read_entity, call, view, key, force == 1, above)
  end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

-- Reading goes on where memory has run out: bringing up to date stores no more than is there.
redis.register_function({ function_name = 'freshet_read_' .. version, callback = read, flags = { 'allow-oom' } })
