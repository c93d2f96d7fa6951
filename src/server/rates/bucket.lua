-- Token buckets that all processes share, by the generic cell rate algorithm: of a bucket one number is kept, the moment at which it
-- is full again, in microseconds of the store's clock. A bucket that is full is no key.

-- KEYS[1]: the bucket. ARGV: how many microseconds a token takes to come; how many it holds, in the same; the least and the most tokens
-- that are wanted. Returns, as text, how many were taken, none if there were fewer than the least, and in how many microseconds the
-- bucket is full again.
local function take(keys, args)
  local interval, room, least, most = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local time = server.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local full = tonumber(server.call('GET', keys[1]) or now)
  full = math.max(full, now)
  -- A clock that was set back must not lock a client out for as long: it begins with an empty bucket.
  local set_back = full > now + room
  if set_back then full = now + room end
  local taken = math.min(math.floor((now + room - full) / interval), most)
  if taken < least then taken = 0 end
  if taken > 0 or set_back then
    full = math.ceil(full + taken * interval)
    server.call('SET', keys[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
  end
  return string.format('%.0f %.0f', taken, full - now)
end

server.register_function('freshet_take_' .. version, take)
