-- Last-seen times: when a value of a field (under a filter) was last seen. Of the newest events, singles tell: a mark of the
-- single (see sightings.lua). Of those in tiles, a table does (see tables.lua), whose keys are the values' hashes, cut to six
-- bytes. A value stands in one place: with its last sighting. That gives every window that ends now exactly, or, where a window
-- has too many values in tiles, by a sample of these (see strata.lua).
--
--   lists  after the table's buckets, one a window: I5 time, I4 slot of the values that leave the window next, oldest first
--   strata after the lists, for each window d x RING: the fraction of stratum number n stands at n modulo RING

local VALUE_BYTES = 6
local VALUES = table_kind(VALUE_BYTES)
local RING = 18 -- strata that are told apart
local LISTED = 9 -- bytes
local MOST_LISTED = 256

-- A table that must hold something is gone (evicted, deleted): said once, then it starts anew.
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
  return buckets * VALUES.bucket_bytes + ((place or window.place) - 1) * LISTED * list_capacity(buckets)
end

-- The table of a set that has one.
local function seen_table(log, seen)
  local buckets, one = log.s[seen.at + SEEN_BUCKETS], log.tables[seen]
  if not one or one.buckets ~= buckets then
    one = new_table(seen_name(log.call, log.view, log.key, seen), VALUES, buckets)
    log.tables[seen] = one
  end
  return one
end
