-- Last-seen times: what distinct counts are made of. A companion of the log for each field (and filter): a table of buckets
-- in one packed string, with a value's hash and when it was last seen, which gives every window that ends now exactly.
--
-- A window with too many values keeps a sample. It is cut into strata, stretches of a sixteenth of its length, each with a
-- fraction: of the values last seen in a stratum those are kept whose hash, as a fraction of all hashes, is below it, and
-- each stands for as many as the fraction says. The fullest stratum is thinned first, so that a crowd costs the quiet times
-- before and after it nothing, and a short window stays exact when only a long one is large.
--
--   slot   c6 the value's hash, I5 when it was last seen, in milliseconds modulo 2^40 (35 years)
--   lists  after the buckets, one a window: I5 time, I4 slot of the values that leave the window next, oldest first
--   strata after the lists, for each window d x RING: the fraction of stratum number n stands at n modulo RING

local VALUE_BYTES = 6
local SEEN_SLOT_BYTES = 11
local SEEN_BUCKET_BYTES = SEEN_SLOT_BYTES * SLOTS_A_BUCKET
local FEWEST_SEEN_BUCKETS = 2
local RING = 18 -- strata that are told apart
local THINNING = 0.8 -- how much of the fullest stratum is kept when there are too many
local REVIVAL = 2 -- by how much a new stratum's fraction is above that of the one before
local LISTED = 9 -- bytes
local MOST_LISTED = 256
local EMPTY_SLOT = '\0\0\0\0\0\0\0\0\0\0\0'
local HASHES = 2 ^ 32 -- fractions are of the first four bytes of a hash
local SEEN_TIMES_FORMAT = '<' .. 'xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5'
  .. 'xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5xxxxxxI5'
local SEEN_SLOTS_FORMAT = '>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5'
  .. '>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5>I4xx<I5'

-- A set that must hold something is gone (evicted, deleted): said once, then it starts anew.
local function lose_seen(call, log, seen)
  local s, at = log.s, seen.at
  call.lost = call.lost + 1
  s[at + WHOLE_SINCE] = max(s[at + WHOLE_SINCE], s[at + FED_AT])
  clear_seen(s, seen)
end

local function list_capacity(buckets)
  return min(MOST_LISTED, 4 * buckets)
end

-- Where a window's list begins; or that of another place.
local function list_offset(s, seen, window, place)
  local buckets = s[seen.at + SEEN_BUCKETS]
  return buckets * SEEN_BUCKET_BYTES + ((place or window.place) - 1) * LISTED * list_capacity(buckets)
end

local function fraction_of(value)
  return (struct.unpack('>I4', value)) / HASHES
end

-- The two buckets in which a value may stand, counted from 0.
local function seen_buckets_of(value, buckets)
  local first, second = struct.unpack('<xxI2I2', value)
  return first % buckets, second % buckets
end

-- The fractions of a window that keeps a sample, by stratum modulo RING; nil for one that keeps all.
local function strata_of(log, seen, window)
  local s = log.s
  if s[window.at + NEWEST_STRATUM] == -INFINITE then return nil end
  local strata = log.strata[window]
  if not strata then
    local from = list_offset(s, seen, window, #seen.windows + 1) + 8 * RING * (window.place - 1)
    local text = redis.call('GETRANGE', seen_name(log.call, log.view, log.key, seen), from, from + 8 * RING - 1)
    strata = { struct.unpack('<dddddddddddddddddd', text) }
    log.strata[window] = strata
  end
  return strata
end

local function store_strata(log, seen, name, window)
  local strata = log.strata[window]
  if not strata or not strata.changed or log.call.preview then return end
  local from = list_offset(log.s, seen, window, #seen.windows + 1) + 8 * RING * (window.place - 1)
  redis.call('SETRANGE', name, from, struct.pack('<dddddddddddddddddd', unpack(strata, 1, RING)))
  strata.changed = nil
end

-- The fraction of a window's stratum at a time: 1 where all values are kept, 0 for times that no window reaches.
local function fraction_at(log, seen, window, time)
  local strata = strata_of(log, seen, window)
  if not strata then return 1 end
  local s, at = log.s, window.at + NEWEST_STRATUM
  local number = floor(time / window.stratum)
  if number > s[at] then
    for fresh = max(s[at] + 1, number - RING), number do
      strata[fresh % RING + 1] = min(1, REVIVAL * strata[(fresh - 1) % RING + 1])
    end
    s[at], strata.changed = number, true
  elseif number <= s[at] - RING then
    return 0
  end
  return strata[number % RING + 1]
end

-- The largest fraction that any window still wants of the values last seen at a time.
local function wanted_at(log, seen, time, now)
  local wanted, age = 0, now - time
  for _, window in ipairs(seen.windows) do
    if age < window.kept then wanted = max(wanted, fraction_at(log, seen, window, time)) end
  end
  return wanted
end

-- Finds a value in a bucket: the number of its slot in it, from 0, and when it was last seen.
local function find_value(text, value, now)
  local from = 1
  while true do
    local at = string.find(text, value, from, true)
    if not at then return nil end
    if (at - 1) % SEEN_SLOT_BYTES == 0 then
      local time = struct.unpack('<I5', text, at + VALUE_BYTES)
      if time == 0 then return nil end
      return (at - 1) / SEEN_SLOT_BYTES, now - (now - time) % ERA
    end
    from = at + 1
  end
end

-- A slot of a bucket that holds nothing any window wants, from 0, and how many there are.
local function free_slot(log, seen, text, now)
  local slots = { struct.unpack(SEEN_SLOTS_FORMAT, text) }
  local free, room = nil, 0
  for i = 0, SLOTS_A_BUCKET - 1 do
    local time = slots[2 * i + 2]
    if time == 0 or slots[2 * i + 1] / HASHES >= wanted_at(log, seen, now - (now - time) % ERA, now) then
      free, room = i, room + 1
    end
  end
  return free, room
end

-- Stores a table of so many buckets that holds these slots, packed; false if they do not fit.
local function store_seen(s, seen, name, buckets, slots)
  local table_of, rooms = {}, {}
  for i = 0, buckets - 1 do table_of[i], rooms[i] = {}, SLOTS_A_BUCKET end
  for _, slot in ipairs(slots) do
    local first, second = seen_buckets_of(slot, buckets)
    local bucket = rooms[first] >= rooms[second] and first or second
    if rooms[bucket] == 0 then return false end
    rooms[bucket] = rooms[bucket] - 1
    table_of[bucket][SLOTS_A_BUCKET - rooms[bucket]] = slot
  end
  local parts = {}
  for i = 0, buckets - 1 do
    parts[i + 1] = table.concat(table_of[i]) .. string.rep('\0', SEEN_SLOT_BYTES * rooms[i])
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
  local text = buckets > 0 and redis.call('GETRANGE', name, 0, buckets * SEEN_BUCKET_BYTES - 1) or ''
  for at = 1, #text, SEEN_SLOT_BYTES do
    local hash, time = struct.unpack('>I4xx<I5', text, at)
    if time ~= 0 and hash / HASHES < wanted_at(log, seen, now - (now - time) % ERA, now) then
      slots[#slots + 1] = sub(text, at, at + SEEN_SLOT_BYTES - 1)
    end
  end
  buckets = max(FEWEST_SEEN_BUCKETS, ceil(#slots * 1.6 / SLOTS_A_BUCKET))
  while not store_seen(s, seen, name, buckets, slots) do buckets = ceil(buckets * 1.25) end
  for _, window in ipairs(seen.windows) do
    s[window.at + LENGTH], s[window.at + CURSOR] = 0, 0
    if log.strata[window] then log.strata[window].changed = true end
    store_strata(log, seen, name, window)
  end
end

-- How many values a sample stands for, and how many it is, of each stratum of a window; from all slots, hash and time by
-- turns. Also their times, and the numbers of their slots.
local function count_window(log, seen, window, slots, now)
  local limit, strata = now - window.length, strata_of(log, seen, window)
  local times, numbers, counts, inside = {}, {}, {}, 0
  for i = 1, #slots, 2 do
    local time = slots[i + 1]
    if time > limit then
      local fraction = strata and fraction_at(log, seen, window, time) or 1
      if slots[i] < fraction * HASHES then
        times[#times + 1], numbers[#numbers + 1] = time, (i - 1) / 2
        inside = inside + 1 / fraction
        if strata then
          local number = floor(time / window.stratum)
          counts[number] = (counts[number] or 0) + 1
        end
      end
    end
  end
  return inside, times, numbers, counts
end

-- Thins strata, the fullest first, until a window has no more values than it may.
local function thin(log, seen, window, slots, now, most)
  local s, at, limit = log.s, window.at, now - window.length
  local hashes, count = {}, 0
  for i = 1, #slots, 2 do
    local time = slots[i + 1]
    if time > limit and slots[i] < fraction_at(log, seen, window, time) * HASHES then
      local number = floor(time / window.stratum)
      local stratum = hashes[number] or {}
      hashes[number] = stratum
      stratum[#stratum + 1], count = slots[i], count + 1
    end
  end
  if s[at + NEWEST_STRATUM] == -INFINITE then
    s[at + NEWEST_STRATUM], log.strata[window] = floor(now / window.stratum), {}
    for i = 1, RING do log.strata[window][i] = 1 end
  end
  local strata = log.strata[window]
  while count > most do
    local fullest, full = nil, 0
    for number, stratum in pairs(hashes) do
      if #stratum > full or #stratum == full and number < fullest then fullest, full = number, #stratum end
    end
    local fraction = strata[fullest % RING + 1] * THINNING
    strata[fullest % RING + 1] = fraction
    local kept = {}
    for _, hash in ipairs(hashes[fullest]) do
      if hash < fraction * HASHES then kept[#kept + 1] = hash end
    end
    hashes[fullest], count = kept, count - full + #kept
  end
  strata.changed = true
end

-- Counts a window's values anew and lists those that leave it next, from all slots: hash and time by turns.
local function list_window(call, log, seen, name, window, slots, now)
  local s, at, limit = log.s, window.at, now - window.length
  local inside, times, numbers = count_window(log, seen, window, slots, now)
  if #times > call.values then
    thin(log, seen, window, slots, now, call.values)
    inside, times, numbers = count_window(log, seen, window, slots, now)
  end
  s[at + INSIDE], s[at + SAMPLE] = inside, #times
  local strata = strata_of(log, seen, window)
  if strata then
    local whole = true
    for number = floor((limit + 1) / window.stratum), s[at + NEWEST_STRATUM] do
      whole = whole and strata[number % RING + 1] == 1
    end
    if whole then
      s[at + NEWEST_STRATUM], log.strata[window] = -INFINITE, nil
    else
      store_strata(log, seen, name, window)
    end
  end

  -- The first to leave. Values of the newest moment stay off the list: more may come at that very moment.
  local fed_at, capacity = s[seen.at + FED_AT], list_capacity(s[seen.at + SEEN_BUCKETS])
  local order, reach = {}, INFINITE
  if #times > 4 * capacity then reach = limit + window.length * capacity / #times end
  repeat
    order = {}
    for i = 1, #times do
      if times[i] <= reach and times[i] < fed_at then order[#order + 1] = i end
    end
    if #order < capacity / 4 and reach < fed_at then
      reach = #order == 0 and reach + 4 * (reach - limit) or limit + 2 * (reach - limit)
    else
      break
    end
  until false
  table.sort(order, function(a, b) return times[a] < times[b] end)
  local listed = {}
  for i = 1, min(capacity, #order) do
    listed[i] = struct.pack('<I5I4', times[order[i]] % ERA, numbers[order[i]])
  end
  s[at + CURSOR], s[at + LENGTH] = 0, #listed
  s[at + COVERED] = #listed > 0 and times[order[#listed]] or -INFINITE
  if #listed > 0 then
    if not call.preview then redis.call('SETRANGE', name, list_offset(s, seen, window), table.concat(listed)) end
    s[at + LEAVES_AT] = times[order[1]] + window.length
  else
    s[at + LEAVES_AT] = #times > 0 and fed_at + window.length or INFINITE
  end
end

-- All slots of a table: hash and time by turns, an empty one as infinitely old.
local function read_seen(log, seen, name, now)
  local buckets = log.s[seen.at + SEEN_BUCKETS]
  local text = buckets > 0 and redis.call('GETRANGE', name, 0, buckets * SEEN_BUCKET_BYTES - 1) or ''
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

-- Takes out of a window what leaves it at `now`. Returns false when its list is at an end, or not to be trusted.
local function leave_window(log, seen, name, window, now)
  local s, at = log.s, window.at
  while now >= s[at + LEAVES_AT] do
    if s[at + CURSOR] >= s[at + LENGTH] then return false end
    local from = list_offset(s, seen, window) + LISTED * s[at + CURSOR]
    local count = min(4, s[at + LENGTH] - s[at + CURSOR])
    local text = redis.call('GETRANGE', name, from, from + LISTED * count - 1)
    if #text < LISTED * count then return false end
    for i = 0, count - 1 do
      local time, slot = struct.unpack('<I5I4', text, i * LISTED + 1)
      local seen_at = now - (now - time) % ERA
      if seen_at + window.length > now then
        s[at + LEAVES_AT] = seen_at + window.length
        return true
      end
      local stored_at = slot * SEEN_SLOT_BYTES + VALUE_BYTES
      local still = redis.call('GETRANGE', name, stored_at, stored_at + 4)
      if (struct.unpack('<I5', still)) == time then
        s[at + INSIDE] = s[at + INSIDE] - 1 / fraction_at(log, seen, window, seen_at)
        s[at + SAMPLE] = s[at + SAMPLE] - 1
      end
      s[at + CURSOR] = s[at + CURSOR] + 1
    end
  end
  return true
end

-- What a value that was last seen at a time is to the windows: by `sign`, it is put into them, or taken out.
local function weigh(log, seen, fraction, time, now, sign)
  local s = log.s
  for _, window in ipairs(seen.windows) do
    if time > now - window.length then
      local of_all = fraction_at(log, seen, window, time)
      if fraction < of_all then
        s[window.at + INSIDE] = s[window.at + INSIDE] + sign / of_all
        s[window.at + SAMPLE] = s[window.at + SAMPLE] + sign
      end
    end
  end
end

-- Marks that a value was seen, in windows from which has been taken what leaves them at `now`.
local function mark_value(call, log, seen, name, value, time, now)
  local s = log.s
  local fraction = fraction_of(value)
  local wanted = fraction < wanted_at(log, seen, time, now)
  local buckets = s[seen.at + SEEN_BUCKETS]
  local bucket, second = seen_buckets_of(value, buckets)
  local text = redis.call('GETRANGE', name, bucket * SEEN_BUCKET_BYTES, (bucket + 1) * SEEN_BUCKET_BYTES - 1)
  local slot, before = find_value(text, value, now)
  if not slot then
    local other = redis.call('GETRANGE', name, second * SEEN_BUCKET_BYTES, (second + 1) * SEEN_BUCKET_BYTES - 1)
    slot, before = find_value(other, value, now)
    if slot then
      bucket = second
    elseif not wanted then
      return
    else
      local free, room = free_slot(log, seen, text, now)
      if room < SLOTS_A_BUCKET / 2 then
        local other_free, other_room = free_slot(log, seen, other, now)
        if other_room > room then free, bucket = other_free, second end
      end
      if not free then
        grow_seen(log, seen, name, now)
        log.relist[seen] = true
        return mark_value(call, log, seen, name, value, time, now)
      end
      slot = free
    end
  end
  if before and before >= time then return end
  local at = bucket * SEEN_BUCKET_BYTES + slot * SEEN_SLOT_BYTES
  if before then weigh(log, seen, fraction, before, now, -1) end
  if not wanted then
    redis.call('SETRANGE', name, at, EMPTY_SLOT)
    return
  end
  redis.call('SETRANGE', name, at, value .. struct.pack('<I5', time % ERA))
  weigh(log, seen, fraction, time, now, 1)
  for _, window in ipairs(seen.windows) do
    local place = window.at
    if time > now - window.length then
      if s[place + SAMPLE] > call.values or time <= s[place + COVERED] or time < s[seen.at + FED_AT] then
        log.relist[seen] = true
      end
      if s[place + LEAVES_AT] == INFINITE then s[place + LEAVES_AT] = time + window.length end
    end
  end
end

-- Marks when events' distinct values were last seen. Values that no window can hold any more, nor could at
-- a moment that can be looked back at, stay out.
local function mark_seen(call, log, rows, now)
  local s, view = log.s, log.view
  for _, seen in ipairs(view.seen) do
    local name, at = nil, seen.at
    for _, row in ipairs(rows) do
      local passes = seen.mask == 0 or band(row.flags, seen.mask) ~= 0
      if passes and band(row.present, seen.present) ~= 0 and row.time > now - seen.kept then
        if not name then
          name = seen_name(call, view, log.key, seen)
          if s[at + SEEN_BUCKETS] > 0 and redis.call('EXISTS', name) == 0 then
            -- A history that has become longer does not make lost what expired by the shorter one.
            local expected = s[at + FED_AT] > now - seen.kept and s[at + SEEN_EXPIRES_AT] > call.millis
            if expected then lose_seen(call, log, seen) else clear_seen(s, seen) end
          end
          if s[at + SEEN_BUCKETS] == 0 then grow_seen(log, seen, name, now) end
          -- Once out of its window, a value's slot may be taken by another.
          for _, window in ipairs(seen.windows) do
            if not leave_window(log, seen, name, window, now) then log.relist[seen] = true end
          end
        end
        mark_value(call, log, seen, name, sub(row.values_packed, 8 * seen.field - 7, 8 * seen.field - 2), row.time, now)
        s[at + FED_AT] = max(s[at + FED_AT], row.time)
      end
    end
  end
end

-- Counts the values that were last seen inside each window. Returns when the first of them leaves.
local function fold_seen(call, log, now, vector)
  local s, view, valid_until = log.s, log.view, INFINITE
  for _, seen in ipairs(view.seen) do
    local name, slots = nil, nil
    local at = seen.at
    if s[at + SEEN_BUCKETS] > 0 then
      name = seen_name(call, view, log.key, seen)
      if log.check_seen and redis.call('EXISTS', name) == 0 then
        local expected = s[at + FED_AT] > now - seen.kept and s[at + SEEN_EXPIRES_AT] > call.millis
        if expected then lose_seen(call, log, seen) else clear_seen(s, seen) end
      end
    end
    for _, window in ipairs(seen.windows) do
      local place = window.at
      if s[at + SEEN_BUCKETS] > 0 and (log.relist[seen] or not leave_window(log, seen, name, window, now)) then
        slots = slots or read_seen(log, seen, name, now)
        list_window(call, log, seen, name, window, slots, now)
      end
      if log.strata[window] then store_strata(log, seen, name, window) end
      vector[window.feature] = floor(s[place + INSIDE] + 0.5)
      valid_until = min(valid_until, s[place + LEAVES_AT])
    end
  end
  return valid_until
end

-- Last-seen times expire when nothing in them can matter any more. They never outlive their log, beside which they would
-- seem to be left over from one that was lost.
local function extend_seen(call, log)
  local s, view = log.s, log.view
  for _, seen in ipairs(view.seen) do
    local fed_at, at = s[seen.at + FED_AT], seen.at + SEEN_EXPIRES_AT
    local needed = call.event_clock and s[EXPIRES_AT] or fed_at + seen.kept
    if fed_at > -INFINITE and s[at] < needed then
      s[at] = min(floor(needed + seen.kept * SLACK), s[EXPIRES_AT])
      redis.call('PEXPIREAT', seen_name(call, view, log.key, seen), integer(s[at]))
    end
  end
end

return EMPTY_SLOT, lose_seen, strata_of, fraction_at, fraction_of, find_value, seen_buckets_of, grow_seen, read_seen,
  count_window, mark_seen, fold_seen, extend_seen
