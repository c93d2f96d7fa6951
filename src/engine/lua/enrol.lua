-- Enrolling: what a key prefix is committed to, in one step, so that processes starting together agree.

-- KEYS: the registry, a hash. ARGV[1]: JSON with `fixed`, fields and the values they must have; `features`, by the start
-- of their fields, those of each view served, with their signatures.
-- Returns JSON: the registry as `stored`, or, writing nothing, `conflict` with the `field`, its `stored` value and the
-- `wanted` one (absent: no longer defined).
local function enrol(keys, args)
  local wanted = cjson.decode(args[1])
  local flat = redis.call('HGETALL', keys[1])
  local stored = {}
  for i = 1, #flat, 2 do stored[flat[i]] = flat[i + 1] end

  local additions, now = {}, integer((store_now()))
  local function claim(field, value)
    if stored[field] and stored[field] ~= value then return { field = field, stored = stored[field], wanted = value } end
    if not stored[field] then additions[field] = value end
  end
  for field, value in pairs(wanted.fixed) do
    local conflict = claim(field, value)
    if conflict then return cjson.encode({ conflict = conflict }) end
  end
  for start, features in pairs(wanted.features) do
    for field in pairs(stored) do
      local name = string.sub(field, 1, #start) == start and string.sub(field, #start + 1)
      if name and not features[name] then
        return cjson.encode({ conflict = { field = field, stored = stored[field] } })
      end
    end
    for name, signature in pairs(features) do
      local conflict = claim(start .. name, signature)
      if conflict then return cjson.encode({ conflict = conflict }) end
      if additions[start .. name] then additions['since:' .. start .. name] = now end
    end
  end
  for field, value in pairs(additions) do
    redis.call('HSET', keys[1], field, value)
    stored[field] = value
  end
  return cjson.encode({ stored = stored })
end

redis.register_function('freshet_enrol_' .. version, enrol)
