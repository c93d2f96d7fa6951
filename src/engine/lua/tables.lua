-- Tables: companions of a log in which keys of one length have a time each. A table is a packed string of buckets; a key stands
-- in one of two of them, in any slot. What a call looks at it reads once, and what it puts in is written when the log is.
--
--   slot  the key, I5 its time, in milliseconds modulo 2^40 (35 years); an empty one has none (0)

local SLOTS_A_BUCKET = 16
local ERA = 2 ^ 40

-- A kind of tables, whose keys are spread by the two I2 that `skipped` bytes come before.
local function table_kind(key_bytes, skipped)
  local format = '<'
  for _ = 1, SLOTS_A_BUCKET do format = format .. 'c' .. key_bytes .. 'I5' end
  return {
    slot_bytes = key_bytes + 5, key_bytes = key_bytes, bucket_bytes = SLOTS_A_BUCKET * (key_bytes + 5), format = format,
    spread = skipped == 2 and '<xxI2I2' or '<I2I2',
  }
end

-- A table of so many buckets under a name, as this call sees it.
local function new_table(name, kind, buckets)
  return { name = name, kind = kind, buckets = buckets, texts = {}, slots = {}, rooms = {} }
end

-- The two buckets in which a key may stand, counted from 0.
local function buckets_of(one, key)
  local first, second = struct.unpack(one.kind.spread, key)
  return first % one.buckets, second % one.buckets
end

-- So many keys will be asked for: a table that is small beside that is read at once.
local function expect_keys(one, count)
  if one.whole or one.buckets > 2 * count or next(one.texts) then return end
  one.whole = redis.call('GETRANGE', one.name, 0, one.buckets * one.kind.bucket_bytes - 1)
end

-- A bucket as it is stored; '' if the table is not there.
local function bucket_text(one, bucket)
  local text = one.texts[bucket]
  if text then return text end
  local from, bytes = bucket * one.kind.bucket_bytes, one.kind.bucket_bytes
  text = one.whole and sub(one.whole, from + 1, from + bytes) or redis.call('GETRANGE', one.name, from, from + bytes - 1)
  one.texts[bucket] = text
  return text
end

-- A bucket to put keys into: key and time by turns.
local function bucket_slots(one, bucket)
  local slots = one.slots[bucket]
  if not slots then
    slots = { struct.unpack(one.kind.format, bucket_text(one, bucket)) }
    one.slots[bucket] = slots
  end
  return slots
end

-- The slot of a bucket, from 0, in which a key stands, and its time; nil if it is not there.
local function slot_in(one, bucket, key)
  local slots = one.slots[bucket]
  if slots then
    for i = 1, 2 * SLOTS_A_BUCKET, 2 do
      if slots[i] == key and slots[i + 1] ~= 0 then return (i - 1) / 2, slots[i + 1] end
    end
    return nil
  end
  local text, kind, from = bucket_text(one, bucket), one.kind, 1
  one.missing = text == ''
  while true do
    local at = string.find(text, key, from, true)
    if not at then return nil end
    if (at - 1) % kind.slot_bytes == 0 then
      local time = struct.unpack('<I5', text, at + kind.key_bytes)
      if time ~= 0 then return (at - 1) / kind.slot_bytes, time end
    end
    from = at + 1
  end
end

-- Where a key stands: its bucket, the slot there, and its time; nil if it is not there.
local function place_of(one, key)
  local first, second = buckets_of(one, key)
  local slot, time = slot_in(one, first, key)
  if slot then return first, slot, time end
  if second == first then return nil end
  slot, time = slot_in(one, second, key)
  if slot then return second, slot, time end
end

-- Puts a key and its time into a slot; the time 0 empties it.
local function put_in(one, bucket, slot, key, time)
  local slots = bucket_slots(one, bucket)
  slots[2 * slot + 1], slots[2 * slot + 2] = key, time % ERA
  if time == 0 then one.rooms[bucket] = nil end
  one.changed = one.changed or {}
  one.changed[bucket] = true
end

-- The slots of a bucket that are empty, or hold a time that is as old as `horizon`.
local function rooms_in(one, bucket, now, horizon)
  local rooms = one.rooms[bucket]
  if rooms then return rooms end
  local slots, count = bucket_slots(one, bucket), 0
  rooms = {}
  for slot = 0, SLOTS_A_BUCKET - 1 do
    local time = slots[2 * slot + 2]
    if time == 0 or (now - time) % ERA >= horizon then
      count = count + 1
      rooms[count] = slot
    end
  end
  one.rooms[bucket] = rooms
  return rooms
end

-- Takes a slot for a new key, in the emptier of its buckets. Returns the bucket and the slot, or nil where both are full.
local function take_room(one, key, now, horizon)
  local bucket, second = buckets_of(one, key)
  local rooms = rooms_in(one, bucket, now, horizon)
  local room = #rooms
  if room < SLOTS_A_BUCKET / 2 then
    local others = rooms_in(one, second, now, horizon)
    if #others > room then bucket, rooms, room = second, others, #others end
  end
  if room == 0 then return nil end
  local slot = rooms[room]
  rooms[room] = nil
  return bucket, slot
end

-- The time in slot number `number` of the whole table.
local function time_in(one, number)
  local bucket = floor(number / SLOTS_A_BUCKET)
  local slots, text = one.slots[bucket], nil
  if slots then return slots[2 * (number % SLOTS_A_BUCKET) + 2] end
  text = bucket_text(one, bucket)
  if text == '' then return nil end
  return (struct.unpack('<I5', text, number % SLOTS_A_BUCKET * one.kind.slot_bytes + one.kind.key_bytes + 1))
end

-- Writes what was put in.
local function write_table(one)
  if not one.changed then return end
  for bucket in pairs(one.changed) do
    local text = struct.pack(one.kind.format, unpack(one.slots[bucket], 1, 2 * SLOTS_A_BUCKET))
    redis.call('SETRANGE', one.name, bucket * one.kind.bucket_bytes, text)
    one.texts[bucket] = text
  end
  one.changed, one.whole = nil, nil
end

local function write_tables(log)
  for _, one in pairs(log.tables) do write_table(one) end
end

-- All buckets of a table as they are; '' if it is not there.
local function all_buckets(one)
  write_table(one)
  return redis.call('GETRANGE', one.name, 0, one.buckets * one.kind.bucket_bytes - 1)
end

return table_kind, new_table, buckets_of, expect_keys, bucket_slots, place_of, put_in, take_room, time_in, write_tables, all_buckets
