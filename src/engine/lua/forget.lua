-- Forgetting: every key of an entity is removed.

-- All names under which a view keeps something of an entity.
local function names_of(call, view, log_key)
  local names = { log_key, hash_name(call, log_key) }
  for _, kind in ipairs({ 'ids', 'corrections' }) do names[#names + 1] = companion_name(call, log_key, kind) end
  for _, name in ipairs(view.seen) do names[#names + 1] = seen_name(call, view, log_key, { name = name }) end
  return names
end

-- KEYS: the logs of all views of one entity, each once or several times. ARGV[i + 1]: JSON of what the other keys of that view
-- are named by, since it need not be served here: its `stem`, and the names of its sets of last-seen times as `seen`.
-- Returns I4 keys that were removed, d bytes of memory that they took (0 where Valkey does not say), and I4 as `record`.
local function forget(keys, args)
  local call, count, bytes = open_call(args[1]), 0, 0
  local names = {}
  for i, key in ipairs(keys) do
    for _, name in ipairs(names_of(call, cjson.decode(args[i + 1]), key)) do names[#names + 1] = name end
  end
  if call.in_cluster then
    for _, name in ipairs(names) do redis.call('EXISTS', name) end -- see here.lua
  end
  for _, name in ipairs(names) do
    local usage = redis.pcall('MEMORY', 'USAGE', name) -- which some services forbid
    bytes = bytes + (tonumber(usage) or 0)
    count = count + redis.call('UNLINK', name)
  end
  if call.is_durable and count == 0 then
    -- Whoever has removed it may still wait until that is safe; so must this one, by a write that leaves nothing.
    local nothing = hash_name(call, keys[1]) .. ':none'
    redis.call('SET', nothing, '')
    redis.call('DEL', nothing)
  end
  return struct.pack('<I4dI4', count, bytes, call.lost)
end

-- Also where there is no memory left: it frees some.
redis.register_function({ function_name = 'freshet_forget_' .. version, callback = forget, flags = { 'allow-oom' } })
