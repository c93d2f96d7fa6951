-- Filling: a version of a view takes over what another version of it keeps of an entity, at any moment, since both logs share a
-- slot. Whoever records feeds both; what the one has and the other has not yet is under way, and is recorded again into what was
-- taken over. So nothing is lost, and nothing counts twice.

local FILLED, NOTHING_THERE, WAS_FILLED, UNDER_WAY = 0, 1, 2, 3

-- The flags of a view that a label decides about.
local function label_flags(view)
  if not view.label then return 0 end
  local flags = bit.bor(view.label.true_mask, view.label.known_mask)
  for _, filter in ipairs(view.label.filters) do flags = bit.bor(flags, filter.mask) end
  return flags
end

-- Looks through the singles of a log that is filled. Returns those, packed, that are none of the source's, and count; and whether
-- one that is was labelled or retracted otherwise than in the source.
local function compare_singles(source, old, log)
  local view, missing, differs = log.view, {}, false
  local labels = label_flags(view)
  for j = 0, log.s[view.book + SINGLES] - 1 do
    local text, at = singles_at(log, j, 1)
    local _, id, flags = struct.unpack('<dc8I4', text, at)
    local number, found = find_single(source, id)
    if number then
      differs = differs or band(flags, RETRACTED) ~= band(found[3], RETRACTED)
      for new, place in ipairs(old.from.flags) do
        local is_set = band(flags, 2 ^ (new - 1)) ~= 0
        if band(labels, 2 ^ (new - 1)) ~= 0 and is_set ~= (band(found[3], 2 ^ (place - 1)) ~= 0) then differs = true end
      end
    elseif band(flags, RETRACTED) == 0 then
      missing[#missing + 1] = sub(text, at, at + view.single_bytes - 1)
    end
  end
  return missing, differs
end

-- Records singles into a log that is not folded yet; those among them that are known from the source's tiles are found to be.
local function record_again(call, log, missing, now)
  local s, view, rows = log.s, log.view, {}
  for _, packed in ipairs(missing) do
    local row = parse_row(view, packed, 1)
    row.flags = band(row.flags, OWN_FLAGS) + (band(row.flags, TAKEN_AS_NOW) ~= 0 and TAKEN_AS_NOW or 0)
    local _, taken = judge(call, log, row, now)
    if taken then
      rows[#rows + 1] = row
      s[EVENT_SEQ], s[LAST_EVENT_AT] = s[EVENT_SEQ] + 1, max(s[LAST_EVENT_AT], row.time)
      view.run(s, now, row.time, row.id, row.flags, unpack(row.columns, 1, view.column_count))
    end
  end
  if #rows > 0 then insert(call, log, rows, now) end
end

-- Puts a companion in the place of another, or nothing where there is none.
local function copy_companion(from, to)
  if redis.call('COPY', from, to, 'REPLACE') == 0 then redis.call('UNLINK', to) end
end

local function fill_log(call, from, view, old, forced, from_key)
  local key = sub(from_key, 1, call.prefix_length + 5) .. view.stem .. sub(from_key, call.prefix_length + 6 + #from.stem)
  local source, outdated = load_log(call, from, from_key)
  if outdated then return outdated end
  local log
  log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  if not source then return 'V' .. string.char(NOTHING_THERE) end
  if log and log.s[COMPLETE_SINCE] <= source.s[COMPLETE_SINCE] then return 'V' .. string.char(WAS_FILLED) end
  if is_over(call, MUCH_WORK) then return LEFT end
  here.expect_all(call, from, from_key)
  here.expect_all(call, view, key)
  local now = now_of(call, max(source.s[AS_OF], log and log.s[AS_OF] or -INFINITE))
  local missing, differs = {}, false
  if log then missing, differs = compare_singles(source, old, log) end
  if differs and not forced then return 'V' .. string.char(UNDER_WAY) end

  for _, seen in ipairs(view.seen) do
    copy_companion(seen_name(call, from, from_key, seen), seen_name(call, view, key, seen))
  end
  copy_companion(companion_name(call, from_key, 'ids'), companion_name(call, key, 'ids'))
  copy_companion(companion_name(call, from_key, 'corrections'), companion_name(call, key, 'corrections'))
  local lost = call.lost
  local filled = taken_over(call, view, old, key, redis.call('GET', from_key))
  local s = filled.s
  if call.lost > lost then
    -- Nothing was evicted: a sample for other windows cannot be taken over, and distinct counts begin anew.
    call.lost, s[COMPLETE_SINCE] = lost, max(s[COMPLETE_SINCE], s[LAST_EVENT_AT])
  end
  s[EXPIRES_AT] = -INFINITE -- of a key that may be new
  if log then
    s[REVISION], s[EVENT_SEQ] = max(s[REVISION], log.s[REVISION]), max(s[EVENT_SEQ], log.s[EVENT_SEQ])
  end
  filled.is_behind = true
  record_again(call, filled, missing, now)
  settle(call, filled, now, false, true)
  return 'V' .. string.char(FILLED)
end

-- KEYS: logs of the view that is taken over. ARGV[2]: B index of that view, B of the one that is filled, B 1 to fill also where an
-- event is labelled or retracted in the one and not in the other, then JSON that tells how the one's layout becomes the other's (see
-- upgrade.ts).
-- Returns, one after the other: 'V' and B what became of it, as above; 'S' for one that is left for another call; 'L' and c8 a
-- layout, of either; or 'E' as `record` has it. At the end I4 as `record`.
local function fill(keys, args)
  local call = open_call(args[1])
  local from, view, forced = struct.unpack('<BBB', args[2])
  local old = cjson.decode(sub(args[2], 4))
  local replies = {}
  for i, key in ipairs(keys) do replies[i] = alone(fill_log, call, views[from], views[view], old, forced == 1, key) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function('freshet_fill_' .. version, fill)
