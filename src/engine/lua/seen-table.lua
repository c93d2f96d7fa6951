-- The table of last-seen times: finding room in it, growing it, reading it whole.

local FEWEST_SEEN_BUCKETS = 2
local SEEN_SLOTS_FORMAT = '>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5'
  .. '>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5'

-- Takes a slot for a value that is not in the table: an empty one, or one that holds nothing any window wants. Returns its bucket
-- and the slot; nil if there is none.
local function take_seen_room(log, seen, values, value, now)
  local bucket, slot = take_room(values, value, now, INFINITE)
  if bucket then return bucket, slot end
  local first, second = buckets_of(values, value)
  for i = 1, first == second and 1 or 2 do
    bucket = i == 1 and first or second
    local slots = bucket_slots(values, bucket)
    for k = 0, SLOTS_A_BUCKET - 1 do
      local age = (now - slots[2 * k + 2]) % ERA
      if age >= seen.kept or fraction_of(slots[2 * k + 1]) >= wanted_at(log, seen, now - age, now) then return bucket, k end
    end
  end
end

-- Stores a table of so many buckets that holds these slots, packed; false if they do not fit.
local function store_seen(s, seen, name, buckets, slots)
  local values, held, rooms = new_table(name, VALUES, buckets), {}, {}
  for i = 0, buckets - 1 do held[i], rooms[i] = {}, SLOTS_A_BUCKET end
  for _, slot in ipairs(slots) do
    local first, second = buckets_of(values, slot)
    local bucket = rooms[first] >= rooms[second] and first or second
    if rooms[bucket] == 0 then return false end
    rooms[bucket] = rooms[bucket] - 1
    held[bucket][SLOTS_A_BUCKET - rooms[bucket]] = slot
  end
  local parts = {}
  for i = 0, buckets - 1 do
    parts[i + 1] = table.concat(held[i]) .. string.rep('\0', SEEN_SLOT_BYTES * rooms[i])
  end
  parts[buckets + 1] = string.rep('\0', (LISTED * list_capacity(buckets) + 8 * RING) * #seen.windows)
  s[seen.at + SEEN_BUCKETS] = buckets
  if #slots == 0 then
    redis.call('SET', name, table.concat(parts))
  else
    redis.call('SET', name, table.concat(parts), 'KEEPTTL')
  end
  return true
end

-- Gives the table more room, and drops what no window wants any more. The lists must be made anew.
local function grow_seen(log, seen, name, now)
  local s = log.s
  local buckets, slots = s[seen.at + SEEN_BUCKETS], {}
  for _, window in ipairs(seen.windows) do strata_of(log, seen, window) end
  local text = buckets > 0 and all_buckets(seen_table(log, seen)) or ''
  for at = 1, #text, SEEN_SLOT_BYTES do
    local hash, time = struct.unpack('>I4xx<I5', text, at)
    if time ~= 0 and hash / HASHES < wanted_at(log, seen, now - (now - time) % ERA, now) then
      slots[#slots + 1] = sub(text, at, at + SEEN_SLOT_BYTES - 1)
    end
  end
  buckets = max(FEWEST_SEEN_BUCKETS, ceil(#slots * 1.6 / SLOTS_A_BUCKET))
  while not store_seen(s, seen, name, buckets, slots) do buckets = ceil(buckets * 1.25) end
  log.tables[seen] = nil
  for _, window in ipairs(seen.windows) do
    s[window.at + LENGTH], s[window.at + CURSOR] = 0, 0
    if log.strata[window] then log.strata[window].changed = true end
    store_strata(log, seen, name, window)
  end
end

-- All slots of a table: hash and time by turns, an empty one as infinitely old.
local function read_seen(log, seen, now)
  local text = log.s[seen.at + SEEN_BUCKETS] > 0 and all_buckets(seen_table(log, seen)) or ''
  local slots, count = {}, 0
  for at = 1, #text, SEEN_BUCKET_BYTES do
    local bucket = { struct.unpack(SEEN_SLOTS_FORMAT, text, at) }
    for i = 1, 2 * SLOTS_A_BUCKET, 2 do
      local time = bucket[i + 1]
      slots[count + 1] = bucket[i]
      slots[count + 2] = time == 0 and -INFINITE or now - (now - time) % ERA
      count = count + 2
    end
  end
  return slots
end

return take_seen_room, grow_seen, read_seen
