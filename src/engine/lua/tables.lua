-- Tables: companions of a log in which keys of one length have a time each. A table is a packed string of buckets of 16 slots; a
-- key stands in one of two buckets, in any slot. What a call looks at it reads once; what it puts in is written when the log is.
--
--   slot  the key, I5 its time, in milliseconds modulo 2^40 (35 years); an empty one has none (0)

local SLOTS_A_BUCKET = 16
local ERA = 2 ^ 40

-- A kind of tables, whose keys have so many bytes. (To pass over bytes takes as long as to read them, each for itself.)
local function table_kind(key_bytes)
  local format, empty = '<', ''
  for _ = 1, SLOTS_A_BUCKET do format = format .. 'I' .. key_bytes .. 'I5' end
  for _ = 1, key_bytes + 5 do empty = empty .. '\0' end
  return {
    key_bytes = key_bytes, slot_bytes = key_bytes + 5, bucket_bytes = SLOTS_A_BUCKET * (key_bytes + 5),
    format = format, empty = empty,
  }
end

-- A table of so many buckets under a name, as this call sees it: texts and slots of buckets that it read, their free slots,
-- and, of slots that it changed, by their numbers in the whole table, the times and keys; and the numbers of these keys.
local function new_table(name, kind, buckets)
  return {
    name = name, kind = kind, buckets = buckets,
    texts = {}, slots = {}, rooms = {}, times = {}, keys = {}, numbers = {},
  }
end

-- The two buckets in which a key may stand, counted from 0.
local function buckets_of(one, key)
  local first, second = struct.unpack('<I2I2', key)
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
  one.texts[bucket], one.missing = text, text == ''
  return text
end

-- The number of the slot of a bucket in which a key stood when it was read, and its time; nil if it did not, or does not any more.
local function number_in(one, bucket, key)
  local text, kind, from = bucket_text(one, bucket), one.kind, 1
  while true do
    local at = string.find(text, key, from, true)
    if not at then return nil end
    if (at - 1) % kind.slot_bytes == 0 then
      local number = bucket * SLOTS_A_BUCKET + (at - 1) / kind.slot_bytes
      local time = struct.unpack('<I5', text, at + kind.key_bytes)
      if time ~= 0 and not one.times[number] then return number, time end
    end
    from = at + 1
  end
end

-- The number of the slot in which a key stands, and its time; nil if it is not there.
local function number_of(one, key)
  local number = one.numbers[key]
  if number then return number, one.times[number] end
  local first, second = buckets_of(one, key)
  local time
  number, time = number_in(one, first, key)
  if number or first == second then return number, time end
  return number_in(one, second, key)
end

-- A bucket's slots: the key, as a number, and its time by turns. (Of slots that this call put keys into, the times alone are
-- right.)
local function slots_in(one, bucket)
  local slots = one.slots[bucket]
  if slots then return slots end
  slots = { struct.unpack(one.kind.format, bucket_text(one, bucket)) }
  if next(one.times) then
    local before = bucket * SLOTS_A_BUCKET - 1
    for slot = 1, SLOTS_A_BUCKET do slots[2 * slot] = one.times[before + slot] or slots[2 * slot] end
  end
  one.slots[bucket] = slots
  return slots
end

-- Notes the time that a slot has now.
local function note_time(one, number, time)
  one.times[number] = time
  local slots = one.slots[floor(number / SLOTS_A_BUCKET)]
  if slots then slots[2 * (number % SLOTS_A_BUCKET) + 2] = time end
end

-- Puts a key and its time into a slot.
local function put_in(one, number, key, time)
  time = time % ERA
  local before = one.keys[number]
  if before then one.numbers[before] = nil end
  one.keys[number], one.numbers[key] = key, number
  note_time(one, number, time)
end

-- Empties the slot of a key.
local function take_out(one, number, key)
  one.numbers[key], one.keys[number] = nil, nil
  note_time(one, number, 0)
  one.rooms[floor(number / SLOTS_A_BUCKET)] = nil
end

-- The numbers of a bucket's slots that are empty, or hold a time that is as old as `horizon`.
local function rooms_in(one, bucket, now, horizon)
  local rooms = one.rooms[bucket]
  if rooms then return rooms end
  local slots, count, this_era = slots_in(one, bucket), 0, now % ERA
  rooms = {}
  for slot = 1, SLOTS_A_BUCKET do
    local time = slots[2 * slot]
    local age = this_era - time
    if time == 0 or (age < 0 and age + ERA or age) >= horizon then
      count = count + 1
      rooms[count] = bucket * SLOTS_A_BUCKET + slot - 1
    end
  end
  one.rooms[bucket] = rooms
  return rooms
end

-- Takes a slot for a new key, in its first bucket while that has room, then in the emptier of both. Returns its number, or nil
-- where both are full.
local function take_room(one, key, now, horizon)
  local bucket, second = buckets_of(one, key)
  local rooms = rooms_in(one, bucket, now, horizon)
  local room = #rooms
  if room < SLOTS_A_BUCKET / 4 then
    local others = rooms_in(one, second, now, horizon)
    if #others > room then rooms, room = others, #others end
  end
  local number = rooms[room]
  rooms[room] = nil
  return number
end

-- Of a key's two buckets, where both are full, the slot with the oldest time: its number, and its age.
local function oldest_beside(one, key, now)
  local first, second = buckets_of(one, key)
  local number, age, this_era = nil, -1, now % ERA
  for i = 1, first == second and 1 or 2 do
    local bucket = i == 1 and first or second
    local slots = slots_in(one, bucket)
    for slot = 1, SLOTS_A_BUCKET do
      local its = this_era - slots[2 * slot]
      if its < 0 then its = its + ERA end
      if its > age then number, age = bucket * SLOTS_A_BUCKET + slot - 1, its end
    end
  end
  return number, age
end

-- The time in a slot; nil if the table is not there.
local function time_in(one, number)
  local time = one.times[number]
  if time then return time end
  local text = bucket_text(one, floor(number / SLOTS_A_BUCKET))
  if text == '' then return nil end
  return (struct.unpack('<I5', text, number % SLOTS_A_BUCKET * one.kind.slot_bytes + one.kind.key_bytes + 1))
end

-- Writes what was put in and taken out.
local function write_table(one)
  if not next(one.times) then return end
  for number, time in pairs(one.times) do
    local bytes = time == 0 and one.kind.empty or one.keys[number] .. struct.pack('<I5', time)
    redis.call('SETRANGE', one.name, number * one.kind.slot_bytes, bytes)
  end
  one.whole, one.texts, one.slots, one.rooms, one.times, one.keys, one.numbers = nil, {}, {}, {}, {}, {}, {}
end

local function write_tables(log)
  for _, one in pairs(log.tables) do write_table(one) end
end

-- All buckets of a table as they are; '' if it is not there.
local function all_buckets(one)
  write_table(one)
  return redis.call('GETRANGE', one.name, 0, one.buckets * one.kind.bucket_bytes - 1)
end

return table_kind, new_table, buckets_of, expect_keys, number_of, put_in, take_out, slots_in, take_room, oldest_beside, time_in,
  write_tables, all_buckets
