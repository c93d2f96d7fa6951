-- Sightings: when a distinct value was last seen, and taking a sighting back. All that corrections know of how last-seen
-- times are kept.

-- When a value was last seen, and where its slot begins in the table; nil if that is not known any more (then no window holds
-- it, or its sample does not).
local function last_seen(call, log, seen, value)
  local buckets = log.s[seen.at + SEEN_BUCKETS]
  if buckets == 0 then return nil end
  local name, hash = seen_name(call, log.view, log.key, seen), sub(value, 1, VALUE_BYTES)
  local first, second = seen_buckets_of(hash, buckets)
  for _, bucket in ipairs({ first, second }) do
    local from = bucket * SEEN_BUCKET_BYTES
    local text = redis.call('GETRANGE', name, from, from + SEEN_BUCKET_BYTES - 1)
    local slot, time = find_value(text, hash, max(log.s[AS_OF], call.millis))
    if slot then return time, from + slot * SEEN_SLOT_BYTES end
  end
end

-- A value's last sighting is taken back: it was last seen at `earlier`, or (nil) not within any window.
local function unsee(call, log, seen, value, earlier)
  local _, at = last_seen(call, log, seen, value)
  if not at then return end
  local slot = earlier and sub(value, 1, VALUE_BYTES) .. struct.pack('<I5', earlier % ERA) or EMPTY_SLOT
  redis.call('SETRANGE', seen_name(call, log.view, log.key, seen), at, slot)
  log.relist[seen] = true
end

-- The distinct values of a single, one after the other.
local function values_of(log, j)
  local view = log.view
  local text, at = singles_at(log, j, 1)
  return sub(text, at + view.single_bytes - 8 * view.distinct_fields, at + view.single_bytes - 1)
end

local function value_of(values, seen)
  return sub(values, 8 * seen.field - 7, 8 * seen.field)
end

-- When a value was last seen among the singles but for number `but`; nil if it was not.
local function seen_among_singles(log, seen, value, but)
  local s, view, newest = log.s, log.view, nil
  for j = s[view.book + SINGLES] - 1, 0, -1 do
    if j ~= but and value_of(values_of(log, j), seen) == value then
      local single = unpack_single(view, singles_at(log, j, 1))
      if seen.mask == 0 or band(single[3], seen.mask) ~= 0 then return single[1] end
    end
  end
end

-- What takes the sighting of a value by an event back, if something does, is added to `undo`. `but`: the event's number, if it
-- is a single; `older`: how many tiles come before it. Returns false if it cannot be known: the earlier sighting may be in one.
local function find_earlier(call, log, seen, value, time, but, older, now, undo)
  if time <= now - seen.longest or (last_seen(call, log, seen, value)) ~= time then return true end
  local earlier = seen_among_singles(log, seen, value, but)
  if not earlier and older > 0 and tile_at(log, older - 1)[2] > now - seen.longest then return false end
  undo[#undo + 1] = { seen, value, earlier }
  return true
end

local function take_back_sightings(call, log, undo)
  for _, one in ipairs(undo) do unsee(call, log, unpack(one, 1, 3)) end
end
