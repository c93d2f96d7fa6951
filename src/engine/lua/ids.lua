-- Ids of events that are in tiles, by their events' times, for as long as a retry is looked for: a table (see tables.lua). Where
-- both buckets of an id are full of ids still looked for, the table grows, and at its largest the oldest of these makes room and
-- is forgotten.

local FEWEST_BUCKETS = 8
local MOST_BUCKETS = 196 -- 40 KB
local IDS = table_kind(8)

local function ids_table(call, log)
  local buckets, ids = log.s[log.view.book + IDS_BUCKETS], log.tables[IDS]
  if not ids or ids.buckets ~= buckets then
    ids = new_table(companion_name(call, log.key, 'ids'), IDS, buckets)
    log.tables[IDS] = ids
  end
  return ids
end

-- A table that must be there is gone (evicted, deleted): said once, and what is in tiles can no longer be told from repeats.
local function lose_ids(call, log, now)
  local s, book = log.s, log.view.book
  s[book + IDS_BUCKETS] = 0
  if s[book + FRONTIER] <= now - log.view.horizon then return end -- it has expired as it should
  call.lost = call.lost + 1
  s[book + REMEMBERED_SINCE] = s[book + FRONTIER]
end

-- Has a companion live until what it holds is of no use any more; under the event clock, of which Valkey knows nothing, as long as
-- its log. (One that is new will be told how long that is; see lua/store.lua.)
local function expire_beside(call, log, name, needed)
  if call.event_clock then needed = log.s[EXPIRES_AT] end
  if needed > -INFINITE then redis.call('PEXPIREAT', name, integer(needed)) end
end

-- So many ids will be asked for.
local function expect_ids(call, log, count)
  if log.s[log.view.book + IDS_BUCKETS] > 0 then expect_keys(ids_table(call, log), count) end
end

-- When the event of a remembered id was; nil if the id is not remembered.
local function remembered(call, log, id, now)
  local view = log.view
  if log.s[view.book + IDS_BUCKETS] == 0 then return nil end
  local ids = ids_table(call, log)
  local _, time = number_of(ids, id)
  if ids.missing then return lose_ids(call, log, now) end
  if not time then return nil end
  local age = (now - time) % ERA
  if age < view.horizon then return now - age end
end

-- Remembers one id. Returns false, and does nothing, when there is no room; with `push`, the oldest makes room.
local function put_id(log, ids, id, time, now, push)
  local s, book = log.s, log.view.book
  -- It may be there from an event of long ago, whose id was used again.
  local number = number_of(ids, id) or take_room(ids, id, now, log.view.horizon)
  if not number then
    if not push then return false end
    local age
    number, age = oldest_beside(ids, id, now)
    s[book + REMEMBERED_SINCE] = max(s[book + REMEMBERED_SINCE], now - age)
    s[book + FORGOTTEN_IDS] = s[book + FORGOTTEN_IDS] + 1
  end
  put_in(ids, number, id, time)
  return true
end

-- Gives the table room for twice as many, if it may have that, and puts back what it holds.
local function grow_ids(call, log, now)
  local s, book = log.s, log.view.book
  local had = s[book + IDS_BUCKETS]
  local text = had > 0 and all_buckets(ids_table(call, log)) or ''
  s[book + IDS_BUCKETS], log.tables[IDS] = min(MOST_BUCKETS, max(FEWEST_BUCKETS, 2 * had)), nil
  local ids = ids_table(call, log)
  ids.whole = string.rep('\0', ids.buckets * IDS.bucket_bytes)
  redis.call('SET', ids.name, ids.whole, 'KEEPTTL')
  for at = 1, #text, IDS.slot_bytes do
    local id, time = struct.unpack('<c8I5', text, at)
    local age = (now - time) % ERA
    if time ~= 0 and age < log.view.horizon then put_id(log, ids, id, now - age, now, true) end
  end
  return ids
end

-- Remembers the ids of singles that go into tiles, with the times of their events.
local function remember(call, log, ids, times, now)
  if call.preview then return end
  local s, view = log.s, log.view
  local book, newest = view.book, -INFINITE
  local name = companion_name(call, log.key, 'ids')
  if s[book + IDS_BUCKETS] > 0 and redis.call('EXISTS', name) == 0 then lose_ids(call, log, now) end
  local known
  for i = 1, #ids do
    local time = times[i]
    if time > now - view.horizon then
      newest = max(newest, time)
      if not known then
        known = s[book + IDS_BUCKETS] > 0 and ids_table(call, log) or grow_ids(call, log, now)
        expect_keys(known, #ids - i)
      end
      while not put_id(log, known, ids[i], time, now, known.buckets >= MOST_BUCKETS) do known = grow_ids(call, log, now) end
    end
  end
  -- A late event's id must not shorten what newer ones need: none of these is past the frontier.
  if newest > -INFINITE then expire_beside(call, log, name, max(newest, s[book + FRONTIER]) + view.horizon) end
end

return expire_beside, expect_ids, remembered, remember
