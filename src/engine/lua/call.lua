-- Freshet's engine: takes events into an entity's log, folds the log into its vector, and serves the vector.
--
-- A table `views`, generated from the definitions, stands before this text (see library.ts). All keys of an entity share
-- its hash tag; a call names the log alone and derives the others. The log is one packed, little-endian string:
--
--   header   c8 layout, d revision, d as_of, d valid_until, d last_event_at, d event_seq, d complete_since, d expires_at,
--            then one d a feature (the vector; NaN is null), LIFETIME_DOUBLES a lifetime, and of each set of last-seen
--            times d fed_at (the newest event that marked it), d expires_at
--   cells    oldest first, ties by id: d time, c8 id, I4 flags, one d a column (NaN is null)
--
-- Times are milliseconds since 1970; an absent time is infinite. ARGV[1] of every function: B clock (0 wall, 1 event),
-- I4 length of the key prefix, d tolerance for times ahead, d how many cells the call may fold, then d complete_since of
-- each view. What is left once that many are folded is said to be left ('S'), so that others are served in between.

local HEADER_BYTES = 64
local VECTOR_AT = HEADER_BYTES + 1
local LIFETIME_DOUBLES = 11
local SEEN_DOUBLES = 2
local CELL_FIXED_BYTES = 20
local ID_AT_IN_CELL = 8
local TAKEN_AS_NOW = 2147483648 -- the flag of a cell whose time the store chose, so that a retry's own time is no difference
local TAKEN_OVER = 1073741824 -- the flag of a cell of an older layout, which may not have kept all that a retry tells
local OWN_FLAGS = 1073741823 -- the flags that are the view's
local LEFT = 'S'
local INFINITE = 1 / 0
local NULL = 0 / 0
local SLACK = 1 / 16 -- a TTL is armed this much longer than needed, so that it need not be armed at each event

local RECORDED, DUPLICATE, TOO_LATE, REJECTED = 0, 1, 2, 3

local function integer(value)
  return string.format('%.0f', value)
end

-- The store's now, in milliseconds and in microseconds.
local function store_now()
  local time = redis.call('TIME')
  local micros = time[1] * 1000000 + time[2]
  return math.floor(micros / 1000), micros
end

local function open_call(packed)
  local call = { lost = 0 }
  local clock, at
  clock, call.prefix_length, call.tolerance, call.budget, at = struct.unpack('<BI4dd', packed)
  call.event_clock = clock == 1
  call.complete_since = {}
  for i = 1, #views do
    call.complete_since[i], at = struct.unpack('<d', packed, at)
  end
  call.millis, call.micros = store_now()
  return call
end

-- The name of an entity's served hash, from that of its log: `<prefix>:log:<stem>{<id>}`.
local function hash_name(call, log_key)
  return string.sub(log_key, 1, call.prefix_length) .. string.sub(log_key, call.prefix_length + 5)
end

-- Names of all keys of an entity, from that of its log.
local function key_names(call, view, log_key)
  local prefix = string.sub(log_key, 1, call.prefix_length)
  local tag = string.sub(log_key, call.prefix_length + 6 + #view.stem)
  local names = { log = log_key, hash = hash_name(call, log_key), seen = {} }
  for i, seen in ipairs(view.seen) do
    names.seen[i] = prefix .. ':seen:' .. view.stem .. seen.name .. ':' .. tag
  end
  return names
end

-- Runs the work on one entity; what goes wrong with it is its own reply, and no other entity's: 'E', I2 length, reason.
local function alone(work, ...)
  local fine, reply = pcall(work, ...)
  if fine then return reply end
  local reason = string.sub(type(reply) == 'table' and reply.err or tostring(reply), 1, 200)
  return 'E' .. struct.pack('<I2', #reason) .. reason
end
