-- Windows over the table of last-seen times: how many of its values each holds, and which leave it next.

local THINNING = 0.8 -- how much of a stratum is kept when it is thinned

-- How many values a sample stands for, and how many it is, of each stratum of a window; from all slots, hash and time by
-- turns. Also their times, and the numbers of their slots.
local function count_window(log, seen, window, slots, now)
  local limit, strata = now - window.length, strata_of(log, seen, window)
  local times, numbers, counts, count, inside = {}, {}, {}, 0, 0
  local size, oldest = window.stratum, 0
  if strata then
    fraction_at(log, seen, window, now) -- there are none newer
    oldest = log.s[window.at + NEWEST_STRATUM] - RING
  end
  for i = 1, #slots, 2 do
    local time = slots[i + 1]
    if time > limit then
      local number, fraction = 0, 1
      if strata then
        number = floor(time / size)
        fraction = number > oldest and strata[number % RING + 1] or 0
      end
      if slots[i] < fraction * HASHES then
        count = count + 1
        times[count], numbers[count] = time, (i - 1) / 2
        inside = inside + 1 / fraction
        if strata then counts[number] = (counts[number] or 0) + 1 end
      end
    end
  end
  return inside, times, numbers, counts
end

-- Thins strata until a window has no more values than it may: `times` of those that it has, and `numbers` of their slots. The
-- first to be thinned is the one with the most values times its fraction. So each comes to keep as many as the root of what it
-- holds: were all thinned alike, little would be known of quiet times once a crowd has left; if to the same number, little of the
-- crowd.
local function thin(log, window, slots, times, numbers, now, most)
  local s, at = log.s, window.at
  local hashes, count = {}, #times
  for i = 1, count do
    local number = floor(times[i] / window.stratum)
    local stratum = hashes[number] or {}
    hashes[number] = stratum
    stratum[#stratum + 1] = slots[2 * numbers[i] + 1]
  end
  if s[at + NEWEST_STRATUM] == -INFINITE then
    s[at + NEWEST_STRATUM], log.strata[window] = floor(now / window.stratum), {}
    for i = 1, RING do log.strata[window][i] = 1 end
  end
  local strata = log.strata[window]
  while count > most do
    local chosen, most_due = nil, 0
    for number, stratum in pairs(hashes) do
      local due = #stratum * strata[number % RING + 1]
      if due > most_due or chosen and due == most_due and number < chosen then chosen, most_due = number, due end
    end
    local fraction = strata[chosen % RING + 1] * THINNING
    strata[chosen % RING + 1] = fraction
    local kept = {}
    for _, hash in ipairs(hashes[chosen]) do
      if hash < fraction * HASHES then kept[#kept + 1] = hash end
    end
    count = count - #hashes[chosen] + #kept
    hashes[chosen] = kept
  end
  strata.changed = true
end

-- Counts a window's values anew and lists those that leave it next, from all slots: hash and time by turns.
local function list_window(call, log, seen, name, window, slots, now)
  local s, at, limit = log.s, window.at, now - window.length
  local inside, times, numbers = count_window(log, seen, window, slots, now)
  if #times > call.values then
    -- So many that it need not be done again soon.
    thin(log, window, slots, times, numbers, now, call.values - floor(call.values / 16))
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
      s[seen.at + WHOLE_SINCE] = max(s[seen.at + WHOLE_SINCE], limit) -- of what was before, a sample was kept
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
  table.sort(order, function(a, b) return times[a] < times[b] or times[a] == times[b] and a < b end)
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
      if time_in(seen_table(log, seen), slot) == time then
        s[at + INSIDE] = s[at + INSIDE] - 1 / fraction_at(log, seen, window, seen_at)
        s[at + SAMPLE] = s[at + SAMPLE] - 1
      end
      s[at + CURSOR] = s[at + CURSOR] + 1
    end
  end
  return true
end

-- Puts a value that was last seen at `time`, and stands in slot number `number`, into a window's list. Returns false where that has
-- no room, or is not to be trusted.
local function list_value(log, seen, name, window, time, number)
  local s, at = log.s, window.at
  local count = s[at + LENGTH] - s[at + CURSOR]
  local capacity, offset = list_capacity(s[seen.at + SEEN_BUCKETS]), list_offset(s, seen, window)
  if count >= capacity then return false end
  local from = offset + LISTED * s[at + CURSOR]
  local text = count > 0 and redis.call('GETRANGE', name, from, from + LISTED * count - 1) or ''
  if #text < LISTED * count then return false end
  local low, high = 0, count
  while low < high do
    local middle = floor((low + high) / 2)
    local later = (struct.unpack('<I5', text, LISTED * middle + 1) - time) % ERA
    if later > 0 and later < ERA / 2 then high = middle else low = middle + 1 end
  end
  for i = low - 1, 0, -1 do -- it may stand there for a value that was seen at that moment, and had the slot before
    local listed, its = struct.unpack('<I5I4', text, LISTED * i + 1)
    if listed ~= time % ERA then break end
    if its == number then return true end
  end
  local entry = struct.pack('<I5I4', time % ERA, number)
  redis.call('SETRANGE', name, offset, sub(text, 1, LISTED * low) .. entry .. sub(text, LISTED * low + 1))
  s[at + CURSOR], s[at + LENGTH] = 0, count + 1
  if low == 0 then s[at + LEAVES_AT] = time + window.length end
  return true
end

return count_window, list_window, leave_window, list_value
