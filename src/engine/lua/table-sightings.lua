-- Sightings in the table of last-seen times: putting them in, taking them out, and what the windows over it hold then.

local FEW_LISTED = 32

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

local MOST_GROWTHS = 2 -- for one value

-- Marks that a value was seen, in windows from which has been taken what leaves them at `now`.
local function mark_value(call, log, seen, name, value, time, now, tries)
  local s = log.s
  local fraction = fraction_of(value)
  local wanted = fraction < wanted_at(log, seen, time, now)
  local values = seen_table(log, seen)
  local number, before = number_of(values, value)
  if before then
    before = now - (now - before) % ERA
    if before >= time then return end
    weigh(log, seen, fraction, before, now, -1)
    if not wanted then return take_out(values, number, value) end
  else
    if not wanted then return end
    number = take_seen_room(log, seen, values, value, now)
    if not number then
      -- Values may share their buckets whatever the size, if somebody chose them so.
      for _, window in ipairs(seen.windows) do log.listed_late[window] = true end
      tries = (tries or 0) + 1
      if tries <= MOST_GROWTHS then
        grow_seen(log, seen, name, now, tries > 1 and values.buckets + ceil(values.buckets / 16) or nil)
        return mark_value(call, log, seen, name, value, time, now, tries)
      end
      local its_fraction, its_time
      number, its_fraction, its_time = push_out(log, seen, values, value, now)
      weigh(log, seen, its_fraction, its_time, now, -1)
    end
  end
  put_in(values, number, value, time)
  weigh(log, seen, fraction, time, now, 1)
  for _, window in ipairs(seen.windows) do
    local place = window.at
    if time > now - window.length and fraction < fraction_at(log, seen, window, time) then
      if s[place + SAMPLE] > call.values then
        log.listed_late[window] = true
      elseif time > s[place + COVERED] then
        s[place + LEAVES_AT] = min(s[place + LEAVES_AT], time + window.length)
      elseif not log.relist[window] and not log.listed_late[window] and not list_value(log, seen, name, window, time, number) then
        log.listed_late[window] = true
      end
    end
  end
end

-- Whether a table that is not there was to be expected: it is lost then, else it has expired as it should. (A history that has
-- become longer does not make lost what expired by the shorter one.)
local function is_table_lost(call, log, seen, now)
  local s, at = log.s, seen.at
  return s[at + FED_AT] > now - seen.kept and s[at + SEEN_EXPIRES_AT] > call.millis
end

local function miss_table(call, log, seen, now)
  if is_table_lost(call, log, seen, now) then lose_seen(call, log, seen) else clear_seen(log.s, seen) end
end

-- The name of a set's table, made ready to take in sightings.
local function open_table(call, log, seen, now)
  local s, at = log.s, seen.at
  local name = seen_name(call, log.view, log.key, seen)
  if s[at + SEEN_BUCKETS] > 0 and redis.call('EXISTS', name) == 0 then miss_table(call, log, seen, now) end
  if s[at + SEEN_BUCKETS] == 0 then grow_seen(log, seen, name, now) end
  -- Once out of its window, a value's slot may be taken by another.
  for _, window in ipairs(seen.windows) do
    if not leave_window(log, seen, name, window, now) then log.relist[window] = true end
  end
  return name
end

-- Takes a value out of the table, if it is there.
local function forget_value(call, log, seen, value, now)
  if log.s[seen.at + SEEN_BUCKETS] == 0 then return end
  local values, hash = seen_table(log, seen), sub(value, 1, VALUE_BYTES)
  local number, time = number_of(values, hash)
  if values.missing then return miss_table(call, log, seen, now) end
  if not time then return end
  for _, window in ipairs(seen.windows) do
    if not leave_window(log, seen, values.name, window, now) then log.relist[window] = true end
  end
  take_out(values, number, hash)
  return weigh(log, seen, fraction_of(hash), now - (now - time) % ERA, now, -1)
end

-- So many values will be asked for.
local function expect_values(log, count)
  for _, seen in ipairs(log.view.seen) do
    if log.s[seen.at + SEEN_BUCKETS] > 0 then expect_keys(seen_table(log, seen), count) end
  end
end

-- Whether a stretch of time for which a window kept a sample has left it since the last fold: it may keep all values again.
local function sheds_stratum(s, window, now)
  if s[window.at + NEWEST_STRATUM] == -INFINITE then return false end
  local function oldest(moment) return floor((moment - window.length + 1) / window.stratum) end
  return oldest(now) > oldest(s[AS_OF])
end

-- Whether the call has done so much that no list should be made anew that can wait: a compaction or another list takes long. (Of
-- windows whose lists were dropped all need theirs at the next moment: these do not wait for one another.)
local function is_busy(call, log)
  return log.compacted or call.has_listed
end

-- Whether a list is nearly at an end, and can be made anew before it is.
local function is_running_out(call, log, window)
  local s, at = log.s, window.at
  return not is_busy(call, log) and s[at + CURSOR] >= FEW_LISTED and s[at + LENGTH] - s[at + CURSOR] < FEW_LISTED
end

-- Leaves a window without a list until time goes on: how many values it holds is known, and which leaves next is not.
local function drop_list(s, window, now)
  local at = window.at
  s[at + CURSOR], s[at + LENGTH], s[at + COVERED], s[at + LEAVES_AT] = 0, 0, -INFINITE, now + 1
end

-- Counts the values of the tables that were last seen inside each window. Returns when the first of them leaves.
local function fold_seen(call, log, now)
  local s, view, valid_until = log.s, log.view, INFINITE
  for _, seen in ipairs(view.seen) do
    local name, slots = nil, nil
    local at = seen.at
    if s[at + SEEN_BUCKETS] > 0 then
      name = seen_name(call, view, log.key, seen)
      if log.check_seen and redis.call('EXISTS', name) == 0 then miss_table(call, log, seen, now) end
    end
    for _, window in ipairs(seen.windows) do
      local place = window.at
      local relist = log.relist[seen] or log.relist[window] or is_running_out(call, log, window)
      relist = s[at + SEEN_BUCKETS] > 0 and (relist or not leave_window(log, seen, name, window, now))
      if not relist and s[at + SEEN_BUCKETS] > 0 and (log.listed_late[window] or sheds_stratum(s, window, now)) then
        if is_busy(call, log) then drop_list(s, window, now) else relist = true end
      end
      if relist then
        slots = slots or read_seen(log, seen, now)
        if #slots == 0 then
          miss_table(call, log, seen, now)
        else
          list_window(call, log, seen, name, window, slots, now)
          call.has_listed = true
        end
      end
      if log.strata[window] then store_strata(log, seen, name, window) end
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

return is_table_lost, forget_value, expect_values, open_table, mark_value, fold_seen, extend_seen
