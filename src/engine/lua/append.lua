-- What taking in an event in the most common case needs (see lua-text/append.ts): it knows the log by its bytes alone.

-- A stretch of the log, and where in the string it begins.
local function stored_at(key, raw, offset, bytes)
  if offset + bytes <= #raw then return raw, offset + 1 end
  return redis.call('GETRANGE', key, offset, offset + bytes - 1), 1
end

-- The number of the single that shows a value for the last time; nil if none does.
local function shown_by(view, key, raw, marks_at, singles_at, count, mark, place, value)
  local value_at = view.seen[place].value_at
  local j = find_mark(raw, marks_at, count, view.mark_bytes, 0, mark, place)
  while j do
    local text, at = stored_at(key, raw, singles_at + view.single_bytes * j + value_at - 1, 8)
    if sub(text, at, at + 7) == value then return j end
    j = find_mark(raw, marks_at, count, view.mark_bytes, j + 1, mark, place)
  end
end

-- The least and the greatest value of a lane among singles from one number up to another.
local function extremes_among(view, lane, key, raw, singles_at, from, to)
  local least, most, bytes = INFINITE, -INFINITE, view.single_bytes
  if from >= to then return least, most end
  local text, at = stored_at(key, raw, singles_at + bytes * from, bytes * (to - from))
  for i = 0, to - from - 1 do
    local n, _, _, low, high = single_part(lane, unpack_single(view, text, at + bytes * i))
    if n > 0 then least, most = min(least, low), max(most, high) end
  end
  return least, most
end

local JUST_RECORDED = '\0\0\0\0\0\0\0\0\0\0' -- the verdict on an event that was, up to its time
