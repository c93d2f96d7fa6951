-- Freshet's engine: takes events into an entity's log, keeps what its windows hold, and serves the vector.
--
-- A table `views`, generated from the definitions, stands before this text (see library.ts). All keys of an entity share
-- its hash tag; a call names the log alone and derives the others. The log is one packed, little-endian string:
--
--   header   c8 layout, then doubles (see header.lua): what is served, what the windows hold, where their edges stand
--   marks    a slot for each single: c4 the first half of its event's id, so that repeats are found without its cell; then
--            for each set of last-seen times c4 of the value, if the single shows it for the last time (see sightings.lua)
--   singles  a slot each: d time, c8 id, I4 flags, d a column (NaN is null), c8 a distinct field; the newest events, oldest
--            first, ties by id
--   tiles    a slot each: i7 first, i7 last, I4 number of events, d how far their mean is past the first, d squared distances
--            from it, then what each lane gathered (see layout.ts); all events before the singles, put together on a grid of
--            time (see compact.lua), oldest first
--
-- A cell is a single or a tile; cells are numbered from 0, tiles first. Times are whole milliseconds since 1970; an absent
-- time is infinite. ARGV[1] of every function: B 1 for the event clock, 2 where an entity's keys may be on their way to another server
-- of a cluster, 4 where whoever is told that an event is known waits until it is safe, I4 length of the key prefix, d tolerance for
-- times ahead, d for how many microseconds the call may work, d how many singles compaction leaves, d of how many
-- values a window keeps all, then d complete_since of each view. What is left once
-- that time is over is said to be left ('S'), so that others are served in between.

local LEFT = 'S'
local INFINITE = 1 / 0
local NULL = 0 / 0
local MUCH_WORK = 8 -- as much as recording so many events, each by itself
local SLACK = 1 / 16 -- a TTL is armed this much longer than needed, so that it need not be armed at each event

local RECORDED, DUPLICATE, TOO_LATE, REJECTED, FORGOTTEN = 0, 1, 2, 3, 4

local floor, ceil, max, min, sub, band -- set by the first call: a library that loads has no such functions yet

local function integer(value)
  return string.format('%.0f', value)
end

-- The store's now, in milliseconds and in microseconds. Every function asks for it first.
local function store_now()
  floor, ceil, max, min, sub, band = math.floor, math.ceil, math.max, math.min, string.sub, bit.band
  local time = redis.call('TIME')
  local micros = time[1] * 1000000 + time[2]
  return floor(micros / 1000), micros
end

local function open_call(packed)
  local call = { lost = 0, done = 0, looks_at = 1, over = false }
  call.millis, call.micros = store_now()
  local flags, at
  local micros
  flags, call.prefix_length, call.tolerance, micros, call.singles, call.values, at = struct.unpack('<BI4dddd', packed)
  call.ends, call.looks_every = os.clock() + micros / 1e6, min(MUCH_WORK, micros / 200)
  call.event_clock, call.in_cluster, call.is_durable = band(flags, 1) > 0, band(flags, 2) > 0, band(flags, 4) > 0
  call.complete_since = {}
  for i = 1, #views do
    call.complete_since[i], at = struct.unpack('<d', packed, at)
  end
  return call
end

-- The name of an entity's served hash, from that of its log: `<prefix>:log:<stem>{<id>}`.
local function hash_name(call, log_key)
  return sub(log_key, 1, call.prefix_length) .. sub(log_key, call.prefix_length + 5)
end

-- The name of a set of last-seen times, from that of its log.
local function seen_name(call, view, log_key, seen)
  local tag = sub(log_key, call.prefix_length + 6 + #view.stem)
  return sub(log_key, 1, call.prefix_length) .. ':seen:' .. view.stem .. seen.name .. ':' .. tag
end

-- The name of another companion, such as 'ids', from that of its log.
local function companion_name(call, log_key, kind)
  return sub(log_key, 1, call.prefix_length) .. ':' .. kind .. sub(log_key, call.prefix_length + 5)
end

-- Whether the call has worked for long enough before so much more work. It does one piece at least, and looks at the clock, which
-- costs as much as a short command, only after much of it.
local function is_over(call, work)
  local done = call.done
  call.done = done + work
  if call.over or done < call.looks_at then return call.over end
  call.looks_at = done + call.looks_every
  call.over = os.clock() >= call.ends
  return call.over
end

-- Runs the work on one entity; what goes wrong with it is its own reply, and no other entity's: 'E', I2 length, reason; or 'M' where
-- its keys are on their way (see here.lua).
local function alone(work, ...)
  local fine, reply = pcall(work, ...)
  if fine then return reply end
  local reason = sub(type(reply) == 'table' and reply.err or tostring(reply), 1, 200)
  if string.find(reason, 'non local key', 1, true) then return 'M' end
  return 'E' .. struct.pack('<I2', #reason) .. reason
end
