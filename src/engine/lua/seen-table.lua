-- The table of last-seen times: finding room in it, growing it, reading it whole.

local FEWEST_SEEN_BUCKETS = 2
local MOST_LOOKED_BACK = 4096 -- values: where there may be more, those go that no window holds now

-- Takes a slot for a value that is not in the table: an empty one, or one that holds nothing any window wants; or, of a large
-- table, the oldest beside it that no window holds now, and from then on it is known that one is missing. Returns its number; nil
-- if there is none.
local function take_seen_room(log, seen, values, value, now)
  local number = take_room(values, value, now, INFINITE)
  if number then return number end
  local is_large = values.buckets * SLOTS_A_BUCKET >= MOST_LOOKED_BACK
  local oldest, oldest_age = nil, -1
  local first, second = buckets_of(values, value)
  for i = 1, first == second and 1 or 2 do
    local bucket = i == 1 and first or second
    local slots = slots_in(values, bucket)
    for slot = 1, SLOTS_A_BUCKET do
      number = bucket * SLOTS_A_BUCKET + slot - 1
      local age, is_old = (now - slots[2 * slot]) % ERA, not values.keys[number] -- one that this call put in is wanted
      local fraction = slots[2 * slot - 1] / HASHES
      if is_old and (age >= seen.kept or fraction >= wanted_at(log, seen, now - age, now)) then return number end
      if is_large and is_old and age > oldest_age and fraction >= wanted_by(log, seen, now - age, now, 'length') then
        oldest, oldest_age = number, age
      end
    end
  end
  if oldest then log.s[seen.at + WHOLE_SINCE] = max(log.s[seen.at + WHOLE_SINCE], now - oldest_age) end
  return oldest
end

-- Makes room for a value, where no size of the table has any: the oldest beside it goes, and from then on it is known that one is
-- missing. Returns the number of the slot, and the fraction and the time of what went.
local function push_out(log, seen, values, value, now)
  local number, age = oldest_beside(values, value, now)
  local at, slot = seen.at + WHOLE_SINCE, number % SLOTS_A_BUCKET
  log.s[at] = max(log.s[at], now - age)
  return number, slots_in(values, floor(number / SLOTS_A_BUCKET))[2 * slot + 1] / HASHES, now - age
end

-- Makes room in a bucket that is full: one that it holds goes to its other bucket. Returns whether any can.
local function make_room(values, held, rooms, bucket)
  for place, slot in ipairs(held[bucket]) do
    local first, second = buckets_of(values, slot)
    local other = first == bucket and second or first
    if rooms[other] > 0 then
      held[other][SLOTS_A_BUCKET - rooms[other] + 1] = slot
      rooms[other], rooms[bucket] = rooms[other] - 1, 1
      table.remove(held[bucket], place)
      return true
    end
  end
  return false
end

-- Stores a table of so many buckets that holds these slots, packed; false if they do not fit.
local function store_seen(s, seen, name, buckets, slots)
  local values, held, rooms = new_table(name, VALUES, buckets), {}, {}
  for i = 0, buckets - 1 do held[i], rooms[i] = {}, SLOTS_A_BUCKET end
  for _, slot in ipairs(slots) do
    local first, second = buckets_of(values, slot)
    local bucket = rooms[first] >= rooms[second] and first or second
    if rooms[bucket] == 0 and not make_room(values, held, rooms, bucket) then return false end
    rooms[bucket] = rooms[bucket] - 1
    held[bucket][SLOTS_A_BUCKET - rooms[bucket]] = slot
  end
  local parts = {}
  for i = 0, buckets - 1 do
    parts[i + 1] = table.concat(held[i]) .. string.rep('\0', VALUES.slot_bytes * rooms[i])
  end
  parts[buckets + 1] = string.rep('\0', (LISTED * list_capacity(buckets) + 8 * RING) * #seen.windows)
  s[seen.at + SEEN_BUCKETS] = buckets
  redis.call('SET', name, table.concat(parts), 'KEEPTTL')
  return true
end

-- Those of a table's slots, packed, that are still wanted.
local function wanted_slots(log, seen, text, now)
  local slots, past = {}, {}
  for at = 1, #text, VALUES.slot_bytes do
    local hash, time = struct.unpack('<I6I5', text, at)
    if time ~= 0 then
      local fraction = hash / HASHES
      time = now - (now - time) % ERA
      if fraction < wanted_at(log, seen, time, now) then
        slots[#slots + 1] = sub(text, at, at + VALUES.slot_bytes - 1)
        if fraction >= wanted_by(log, seen, time, now, 'length') then past[#past + 1] = time end
      end
    end
  end
  return slots, past
end

-- Gives the table more room, so many buckets at least, and drops what no window wants any more. The lists must be made anew.
local function grow_seen(log, seen, name, now, fewest)
  local s = log.s
  local buckets, slots = s[seen.at + SEEN_BUCKETS], nil
  for _, window in ipairs(seen.windows) do strata_of(log, seen, window) end
  local text = buckets > 0 and all_buckets(seen_table(log, seen)) or ''
  local past
  slots, past = wanted_slots(log, seen, text, now)
  if #slots > MOST_LOOKED_BACK and #past > 0 then
    table.sort(past)
    s[seen.at + WHOLE_SINCE] = max(s[seen.at + WHOLE_SINCE], past[min(#past, #slots - MOST_LOOKED_BACK / 2)])
    slots = wanted_slots(log, seen, text, now)
  end
  local room = max(1.25 * #slots, min(1.6 * #slots, 1.25 * MOST_LOOKED_BACK)) -- of a large one, less is left free
  buckets = max(fewest or FEWEST_SEEN_BUCKETS, ceil(room / SLOTS_A_BUCKET))
  while not store_seen(s, seen, name, buckets, slots) do buckets = buckets + ceil(buckets / 16) end
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
  for at = 1, #text, VALUES.bucket_bytes do
    local bucket = { struct.unpack(VALUES.format, text, at) }
    for i = 1, 2 * SLOTS_A_BUCKET, 2 do
      local time = bucket[i + 1]
      slots[count + 1] = bucket[i]
      slots[count + 2] = time == 0 and -INFINITE or now - (now - time) % ERA
      count = count + 2
    end
  end
  return slots
end

return take_seen_room, push_out, grow_seen, read_seen
