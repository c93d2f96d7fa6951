-- Corrections: what came to be known of events that are in tiles, beyond what the tiles tell: whether they are labelled, and
-- which were retracted before they came to be in one. A companion of the log: a list in one packed string, in no order, kept
-- while an event is in any window. When it is full the oldest make room, and the log's header keeps since when it is whole.
--
--   entry  c8 id, d its event's time, B what is known of it

local ENTRY_BYTES = 17
local MOST_ENTRIES = 1200 -- 20 KB
local SPARE_ENTRIES = 48 -- are written as zeros when the list is
local UNLABELLED, LABELLED_FALSE, LABELLED_TRUE, TAKEN_BACK = 0, 1, 2, 3

-- A list that must be there is gone (evicted, deleted): said once, and of what is in tiles nothing is known.
local function lose_corrections(call, log, now)
  local s, book = log.s, log.view.book
  s[book + CORRECTIONS] = 0
  if s[book + NEWEST_CORRECTED] <= now - log.view.span then return end -- it has expired as it should
  call.lost = call.lost + 1
  s[book + CORRECTED_SINCE] = s[book + FRONTIER]
end

local function load_corrections(call, log, now)
  local count = log.s[log.view.book + CORRECTIONS]
  if count == 0 then return '' end
  local text = redis.call('GETRANGE', companion_name(call, log.key, 'corrections'), 0, ENTRY_BYTES * count - 1)
  if #text == ENTRY_BYTES * count then return text end
  lose_corrections(call, log, now)
  return ''
end

-- What is known of an event, and where its entry begins (from 0); an id may be used again, for an event of another time.
local function find_correction(text, id, time)
  local from = 1
  while true do
    local at = string.find(text, id, from, true)
    if not at then return UNLABELLED end
    if (at - 1) % ENTRY_BYTES == 0 then
      local other_time, known = struct.unpack('<dB', text, at + 8)
      if other_time == time then return known, at - 1 end
    end
    from = at + 1
  end
end

-- A list without what no window holds any more; and if it still is nearly full, without the oldest.
local function swept_corrections(log, text, now)
  local s, view = log.s, log.view
  local book, entries = view.book, {}
  for at = 1, #text, ENTRY_BYTES do
    local time = struct.unpack('<d', text, at + 8)
    if time > now - view.span then entries[#entries + 1] = { time, sub(text, at, at + ENTRY_BYTES - 1) } end
  end
  local dropped = #entries - MOST_ENTRIES * 3 / 4
  if dropped > 0 then
    table.sort(entries, function(a, b) return a[1] < b[1] end)
    s[book + CORRECTED_SINCE] = max(s[book + CORRECTED_SINCE], entries[dropped][1])
    s[book + DROPPED_CORRECTIONS] = s[book + DROPPED_CORRECTIONS] + dropped
  end
  local left = {}
  for i = max(dropped, 0) + 1, #entries do left[#left + 1] = entries[i][2] end
  return table.concat(left)
end

-- Adds what is known of events that are not in the list yet: for each its time, id, and what.
local function add_corrections(call, log, known, now)
  if call.preview or #known == 0 then return end
  local s, view = log.s, log.view
  local book, name = view.book, companion_name(call, log.key, 'corrections')
  local entries, newest = {}, -INFINITE
  for i, one in ipairs(known) do
    entries[i] = one[2] .. struct.pack('<dB', one[1], one[3])
    newest = max(newest, one[1])
  end
  local had, added = s[book + CORRECTIONS], table.concat(entries)
  local count, slots = had + #known, redis.call('STRLEN', name) / ENTRY_BYTES
  if had <= slots and count <= slots and had > 0 then
    redis.call('SETRANGE', name, ENTRY_BYTES * had, added)
  else
    -- To append would take twice the memory that is needed: Valkey expects more to follow.
    local text = load_corrections(call, log, now) .. added
    if count > MOST_ENTRIES then text = swept_corrections(log, text, now) end
    count = #text / ENTRY_BYTES
    redis.call('SET', name, text .. string.rep('\0', ENTRY_BYTES * min(SPARE_ENTRIES, MOST_ENTRIES - count)))
  end
  newest = max(newest, s[book + NEWEST_CORRECTED])
  s[book + CORRECTIONS], s[book + NEWEST_CORRECTED] = count, newest
  expire_beside(call, log, name, newest + view.span)
end

-- Changes what is known of an event, or adds it. `at`: where its entry begins, if it has one.
local function set_correction(call, log, at, time, id, what, now)
  if not at then return add_corrections(call, log, { { time, id, what } }, now) end
  redis.call('SETRANGE', companion_name(call, log.key, 'corrections'), at + ENTRY_BYTES - 1, string.char(what))
end

-- What an event's flags tell of its label.
local function label_of(label, flags)
  if band(flags, label.true_mask) ~= 0 then return LABELLED_TRUE end
  return band(flags, label.known_mask) ~= 0 and LABELLED_FALSE or UNLABELLED
end

-- Notes the labels of events that go into tiles, of which the tiles only tell how many are true.
local function note_labels(call, log, ids, times, flags, now)
  local view, known = log.view, {}
  local label = view.label
  if not label then return end
  for i = 1, #ids do
    local one = label_of(label, flags[i])
    if (one == LABELLED_TRUE or one == LABELLED_FALSE and label.tells_false) and times[i] > now - view.span then
      known[#known + 1] = { times[i], ids[i], one }
    end
  end
  add_corrections(call, log, known, now)
end

-- Whether an event that is no single any more was retracted.
local function was_retracted(call, log, id, time, now)
  return log.s[log.view.book + CORRECTIONS] > 0 and find_correction(load_corrections(call, log, now), id, time) == TAKEN_BACK
end

-- Takes what was retracted out from among the singles that go into tiles, so that it comes into none. Returns how many of them
-- are left.
local function drop_retracted(call, log, moving, now)
  local s, view = log.s, log.view
  local ids, times, known = {}, {}, {}
  erase_marks(log)
  for j = moving - 1, 0, -1 do
    local time, id, flags = struct.unpack('<dc8I4', singles_at(log, j, 1))
    if band(flags, RETRACTED) ~= 0 then
      ids[#ids + 1], times[#times + 1] = id, time
      if time > now - view.span then known[#known + 1] = { time, id, TAKEN_BACK } end
      log.marks = sub(log.marks, 1, view.mark_bytes * j) .. sub(log.marks, view.mark_bytes * (j + 1) + 1)
      log.singles = sub(log.singles, 1, view.single_bytes * j) .. sub(log.singles, view.single_bytes * (j + 1) + 1)
      local number = s[view.book + TILES] + j
      for _, edge in ipairs(view.edges) do
        local at = edge.at + POSITION
        if s[at] > number then s[at] = s[at] - 1 elseif s[at] == number then s[edge.at + NEXT] = -INFINITE end
      end
    end
  end
  if #ids == 0 then return moving end
  s[view.book + SINGLES] = s[view.book + SINGLES] - #ids
  log.rewrite = true
  remember(call, log, ids, times, now)
  add_corrections(call, log, known, now)
  return moving - #ids
end

return load_corrections, find_correction, set_correction, label_of, note_labels, was_retracted,
  drop_retracted
