-- On a cluster, the keys of an entity go to another server one by one. What is missing here then may be there already: it can neither be
-- looked at nor made. Each of these raises an error where that is so, which must be before anything is written; `alone` tells of it.
-- (All in one name: there is no room for many more.)
local here = {}

function here.expect_hash(call, log_key)
  if call.in_cluster then redis.call('EXISTS', hash_name(call, log_key)) end
end

-- What the log says there is beside it, as far as it is looked at when the log is folded.
function here.expect_tables(call, log)
  if not call.in_cluster then return end
  for _, seen in ipairs(log.view.seen) do
    if log.s[seen.at + SEEN_BUCKETS] > 0 then redis.call('EXISTS', seen_name(call, log.view, log.key, seen)) end
  end
end

-- Whatever there may come to be beside it.
function here.expect_all(call, view, log_key)
  if not call.in_cluster then return end
  redis.call('EXISTS', hash_name(call, log_key))
  redis.call('EXISTS', companion_name(call, log_key, 'ids'))
  redis.call('EXISTS', companion_name(call, log_key, 'corrections'))
  for _, seen in ipairs(view.seen) do redis.call('EXISTS', seen_name(call, view, log_key, seen)) end
end

-- Nothing was to be written of an event that is known: where its first caller may still wait until it is safe, so must this one, by a
-- write that changes nothing.
function here.write_again(call, log)
  if call.is_durable then redis.call('PEXPIREAT', log.key, integer(log.s[EXPIRES_AT])) end
end
