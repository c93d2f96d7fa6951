-- Looking back: vectors of past moments, folded from the cells as they are today, and how sure each value is. Writes nothing.

-- Windows that begin at this moment or later hold all that they held. Cells are kept at least so long; it is not asked for how
-- much longer, so that an answer does not depend on when a log was rewritten.
local function reach_of(log)
  return max(log.s[log.view.book + DROPPED], log.s[AS_OF] - log.view.keep)
end

-- How many different values the singles from one stand to another have.
local function distinct_singles(log, seen, ends, begins)
  local view, tiles = log.view, log.s[log.view.book + TILES]
  local at_value = 20 + 8 * (view.column_count + seen.field - 1)
  local values, count = {}, 0
  for j = ends.position - tiles, begins.position - tiles - 1 do
    local text, at = singles_at(log, j, 1)
    local _, _, flags = struct.unpack('<dc8I4', text, at)
    local value = sub(text, at + at_value, at + at_value + 7)
    if value ~= NO_VALUE and not values[value] and (seen.mask == 0 or band(flags, seen.mask) ~= 0) then
      values[value], count = true, count + 1
    end
  end
  return count
end

-- The number of events from one stand to another, those of cells that are cut among them.
local function events_between(log, ends, begins)
  local cells = begins.position + (begins.part > 0 and 1 or 0)
  local events = cells - ends.position
  for number = ends.position, min(cells, log.s[log.view.book + TILES]) - 1 do events = events + tile_at(log, number)[3] - 1 end
  return events
end

-- Singles that show a value for the last time, as a table's slots are read.
local function singles_sighted(log, place)
  local sighted = {}
  for j = 0, log.s[log.view.book + SINGLES] - 1 do
    if mark_at(log, j, place) ~= NO_MARK then
      sighted[#sighted + 1], sighted[#sighted + 2] = 0, struct.unpack('<d', singles_at(log, j, 1))
    end
  end
  return sighted
end

-- How many of these values were last seen in `(from, to]`.
local function seen_between(slots, from, to)
  local count = 0
  for i = 2, #slots, 2 do
    if slots[i] > from and slots[i] <= to then count = count + 1 end
  end
  return count
end

-- How many different values were seen in `(moment - length, moment]`, between what that lies, and how sure it is. Of a moment
-- that no event came after, last-seen times tell; of others the singles do, where the whole window is of singles. Else what
-- was last seen in the window was in it, and what was last seen later may have been: as many as today, within these bounds.
-- There are no more values than events, which is all that is known where last-seen times were lost.
local function distinct_at(call, log, place, seen, window, moment, now_stand)
  local s, view = log.s, log.view
  local from, fed_at = moment - window.length, s[seen.at + FED_AT]
  if from < reach_of(log) then return NULL, NULL, NULL, UNREACHABLE end
  local latest = max(moment, s[LAST_EVENT_AT])
  local table_of = s[seen.at + SEEN_BUCKETS] > 0 and read_seen(log, seen, latest) or {}
  local sighted = singles_sighted(log, place)
  if strata_of(log, seen, window) and s[LAST_EVENT_AT] <= moment then
    local inside, times = count_window(log, seen, window, table_of, moment)
    local lower, upper = bounds_of_sample(log, seen, window, times)
    local held = seen_between(sighted, from, INFINITE)
    return floor(inside + 0.5) + held, lower + held, upper + held, SAMPLED
  end
  local function between(after, to) return seen_between(table_of, after, to) + seen_between(sighted, after, to) end
  local since = between(from, INFINITE)
  local kept = from >= s[AS_OF] - seen.kept and not strata_of(log, seen, window)
  local whole = kept and from >= s[seen.at + WHOLE_SINCE] and (#table_of > 0 or fed_at <= from)
  if whole and s[LAST_EVENT_AT] <= moment then return since, since, since, EXACT end
  local ends = stand_of(log, window.length, moment)
  if s[view.book + FRONTIER] <= from then
    local count = distinct_singles(log, seen, ends, now_stand)
    return count, count, count, EXACT
  end
  if not kept then return NULL, NULL, NULL, UNREACHABLE end
  local lower = between(from, moment)
  local upper = whole and since or INFINITE
  if now_stand.position - ends.position < upper then upper = max(lower, min(upper, events_between(log, ends, now_stand))) end
  if lower == upper then return lower, lower, lower, EXACT end
  local estimate = between(latest - window.length, INFINITE)
  return min(max(estimate, lower), upper), lower, upper, INTERPOLATED
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
local function vector_at(call, log, moment)
  local s, view = log.s, log.view
  log.moment = moment
  local now_stand, stands = stand_of(log, 0, moment), {}
  for e, edge in ipairs(view.edges) do stands[e] = stand_of(log, edge.age, moment) end
  local held = gather(log, now_stand, stands, true)

  local values, answers, listed = {}, {}, {}
  for place, seen in ipairs(view.seen) do
    for _, window in ipairs(seen.windows) do
      answers[window.feature] = { distinct_at(call, log, place, seen, window, moment, now_stand) }
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
      if moment - thing.ends.age < reach_of(log) then
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
        -- The estimate takes of each cut tile what is due by its steps: what has passed one edge, less what has passed the
        -- other. Each is rounded by itself, since it passes by itself (see pass_tile).
        local run, estimate = group.run, {}
        for i = 1, RUN_DOUBLES do estimate[run.n + i - 1] = sure[i] end
        local function add(tile, from, to)
          local n, sum, rest, least, most, spread, trues = tile_part(group.lane, tile, to)
          local left, left_sum, left_rest, _, _, left_spread, left_trues = tile_part(group.lane, tile, from)
          if left > 0 then
            n, sum, rest, spread, trues = n - left, sum - left_sum, rest - left_rest, spread - left_spread, trues - left_trues
          end
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

-- The vector of the moment that a log was last folded at, if no edge cuts a cell: all of it is exact but where last-seen
-- times were lost, and none of its cells need be looked at. Nil where one is cut.
local function uncut_vector(call, log)
  local s, view = log.s, log.view
  if #view.lists > 0 then return nil end -- what a list lacks is known of the cells alone
  for _, edge in ipairs(view.edges) do
    if s[edge.at + PART] > 0 then return nil end
  end
  local values = { struct.pack('<d', s[LAST_EVENT_AT]) }
  for f = 1, #view.features do
    local value = s[VECTOR + f]
    values[f + 1] = struct.pack('<dddB', value, value, value, EXACT)
  end
  NOW.position = cell_count(log)
  for place, seen in ipairs(view.seen) do
    for _, window in ipairs(seen.windows) do
      -- Of singles alone it is known.
      if s[seen.at + SEEN_BUCKETS] > 0 or s[AS_OF] - window.length < max(s[seen.at + WHOLE_SINCE], s[seen.at + FED_AT]) then
        values[window.feature + 1] = struct.pack('<dddB', distinct_at(call, log, place, seen, window, s[AS_OF], NOW))
      end
    end
  end
  return table.concat(values)
end

-- The log under a key; of an entity of which nothing is stored, an empty one that is of now.
local function load_past(call, view, key)
  local log, outdated = load_log(call, view, key)
  if outdated then return nil, outdated end
  if log then
    log.is_now = now_of(call, log.s[AS_OF])
  else
    log = new_log(call, view, key)
    log.is_now = call.millis
  end
  return log
end

local function past_entity(call, view, key, packed)
  if is_over(call, MUCH_WORK) then return LEFT end
  local log = call.opened
  if not log or log.key ~= key then
    local outdated
    log, outdated = load_past(call, view, key)
    if outdated then return outdated end
    call.opened = log
  end
  local s = log.s
  local replies = { 'V', struct.pack('<dddd', s[REVISION], s[EVENT_SEQ], s[COMPLETE_SINCE], log.is_now) }
  for at = 1, #packed, 8 do
    local moment = struct.unpack('<d', packed, at)
    local uncut = moment == s[AS_OF] and uncut_vector(call, log)
    if not uncut then load_cells(log) end
    replies[#replies + 1] = uncut or vector_at(call, log, moment)
  end
  return table.concat(replies)
end

-- KEYS: logs of one view; one whose moments are many stands there several times. ARGV[2]: B index of the view. ARGV[i + 2]: the
-- moments asked for of KEYS[i], d each.
-- Returns, one after the other: 'V', d revision, d event_seq, d complete_since, d the entity's now, and for each moment what
-- `vector_at` tells; or 'S', 'L' or 'E' as `read` has them. At the end I4 as `record`.
local function past(keys, args)
  local call = open_call(args[1])
  local view, replies = views[string.byte(args[2], 1)], {}
  for i, key in ipairs(keys) do replies[i] = alone(past_entity, call, view, key, args[i + 2]) end
  replies[#replies + 1] = struct.pack('<I4', call.lost)
  return table.concat(replies)
end

redis.register_function({ function_name = 'freshet_past_' .. version, callback = past, flags = { 'no-writes' } })

return singles_sighted, seen_between, load_past, past_entity
