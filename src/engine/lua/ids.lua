-- Ids of events that are in tiles, by their events' times, for as long as a retry is looked for. A companion of the log: a
-- table of buckets in one packed string. An id stands in one of two buckets, in any of its slots; where both are full of
-- ids still looked for, the table grows, and at its largest the oldest of these makes room and is forgotten.
--
--   slot  c8 id, I5 its event's time in milliseconds, modulo 2^40 (35 years)

local SLOT_BYTES = 13
local SLOTS_A_BUCKET = 16
local BUCKET_BYTES = SLOT_BYTES * SLOTS_A_BUCKET
local FEWEST_BUCKETS = 8
local MOST_BUCKETS = 256 -- 52 KB
local ERA = 2 ^ 40
local TIMES_FORMAT = '<xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5'
  .. 'xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5xxxxxxxxI5'

local function ids_name(call, view, log_key)
  return sub(log_key, 1, call.prefix_length) .. ':ids:' .. sub(log_key, call.prefix_length + 6)
end

-- The two buckets in which an id may stand, counted from 0.
local function buckets_of(id, buckets)
  local first, second = struct.unpack('<I2I2', id)
  return first % buckets, second % buckets
end

local function bucket_at(name, bucket)
  return redis.call('GETRANGE', name, bucket * BUCKET_BYTES, (bucket + 1) * BUCKET_BYTES - 1)
end

-- A table that must be there is gone (evicted, deleted): said once, and what is in tiles can no longer be told from repeats.
local function lose_ids(call, log, now)
  local s, book = log.s, log.view.book
  s[book + IDS_BUCKETS] = 0
  if s[book + FRONTIER] <= now - log.view.horizon then return end -- it has expired as it should
  call.lost = call.lost + 1
  s[book + REMEMBERED_SINCE] = s[book + FRONTIER]
end

-- When the event of a remembered id was; nil if the id is not remembered.
local function remembered(call, log, id, now)
  local s, view = log.s, log.view
  local buckets = s[view.book + IDS_BUCKETS]
  if buckets == 0 then return nil end
  local name = ids_name(call, view, log.key)
  local first, second = buckets_of(id, buckets)
  for i = 1, first == second and 1 or 2 do
    local text = bucket_at(name, i == 1 and first or second)
    if text == '' then return lose_ids(call, log, now) end
    local from = 1
    while true do
      local at = string.find(text, id, from, true)
      if not at then break end
      if (at - 1) % SLOT_BYTES == 0 then
        local age = (now - struct.unpack('<I5', text, at + 8)) % ERA
        if age < view.horizon then return now - age end
        break
      end
      from = at + 1
    end
  end
end

-- The freest slot of a bucket, the number of slots that are free, and the slot of the oldest id still looked for, with its
-- age. Where the era began anew an empty slot may look as if it were in use: that one is as old as can be.
local function survey(text, now, horizon)
  local times = { struct.unpack(TIMES_FORMAT, text) }
  local free, room, oldest, oldest_age = nil, 0, 1, -1
  for i = 1, SLOTS_A_BUCKET do
    local age = times[i] == 0 and horizon or (now - times[i]) % ERA
    if age >= horizon then
      free, room = i, room + 1
    elseif age > oldest_age then
      oldest, oldest_age = i, age
    end
  end
  return free, room, oldest, oldest_age
end

-- Remembers one id. Returns false, and does nothing, when there is no room; with `push`, the oldest makes room.
local function put_id(log, name, id, time, now, push)
  local s, book = log.s, log.view.book
  local horizon = log.view.horizon
  local bucket, second = buckets_of(id, s[book + IDS_BUCKETS])
  local slot, room, oldest, age = survey(bucket_at(name, bucket), now, horizon)
  if room < SLOTS_A_BUCKET / 2 then
    local other_slot, other_room, other_oldest, other_age = survey(bucket_at(name, second), now, horizon)
    if other_room > room or room == 0 and other_age > age then
      bucket, slot, room, oldest, age = second, other_slot, other_room, other_oldest, other_age
    end
  end
  if room == 0 then
    if not push then return false end
    slot = oldest
    s[book + REMEMBERED_SINCE] = max(s[book + REMEMBERED_SINCE], now - age)
    s[book + FORGOTTEN_IDS] = s[book + FORGOTTEN_IDS] + 1
  end
  redis.call('SETRANGE', name, bucket * BUCKET_BYTES + (slot - 1) * SLOT_BYTES, id .. struct.pack('<I5', time % ERA))
  return true
end

-- Gives the table room for at least twice as many, and puts back what it holds.
local function grow_ids(log, name, now)
  local s, book = log.s, log.view.book
  local text = s[book + IDS_BUCKETS] > 0 and redis.call('GET', name) or ''
  local buckets = max(FEWEST_BUCKETS, 2 * s[book + IDS_BUCKETS])
  s[book + IDS_BUCKETS] = buckets
  redis.call('SET', name, string.rep('\0', buckets * BUCKET_BYTES), 'KEEPTTL')
  for at = 1, #text, SLOT_BYTES do
    local id, time = struct.unpack('<c8I5', text, at)
    local age = (now - time) % ERA
    if time ~= 0 and age < log.view.horizon then put_id(log, name, id, now - age, now, true) end
  end
end

-- Remembers the ids of singles that go into tiles.
local function remember(call, log, singles, now)
  if call.preview then return end
  local s, view = log.s, log.view
  local book, newest = view.book, -INFINITE
  local name = ids_name(call, view, log.key)
  if s[book + IDS_BUCKETS] > 0 and redis.call('EXISTS', name) == 0 then lose_ids(call, log, now) end
  for _, single in ipairs(singles) do
    if single[1] > now - view.horizon then
      newest = max(newest, single[1])
      if s[book + IDS_BUCKETS] == 0 then grow_ids(log, name, now) end
      while not put_id(log, name, single[2], single[1], now, s[book + IDS_BUCKETS] >= MOST_BUCKETS) do
        grow_ids(log, name, now)
      end
    end
  end
  if newest > -INFINITE then
    -- A late event's id must not shorten what newer ones need: none of these is past the frontier.
    local expires_at = (call.event_clock and call.millis or max(newest, s[book + FRONTIER])) + view.horizon
    redis.call('PEXPIREAT', name, integer(expires_at))
  end
end

return ids_name, remembered, remember
