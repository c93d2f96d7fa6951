-- Looking back: vectors of past moments, folded from the cells as they are today, and how sure each value is. Writes nothing.

-- How many different values were seen in `(moment - length, moment]`. Of a moment that is now, the last-seen times tell;
-- of a past one, the singles do, where they reach back far enough.
local function distinct_at(call, log, seen, window, moment, now)
  local s, view = log.s, log.view
  if s[LAST_EVENT_AT] <= moment then
    local inside, times = 0, {}
    if s[seen.at + SEEN_BUCKETS] > 0 then
      local slots = read_seen(log, seen, seen_name(call, view, log.key, seen), now)
      inside, times = count_window(log, seen, window, slots, moment)
    end
    local value = floor(inside + 0.5)
    if not strata_of(log, seen, window) then return value, value, value, EXACT end
    local lower, upper = bounds_of_sample(log, seen, window, times)
    return value, lower, upper, SAMPLED
  end
  if moment - window.length < max(s[view.book + FRONTIER], now - view.keep) then return NULL, NULL, NULL, UNREACHABLE end
  local values, count = {}, 0
  local at_value = 20 + 8 * (view.column_count + seen.field - 1)
  for j = 0, s[view.book + SINGLES] - 1 do
    local text, at = singles_at(log, j, 1)
    local time, _, flags = struct.unpack('<dc8I4', text, at)
    local value = sub(text, at + at_value, at + at_value + 7)
    if time > moment - window.length and time <= moment and value ~= NO_VALUE and not values[value]
      and (seen.mask == 0 or band(flags, seen.mask) ~= 0) then
      values[value], count = true, count + 1
    end
  end
  return count, count, count, EXACT
end

-- The newest event at or before a moment; minus infinity if there is none.
local function last_event_before(log, now_stand)
  if now_stand.cut then return log.moment end
  if now_stand.position == 0 then return -INFINITE end
  local tiles, number = log.s[log.view.book + TILES], now_stand.position - 1
  return number < tiles and tile_at(log, number)[2] or first_time(log, number)
end

-- The vector of one moment: d the newest event at or before it, then for each feature d value, d lower, d upper, B method,
-- then the values of each list, d each.
local function vector_at(call, log, moment, now)
  local s, view = log.s, log.view
  log.moment = moment
  local now_stand, stands = stand_of(log, 0, moment), {}
  for e, edge in ipairs(view.edges) do stands[e] = stand_of(log, edge.age, moment) end
  local held = gather(log, now_stand, stands, true)

  local values, answers, listed = {}, {}, {}
  for _, seen in ipairs(view.seen) do
    for _, window in ipairs(seen.windows) do
      answers[window.feature] = { distinct_at(call, log, seen, window, moment, now) }
    end
  end
  for _, lifetime in ipairs(view.lifetimes) do
    local arrival = s[lifetime.at + ARRIVAL]
    local reached = arrival > -INFINITE and moment >= arrival or arrival == -INFINITE and moment >= s[AS_OF]
    local figures = {}
    for i = 0, LIFETIME_DOUBLES - 1 do figures[lifetime.at + i] = s[lifetime.at + i] end
    if moment - arrival >= lifetime.idle then clear_lifetime(figures, lifetime.at) end
    for _, f in ipairs(lifetime.features) do
      local value = reached and lifetime_value(figures, lifetime, view.features[f].op) or NULL
      answers[f] = { value, value, value, reached and EXACT or UNREACHABLE }
    end
  end
  for f, feature in ipairs(view.features) do
    local group = feature.group
    local thing = group or feature
    if thing.ends then
      local begins = thing.begins and stands[thing.begins.index] or now_stand
      local ends = stands[thing.ends.index]
      if moment - thing.ends.age < now - view.keep then
        answers[f] = { NULL, NULL, NULL, UNREACHABLE }
      elseif feature.list then
        local list, left_out = newest_few(log, feature, begins, ends)
        local lack = lacking(log, feature, list, left_out, begins, ends)
        answers[f] = { #list, #list, #list + lack, lack > 0 and INTERPOLATED or EXACT }
        listed[f] = list
      elseif feature.op == 'first' then
        answers[f] = { oldest_between(log, feature, begins, ends, moment) }
      elseif not group then
        answers[f] = { newest_between(log, feature, begins, ends, moment) }
      else
        local sure = held[group]
        local young = moment - (group.begins and group.begins.age or 0)
        local parts = cut_parts(group.lane, begins, ends, young, moment - group.ends.age)
        local lower, upper
        if #parts > 0 then lower, upper = bounds[feature.op](sure, parts, feature) end
        -- The estimate takes of each cut tile what is due by its steps.
        local run, estimate = group.run, {}
        for i = 1, RUN_DOUBLES do estimate[run.n + i - 1] = sure[i] end
        local function add(tile, from, to)
          local n, sum, rest, least, most, spread, trues = tile_part(group.lane, tile, to - from)
          if n > 0 then grow(estimate, run, n, sum, rest, least, most, spread, trues) end
        end
        if begins.cut and ends.cut and begins.position == ends.position then
          if begins.part > ends.part then add(begins.cut, ends.part, begins.part) end
        else
          if begins.cut then add(begins.cut, 0, begins.part) end
          if ends.cut then add(ends.cut, ends.part, ends.cut[3]) end
        end
        local value = outcome[feature.op](estimate, run, feature)
        if #parts == 0 then
          answers[f] = { value, value, value, EXACT }
        else
          local certain = sure[1]
          for _, part in ipairs(parts) do certain = certain + part.fewest end
          answers[f] = { value, lower, upper, lower == upper and certain > 0 and EXACT or INTERPOLATED }
        end
      end
    end
  end
  values[1] = struct.pack('<d', last_event_before(log, now_stand))
  for f = 1, #view.features do values[f + 1] = struct.pack('<dddB', unpack(answers[f], 1, 4)) end
  for _, f in ipairs(view.lists) do
    for i = 1, view.features[f].most do values[#values + 1] = struct.pack('<d', listed[f] and listed[f][i] or NULL) end
  end
  return table.concat(values)
end

local function past_entity(call, view, key, packed)
  if is_over(call) then return LEFT end
  local log, outdated = load_log(call, view, key)
  if outdated then return outdated end
  log = log or new_log(call, view, key)
  load_cells(log)
  local now = max(now_of(call, log.s[AS_OF]), log.s[AS_OF])
  local replies = { 'V', struct.pack('<dd', log.s[REVISION], log.s[COMPLETE_SINCE]) }
  for at = 1, #packed, 8 do replies[#replies + 1] = vector_at(call, log, struct.unpack('<d', packed, at), now) end
  return table.concat(replies)
end

-- KEYS: logs of one view. ARGV[2]: B index of the view. ARGV[i + 2]: the moments asked for of KEYS[i], d each.
-- Returns, one after the other: 'V', d revision, d complete_since, and for each moment what `vector_at` tells; or 'S', 'L' or
-- 'E' as `read` has them. At the end I4 as `record`.
local function past(keys, args)
  local call = open_call(args[1])
  local view, replies = views[string.byte(args[2], 1)], {}
  for i, key in ipairs(keys) do replies[i] = alone(past_entity, call, view, key, args[i + 2]) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function({ function_name = 'freshet_past_' .. version, callback = past, flags = { 'no-writes' } })
