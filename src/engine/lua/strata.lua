-- Samples of last-seen times. A window is cut into strata, stretches of a sixteenth of its length, each with a fraction: of the
-- values last seen in a stratum those are kept whose hash, as a fraction of all hashes, is below it, and each stands for as
-- many as the fraction says. A crowd costs the quiet times before and after it less than itself (see leaving.lua), and a short
-- window stays exact when only a long one is large.

local REVIVAL = 2 -- by how much a new stratum's fraction is above that of the one before
local HASHES = 2 ^ 48 -- fractions are of a hash's six bytes that are kept

local function fraction_of(value)
  return (struct.unpack('<I6', value)) / HASHES
end

-- The fractions of a window that keeps a sample, by stratum modulo RING; nil for one that keeps all, or whose table is gone.
local function strata_of(log, seen, window)
  local s = log.s
  if s[window.at + NEWEST_STRATUM] == -INFINITE then return nil end
  local strata = log.strata[window]
  if not strata then
    local from = list_offset(s, seen, window, #seen.windows + 1) + 8 * RING * (window.place - 1)
    local text = redis.call('GETRANGE', seen_name(log.call, log.view, log.key, seen), from, from + 8 * RING - 1)
    if text == '' then return nil end
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

-- The largest fraction that any window, which reaches as far back as `reach` says, wants of the values last seen at a time.
local function wanted_by(log, seen, time, now, reach)
  local wanted, age = 0, now - time
  for _, window in ipairs(seen.windows) do
    if age < window[reach] then wanted = max(wanted, fraction_at(log, seen, window, time)) end
    if wanted == 1 then break end
  end
  return wanted
end

-- The largest fraction that is kept of the values last seen at a time: also for windows that ended before now, for as long as all
-- that these held is kept.
local function wanted_at(log, seen, time, now)
  return wanted_by(log, seen, time, now, time > log.s[seen.at + WHOLE_SINCE] and 'kept' or 'length')
end

return fraction_of, strata_of, store_strata, fraction_at, wanted_by, wanted_at
